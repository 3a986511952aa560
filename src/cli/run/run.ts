import { ignoreError, inBackground } from "../../async/in-background.ts";
import { newClientId } from "../../client/client-id.ts";
import { type Connection, connect } from "../../client/connect.ts";
import { endOfRun } from "../../client/end-of-run.ts";
import { sentenceOfStop } from "../../client/gone.ts";
import type { Remote } from "../../client/remote/remote.ts";
import { newId } from "../../client/repeatable-calls.ts";
import { type EventStream, openEvents, type StreamEnd } from "../../client/stream.ts";
import { HearthError } from "../../protocol/errors.ts";
import type { HearthEvent } from "../../protocol/events.ts";
import type { SessionId } from "../../protocol/ids.ts";
import type { RunCompleted } from "../../protocol/run.ts";
import type { Workspace } from "../../protocol/workspace.ts";
import type { Context } from "../context.ts";
import type { ExitCode } from "../exit.ts";
import type { Parsed } from "../line/spec.ts";
import { connectTo } from "../remote.ts";
import { chooseSession } from "../sessions/choose.ts";
import { settleTrust } from "../trust.ts";
import { withDisposableDaemon } from "./disposable.ts";
import { createRunNotes } from "./notes.ts";
import { type RunOptions, readRunOptions } from "./options.ts";
import { exitCodeOfEnd, printCanceled, printFailure } from "./outcome.ts";
import {
  createJsonOutput,
  createRunFilter,
  createStreamJsonOutput,
  createTextOutput,
  type RunOutput,
} from "./output.ts";
import { readPrompt } from "./read-prompt.ts";
import { cancelRun, createStop, type Stop } from "./stop.ts";

/** `hearth run`: one prompt, its answer on stdout, its outcome as the exit code. */
export async function run(parsed: Parsed, context: Context): Promise<ExitCode> {
  const options = readRunOptions(parsed);
  const prompt = await readPrompt(parsed.positionals);
  const output = createOutputOf(options, context);
  const stop = createStop(options.timeoutMs);
  try {
    const start = (own: Context) => runPrompt(prompt, options, output, own, stop);
    return await (options.isDisposable ? withDisposableDaemon(context, start) : start(context));
  } finally {
    stop.close();
  }
}

function createOutputOf({ format, isVerbose }: RunOptions, { out, err }: Context): RunOutput {
  if (format === "json") return createJsonOutput(out);
  if (format === "stream-json") return createStreamJsonOutput(out);
  return createTextOutput({ out, err, isVerbose });
}

