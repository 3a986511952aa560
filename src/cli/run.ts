import { newClientId } from "../client/client.ts";
import { type Connection, connect } from "../client/connect.ts";
import { randomHex } from "../client/random.ts";
import { type EventStream, openEvents, type StreamEnd } from "../client/stream.ts";
import { HearthError } from "../protocol/errors.ts";
import type { HearthEvent } from "../protocol/events.ts";
import type { RunId, SessionId } from "../protocol/ids.ts";
import type { PermissionMode } from "../protocol/permission.ts";
import type { RunCompleted } from "../protocol/run.ts";
import { chooseSession } from "./choose-session.ts";
import type { Context } from "./context.ts";
import { endOfRun } from "./end-of-run.ts";
import { type ExitCode, exitCodeOfCode, exitCodes, UsageError } from "./exit.ts";
import { readPrompt } from "./read-prompt.ts";
import {
  createJsonOutput,
  createRunFilter,
  createStreamJsonOutput,
  createTextOutput,
  type RunOutput,
} from "./run-output.ts";
import type { Parsed } from "./table.ts";

/** How long a canceled run may take to end before this process goes without its end. */
const CANCELED_END_MS = 10_000;

/** `hearth run`: one prompt, its answer on stdout, its outcome as the exit code. */
export async function run(parsed: Parsed, context: Context): Promise<ExitCode> {
  const wishes = readWishes(parsed);
  const prompt = await readPrompt(parsed.positionals);
  const output = createOutputOf(wishes, context);
  const stop = createStop(wishes.timeoutMs);
  try {
    return await runPrompt(prompt, wishes, output, context, stop);
  } finally {
    stop.close();
  }
}

type Wishes = ReturnType<typeof readWishes>;

function readWishes({ options }: Parsed) {
  const policy = options["permission-mode"];
  if (options["continue"] && options["session"])
    throw new UsageError("Give --continue or --session, not both.");
  const seconds = readNumber("timeout", options["timeout"]);
  if (seconds !== undefined && !(seconds > 0))
    throw new UsageError("--timeout takes a number of seconds above 0.");
  const maxSteps = readNumber("max-steps", options["max-steps"]);
  if (maxSteps !== undefined && !(Number.isInteger(maxSteps) && maxSteps >= 1)) {
    throw new UsageError("--max-steps takes a whole number from 1.");
  }
  return {
    format: textOf(options["format"]) ?? "text",
    agent: textOf(options["agent"]),
    model: textOf(options["model"]),
    session: textOf(options["session"]),
    goOn: options["continue"] === true,
    isolation: textOf(options["isolation"]) as "in_place" | "worktree" | undefined,
    mode: (policy === "deny" ? "ask" : policy) as PermissionMode | undefined,
    onQuestion: policy === "deny" ? ("deny" as const) : ("fail" as const),
    maxSteps,
    timeoutMs: seconds === undefined ? undefined : Math.min(seconds * 1000, 2 ** 31 - 1),
    trust: textOf(options["trust"]),
    isVerbose: options["verbose"] === true,
  };
}

const textOf = (value: string | true | undefined): string | undefined =>
  typeof value === "string" ? value : undefined;

function readNumber(name: string, value: string | true | undefined): number | undefined {
  if (typeof value !== "string") return undefined;
  const number = value.trim() === "" ? Number.NaN : Number(value);
  if (!Number.isFinite(number)) throw new UsageError(`--${name} takes a number, not "${value}".`);
  return number;
}

function createOutputOf({ format, isVerbose }: Wishes, { out, err }: Context): RunOutput {
  if (format === "json") return createJsonOutput(out);
  if (format === "stream-json") return createStreamJsonOutput(out);
  return createTextOutput({ out, err, isVerbose });
}

/** Why this process wants the run to end before its time. */
type StopReason = "signal" | "timeout";

