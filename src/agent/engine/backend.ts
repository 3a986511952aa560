import { mkdir, readFile, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { z } from "zod";
import { sleep } from "../../async/wait.ts";
import { HearthError } from "../../protocol/errors.ts";
import type { Launcher } from "../../protocol/launcher.ts";
import type { Backend, SessionContext, Turn, TurnHost, TurnResult } from "../backend.ts";
import { contentFilters, createGitRunner } from "../git/run-git.ts";
import type { ProcessSupervisor } from "../process/types.ts";
import { lastLine, launch, type Said, type Verb } from "./launch.ts";
import { packTask } from "./pack.ts";
import { type EngineResult, readResult } from "./result.ts";

type EngineDeps = {
  engine: string;
  /** The agent that works there. */
  agent: string;
  launcher: Launcher;
  processes: ProcessSupervisor;
  /** Holds a folder for each session's job. */
  folder: string;
  /** What the launcher's commands get besides the run's own variables. */
  moreEnv(): Readonly<Record<string, string>>;
  /** Writes a file as a whole, for its user alone. */
  writeFile(path: string, text: string): Promise<void>;
  /** The daemon ends, and the next one goes on with the job. */
  isStopping(): boolean;
  /** Between two tries of a command that failed. */
  retryMs?: number;
  report(message: string, fields: Record<string, unknown>): void;
};

/**
 * A job is written down before it is submitted and again with the engine's id, so that a daemon that was killed neither
 * loses it nor submits it twice.
 */
const Job = z.discriminatedUnion("state", [
  z.object({ state: z.literal("submitting") }),
  z.object({ state: z.literal("submitted"), job: z.string() }),
  /** The result is here, whole; the engine may have removed it. */
  z.object({ state: z.literal("fetched"), job: z.string() }),
]);
type Job = z.infer<typeof Job>;

const RETRY_MS = 2_000;
/** The pause before another try doubles up to this many times the first one. */
const PAUSES_MAX = 32;
/** Tries in a row: a laptop that wakes has no network for a while. All pauses together: three minutes. */
const WAITS_MAX = 8;
const FETCHES_MAX = 4;
/** A `wait` that lasted so long has reached its engine. */
const WAITED_MS = 60_000;
const SUBMIT_MS_MAX = 15 * 60_000;
const FETCH_MS_MAX = 60 * 60_000;
const LOGS_MS_MAX = 60_000;
const CANCEL_MS_MAX = 30_000;

/** Carries a session's turn to an engine: submit, wait, fetch, and the changes applied to the session's worktree. */
export function createEngineBackend(deps: EngineDeps): Backend {
  const { engine, launcher, retryMs = RETRY_MS } = deps;
  const why = (said: Said) =>
    (lastLine(said.stderr) || lastLine(said.stdout) || `exit code ${said.code ?? "none"}`).replace(/\.$/, "");

  const pauseOf = (tries: number) => retryMs * Math.min(2 ** (tries - 1), PAUSES_MAX);
  const unknown = (how: string) =>
    failure(
      `${how} the task was handed to ${engine}, so it is not known whether it runs there: look there, and start the task again if not.`,
    );

  async function runTurn(
    { root, session_id }: Pick<SessionContext, "root" | "session_id">,
    turn: Turn,
    host: TurnHost,
    signal: AbortSignal,
  ): Promise<TurnResult> {
    const folder = join(deps.folder, session_id);
    const task = join(folder, "task");
    const result = join(folder, "result");
    const record = join(folder, "job.json");
    const env = {
      ...turn.env,
      ...deps.moreEnv(),
      HEARTH_TASK: session_id
        .replace(/^ses_/, "")
        .slice(0, 16)
        .toLowerCase()
        .replace(/[^a-z0-9]/g, "x"),
      HEARTH_WORKSPACE: root,
      HEARTH_TASK_DIR: task,
      HEARTH_RESULT_DIR: result,
    };
    const within = (ms: number) => AbortSignal.any([signal, AbortSignal.timeout(ms)]);
    const run = (verb: Verb, job: string, stop: AbortSignal): Promise<Said> =>
      launch(launcher[verb] ?? "true", { cwd: task, env: { ...env, HEARTH_JOB: job } }, stop);

    async function submit(): Promise<string> {
      const known = await jobIn(record);
      if (known?.state === "submitted" || known?.state === "fetched") return known.job;
      if (known?.state === "submitting") throw unknown("hearth was stopped while");
      const { prompt, model, max_steps: maxSteps } = turn;
      await packTask(
        task,
        { root, env: turn.env, owner: turn.run_id, task: { prompt, agent: deps.agent, model, maxSteps } },
        deps.processes,
        signal,
      );
      await deps.writeFile(record, JSON.stringify({ state: "submitting" } satisfies Job));
      // Not ended by a cancel: whether the engine has it would not be known then.
      const said = await run("submit", "", AbortSignal.timeout(SUBMIT_MS_MAX)).catch((error: unknown) => {
        throw error instanceof HearthError ? error : unknown("There was no answer when");
      });
      const job = lastLine(said.stdout);
      if (said.code !== 0 || job === "") {
        await rm(record, { force: true });
        const what = said.code === 0 ? `submit printed no job; ${why(said)}` : why(said);
        throw failure(`The task could not be handed to ${engine}: ${what}.`);
      }
      await deps.writeFile(record, JSON.stringify({ state: "submitted", job } satisfies Job));
      return job;
    }

    /** An engine that cannot be reached for a while has not lost the job. */
    async function untilEnded(job: string): Promise<void> {
      for (let tries = 1; ; tries += 1) {
        const began = performance.now();
        const said = await run("wait", job, signal);
        if (said.code === 0) return;
        // It answered for a while, so this is another trouble than before.
        if (performance.now() - began > WAITED_MS) tries = 1;
        if (tries === WAITS_MAX) return; // what it left says more
        const text = `${engine} does not say how job ${job} goes: ${why(said)}. It is asked again.`;
        host.emit({ type: "notice", level: "warning", code: "engine", text });
        await sleep(pauseOf(tries), signal);
      }
    }

    async function fetched(job: string): Promise<EngineResult> {
      const found = await readResult(result);
      if (!("problem" in found)) return found;
      throw failure(`The result of job ${job} is gone from ${result}: ${found.problem}.`);
    }

    async function fetch(job: string): Promise<EngineResult> {
      for (let tries = 1; ; tries += 1) {
        await rm(result, { recursive: true, force: true });
        await mkdir(result, { recursive: true, mode: 0o700 });
        const said = await run("fetch", job, within(FETCH_MS_MAX));
        const found = await readResult(result);
        if (said.code === 0 && !("problem" in found)) {
          await deps.writeFile(record, JSON.stringify({ state: "fetched", job } satisfies Job));
          return found;
        }
        const problem = "problem" in found ? found.problem : "it came only in part";
        if (tries === FETCHES_MAX || (said.code === 0 && problem.startsWith("exit code"))) {
          const logged =
            launcher.logs === undefined ? "" : lastLine((await run("logs", job, within(LOGS_MS_MAX))).stdout);
          const told = said.code === 0 ? problem : `${problem}; fetch said: ${why(said)}`;
          throw failure(
            `The job ${job} on ${engine} brought nothing: ${told}${logged === "" ? "" : `; its log ends with: ${logged}`}. What there is lies in ${folder}.`,
          );
        }
        await sleep(pauseOf(tries), signal);
      }
    }

    host.emit({ type: "prompted" }, { type: "step_started", model: turn.model });
    let job: string | undefined;
    try {
      job = await submit();
      host.emit({ type: "notice", level: "info", code: "engine", text: `Job ${job} on ${engine}.` });
      signal.throwIfAborted();
      const isHere = (await jobIn(record))?.state === "fetched";
      if (!isHere) await untilEnded(job);
      const end = isHere ? await fetched(job) : await fetch(job);
      await applyPatch(root, turn, end.patch, signal);
      if (end.text !== "") host.emit({ type: "text_delta", text: end.text });
      const { usage, cost, outcome } = end;
      const finish_reason = outcome === "steered" || outcome === "interrupted" ? "error" : outcome;
      host.emit({ type: "step_finished", finish_reason, usage, cost });
      await rm(folder, { recursive: true, force: true });
      if (
        outcome === "end_turn" ||
        outcome === "max_tokens" ||
        outcome === "max_steps" ||
        outcome === "refusal"
      )
        return { outcome };
      const message = end.error?.message ?? `The run on ${engine} ended as ${outcome}.`;
      return {
        outcome: "error",
        error: end.error ?? { code: "agent_unavailable", message, retryable: false },
      };
    } catch (error) {
      if (signal.aborted) {
        if (job !== undefined) await cancel(job);
        return { outcome: "canceled" };
      }
      const { code, message } =
        error instanceof HearthError ? error : { code: "internal" as const, message: String(error) };
      return { outcome: "error", error: { code, message, retryable: false } };
    } finally {
      await deps.processes.stopOwner(turn.run_id);
    }

    async function cancel(id: string): Promise<void> {
      if (deps.isStopping()) return;
      try {
        if (launcher.cancel === undefined) throw new Error("its launcher has no way to cancel");
        const said = await run("cancel", id, AbortSignal.timeout(CANCEL_MS_MAX));
        if (said.code !== 0) throw new Error(why(said));
        await rm(folder, { recursive: true, force: true });
      } catch (cause) {
        const said = cause instanceof Error ? cause.message : String(cause);
        const text = `Job ${id} on ${engine} could not be canceled and may still run: ${said}.`;
        host.emit({ type: "notice", level: "warning", code: "engine", text });
        deps.report("a job could not be canceled, and may still run", { engine, job: id, cause });
      }
    }
  }

  async function applyPatch(root: string, turn: Turn, patch: Buffer, signal: AbortSignal): Promise<void> {
    if (patch.length === 0) return;
    // In a worktree's subfolder git must not look for the repository above it: the patch begins here.
    const env = { ...turn.env, GIT_CEILING_DIRECTORIES: dirname(root) };
    const git = createGitRunner(deps.processes, { root, env, owner: turn.run_id });
    const filters = await contentFilters(git, signal);
    if (filters === null) throw failure("The repository names too many filters.");
    const settings = [...filters, ["core.autocrlf", "false"] as const];
    const args = ["apply", "--whitespace=nowarn", "-"];
    const said = await git({ args, settings, input: patch }, signal);
    if (said.code === 0) return;
    throw failure(`The changes of the job could not be applied: ${lastLine(said.stderr)}`);
  }

  const failure = (message: string) => new HearthError("agent_unavailable", message);

  return {
    kind: "engine",
    open: async (session) => ({
      kind: "new",
      isUsable: async ({ root }) => root === session.root,
      isWarm: () => false,
      runTurn: (turn, host, signal) => runTurn(session, turn, host, signal),
      kill: async () => {},
      close: async () => {},
    }),
    close: async () => {},
  };
}

async function jobIn(record: string): Promise<Job | undefined> {
  try {
    return Job.parse(JSON.parse(await readFile(record, "utf8")));
  } catch {
    return undefined; // there is none yet
  }
}