async function runPrompt(
  prompt: string,
  options: RunOptions,
  output: RunOutput,
  context: Context,
  stop: Stop,
): Promise<ExitCode> {
  const { env, paths, launcher, err } = context;
  const clientId = newClientId("run");
  const printNote = async (text: string) => {
    if (options.isVerbose || err.isTerminal()) await err.line(`hearth: ${text}`);
  };
  let connection: Connection;
  let remote: Remote | undefined;
  try {
    if (options.address !== undefined)
      remote = await connectTo(options.address, options.sendsKeys, context, stop.signal);
    const onWait = (what: string) => inBackground(() => err.line(`hearth: ${what}`), ignoreError);
    const { isDisposable } = options;
    connection = await connect(
      { paths, env, launcher, isDisposable, clientId, cwd: remote?.dir ?? context.cwd(), remote, onWait },
      stop.signal,
    );
  } catch (error) {
    remote?.close();
    if (stop.signal.aborted) return printCanceled(context, stop);
    throw error;
  }
  if (connection.notice !== null) await printNote(connection.notice);
  for (const warning of connection.warnings) await err.line(`hearth: ${warning}`);
  await settleTrust(connection, options.trust, err);
  const notes = createRunNotes(connection, context, options.model);
  const run = followRun(connection, withNotes(output, notes.event), notes.workspace);
  let sid: SessionId | undefined;
  try {
    // stream-json also reports the session's creation, so it attaches first; the other formats do both at once.
    if (options.format === "stream-json") await run.stream.opened;
    const [session] = await Promise.all([chooseSession(connection, options), run.stream.opened]);
    sid = session.id;
    const body = {
      session_id: session.id,
      prompt,
      run_id: run.id,
      // A new session already has these.
      ...(session.isNew
        ? { keep_warm: false }
        : { agent: options.agent, model: options.model, mode: options.mode }),
      max_steps: options.maxSteps,
      max_cost: options.maxCost,
      on_question: options.onQuestion,
    };
    const wid = connection.workspace.id;
    if (!session.isNew) await notes.follows(session);
    run.watch(session.id);
    if (stop.signal.aborted) return printCanceled(context, stop);
    const accepted = await connection.request("POST /v1/workspaces/{wid}/agent", { params: { wid }, body });
    stop.startTimeout();
    // If even the failure cannot be printed, stderr is closed and nobody waits any longer.
    const cancel = () =>
      inBackground(() => cancelRun(connection, session, run.id, stop, run.giveUp, printNote), run.giveUp);
    if (stop.signal.aborted) cancel();
    else stop.signal.addEventListener("abort", cancel, { once: true });
    await notes.accepted(accepted);
    const end = await run.ended;
    if (end === undefined) return printCanceled(context, stop);
    await printFailure(end, context, stop);
    return exitCodeOfEnd(end, stop);
  } finally {
    if (options.trajectory !== undefined && sid !== undefined) {
      const { writeTrajectory } = await import("./trajectory.ts");
      await writeTrajectory(connection, sid, options.trajectory, context);
    }
    run.close();
    connection.close();
    remote?.close();
  }
}

const withNotes = (output: RunOutput, note: RunOutput["event"]): RunOutput => ({
  ...output,
  async event(event) {
    await note(event);
    await output.event(event);
  },
});

/** Attaches to the workspace and selects the events of one run that will be posted next. */
function followRun(
  connection: Connection,
  output: RunOutput,
  onWorkspace: (workspace: Workspace) => Promise<void>,
) {
  const runId = newId("run");
  const belongs = createRunFilter(runId);
  const closing = new AbortController();
  const ended = Promise.withResolvers<RunCompleted | undefined>();
  const watched = Promise.withResolvers<SessionId>();
  ended.promise.catch(() => {}); // it may reject before it is awaited
  let isDone = false;

  const complete = async (end: RunCompleted, event?: HearthEvent) => {
    if (isDone) return;
    isDone = true;
    await output.completed(end, event);
    ended.resolve(end);
  };
  const onEvent = async (event: HearthEvent) => {
    // Events before the session is known wait in the socket.
    const sessionId = await watched.promise;
    if (isDone) return;
    if (event.type === "workspace.updated") await onWorkspace(event.payload.workspace);
    else if (event.type === "resync") {
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
      onState(state) {
        if (state.state !== "stopped" || isDone) return;
        const message = `${sentenceOfStop(state.stop)} before the run had ended; what was accepted is kept.`;
        ended.reject(new HearthError("daemon_unreachable", message));
      },
      prepare: (signal, how) => connection.reconnect(signal, how),
      forcedStop: connection.forcedStop,
    },
    closing.signal,
  );
  inBackground(async () => {
    const end = await stream.ended;
    if (!isDone) ended.reject(errorOfStreamEnd(end));
  }, ended.reject);
  return {
    id: runId,
    stream,
    ended: ended.promise,
    watch: watched.resolve,
    /** Stops waiting for the run's end. */
    giveUp: () => ended.resolve(undefined),
    close: () => closing.abort(),
  };
}

const errorOfStreamEnd = (end: StreamEnd): HearthError =>
  end.reason === "failed"
    ? end.error
    : new HearthError("workspace_closing", "The workspace was closed before the run had ended.");