/** Ctrl+C, SIGTERM, and --timeout once the run is accepted. A second Ctrl+C does not wait for the run's end. */
function createStop(timeoutMs: number | undefined) {
  const asked = new AbortController();
  let reason: StopReason | undefined;
  const stop = (why: StopReason) => {
    if (reason !== undefined && why === "signal") process.exit(exitCodes.canceled);
    reason ??= why;
    asked.abort();
  };
  const onSignal = () => stop("signal");
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  let timer: NodeJS.Timeout | undefined;
  return {
    signal: asked.signal,
    reason: () => reason,
    startTimeout() {
      if (timeoutMs !== undefined) timer = setTimeout(() => stop("timeout"), timeoutMs);
    },
    close() {
      process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
      clearTimeout(timer);
    },
  };
}
type Stop = ReturnType<typeof createStop>;

async function runPrompt(
  prompt: string,
  wishes: Wishes,
  output: RunOutput,
  context: Context,
  stop: Stop,
): Promise<ExitCode> {
  const { env, paths, launcher, err } = context;
  const clientId = newClientId("run");
  const aside = async (text: string) => {
    if (wishes.isVerbose || err.isTerminal()) await err.line(`hearth: ${text}`);
  };
  let connection: Connection;
  try {
    connection = await connect({ paths, env, launcher, clientId, cwd: context.cwd() }, stop.signal);
  } catch (error) {
    if (stop.signal.aborted) return saysCanceled(context, stop);
    throw error;
  }
  if (connection.notice !== null) await aside(connection.notice);
  if (wishes.trust !== undefined) await aside("Nothing here waits to be trusted: --trust has no effect.");
  const run = followRun(connection, output);
  try {
    await run.stream.opened;
    const session = await chooseSession(connection, wishes);
    const body = {
      session_id: session.id,
      prompt,
      run_id: run.id,
      // A session that was made just now has them already.
      ...(session.isNew ? {} : { agent: wishes.agent, model: wishes.model, mode: wishes.mode }),
      max_steps: wishes.maxSteps,
      on_question: wishes.onQuestion,
    };
    const wid = connection.workspace.id;
    run.watch(session.id);
    if (stop.signal.aborted) return saysCanceled(context, stop);
    await connection.request("POST /v1/workspaces/{wid}/agent", { params: { wid }, body });
    stop.startTimeout();
    const cancel = () => void cancelRun(connection, session, run.id, stop, run.giveUp, aside);
    if (stop.signal.aborted) cancel();
    else stop.signal.addEventListener("abort", cancel, { once: true });
    const end = await run.ended;
    if (end === undefined) return saysCanceled(context, stop);
    await sayWhy(end, context, stop);
    return exitCodeOfEnd(end, stop);
  } finally {
    run.close();
    connection.close();
  }
}

/** Attaches to the workspace and picks out what belongs to one run that is about to be posted. */
function followRun(connection: Connection, output: RunOutput) {
  const runId = `run_${randomHex(16)}` as RunId;
  const belongs = createRunFilter(runId);
  const closing = new AbortController();
  const ended = Promise.withResolvers<RunCompleted | undefined>();
  const watched = Promise.withResolvers<SessionId>();
  ended.promise.catch(() => {}); // it may fail before anybody waits for it
  let isDone = false;

  const complete = async (end: RunCompleted, event?: HearthEvent) => {
    if (isDone) return;
    isDone = true;
    await output.completed(end, event);
    ended.resolve(end);
  };
  const onEvent = async (event: HearthEvent) => {
    // What comes before the session is known is kept in the socket.
    const sessionId = await watched.promise;
    if (isDone) return;
    if (event.type === "resync") {
      const end = await endOfRun(connection, sessionId, runId);
      if (end !== undefined) await complete(end);
    } else if (event.session_id === sessionId && belongs(event)) {
      if (event.type === "run.completed") await complete(event.payload, event);
      else await output.event(event);
    }
  };
  const stream: EventStream = openEvents(
    {
      socketPath: connection.socketPath(),
      workspaceId: connection.workspace.id,
      clientId: connection.clientId,
      kind: "headless",
      label: `hearth run, pid ${process.pid}`,
      onEvent: (event) => onEvent(event).catch(ended.reject),
      prepare: (signal) => connection.reconnect(signal),
    },
    closing.signal,
  );
  void stream.ended.then((end) => {
    if (!isDone) ended.reject(errorOfStreamEnd(end));
  });
  return {
    id: runId,
    stream,
    ended: ended.promise,
    watch: watched.resolve,
    /** Goes without the run's end. */
    giveUp: () => ended.resolve(undefined),
    close: () => closing.abort(),
  };
}

const errorOfStreamEnd = (end: StreamEnd): HearthError =>
  end.reason === "failed"
    ? end.error
    : new HearthError("workspace_closing", "The workspace was closed before the run had ended.");

/** Cancels the run, and of a session shared with others nothing else. */
async function cancelRun(
  connection: Connection,
  session: { id: SessionId; isNew: boolean },
  runId: RunId,
  stop: Stop,
  giveUp: () => void,
  aside: (text: string) => Promise<void>,
): Promise<void> {
  const patience = setTimeout(giveUp, CANCELED_END_MS);
  patience.unref();
  const params = { wid: connection.workspace.id, sid: session.id };
  try {
    if (!session.isNew && (await withdraw(connection, session.id, runId))) return;
    const scope = session.isNew ? "all" : "active";
    const { held } = await connection.request("POST /v1/workspaces/{wid}/agent/sessions/{sid}/cancel", {
      params,
      body: { scope },
    });
    if (held.length > 0) await aside(`Prompts behind it in the queue are held: ${held.length}.`);
  } catch (error) {
    await aside(`The run could not be canceled: ${error instanceof Error ? error.message : String(error)}`);
    if (stop.reason() !== undefined) giveUp();
  }
}

/** Takes back a prompt that still waits in the queue; false when it has started. */
async function withdraw(connection: Connection, sid: SessionId, rid: RunId): Promise<boolean> {
  try {
    const params = { wid: connection.workspace.id, sid, rid };
    await connection.request("DELETE /v1/workspaces/{wid}/sessions/{sid}/queue/{rid}", { params });
    return true;
  } catch (error) {
    if (error instanceof HearthError && (error.code === "run_started" || error.code === "run_not_found"))
      return false;
    throw error;
  }
}

const exitCodeOfStop = (stop: Stop): ExitCode =>
  stop.reason() === "timeout" ? exitCodes.timeout : exitCodes.canceled;

async function saysCanceled({ err }: Context, stop: Stop): Promise<ExitCode> {
  await err.line(`hearth: ${canceledBy(stop, null)}`);
  return exitCodeOfStop(stop);
}

function canceledBy(stop: Stop, client: string | null): string {
  if (stop.reason() === "timeout") return "The run was canceled: its time was up.";
  return stop.reason() === "signal" ? "Canceled." : `The run was canceled by ${client ?? "another client"}.`;
}

function exitCodeOfEnd(end: RunCompleted, stop: Stop): ExitCode {
  switch (end.outcome) {
    case "end_turn":
    case "steered":
      return exitCodes.done;
    case "max_tokens":
    case "max_steps":
      return exitCodes.limit;
    case "canceled":
      return exitCodeOfStop(stop);
    case "refusal":
    case "interrupted":
      return exitCodes.failed;
    case "error":
      return end.error === undefined ? exitCodes.failed : exitCodeOfCode(end.error.code);
  }
}

/** One sentence on stderr for a run that did not end as it should. */
async function sayWhy(
  { outcome, error, canceled_by }: RunCompleted,
  { err }: Context,
  stop: Stop,
): Promise<void> {
  const sentence = {
    end_turn: "",
    steered: "",
    max_tokens: "The model stopped at its limit of output tokens: the answer is not complete.",
    max_steps: "The run stopped at its limit of steps: raise it with --max-steps, or go on with --continue.",
    refusal: "The model refused to answer.",
    interrupted: "The daemon stopped before the run had ended; go on with `hearth run --continue`.",
    canceled: canceledBy(stop, canceled_by),
    error: error?.message ?? "The run failed.",
  }[outcome];
  if (sentence !== "") await err.line(`hearth: ${sentence}`);
}
