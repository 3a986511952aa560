import { ignoreError, inBackground } from "../../../async/in-background.ts";
import { orAborted, settlesWithin } from "../../../async/wait.ts";
import { createBoundedMap } from "../../bounded-map.ts";
import type { HostProxy } from "../../sandbox/host-proxy.ts";
import type { Confinement, Sandbox } from "../../sandbox/sandbox.ts";
import { locate, placeText } from "../../workspace-path.ts";
import { ToolFailure } from "../failure.ts";
import { defineTool, type ToolContext, type ToolResult } from "../tool.ts";
import {
  type CommandInput,
  commandInput,
  normalizeCommand,
  OUTPUT_WAIT_S,
  OUTPUT_WAIT_S_MAX,
  TIMEOUT_S,
} from "./command-input.ts";
import { createLineWatch } from "./job-news.ts";
import { age, durationText, endText, listText } from "./job-text.ts";
import { type Job, type Jobs, RUNNING_JOBS_MAX } from "./jobs.ts";
import { createOutputFolder, type OutputFolder } from "./output-folder.ts";
import { openNetwork } from "./sandboxed-network.ts";
import { createScreenFeed } from "./screen-feed.ts";
import { startCommand } from "./start-command.ts";
import { mayBeWoken, type WakePermissions } from "./wake-question.ts";

const FOREGROUND_MS = 60_000;
/** A background command that fails within this time is reported at once. */
const SETTLE_MS = 400;
const FAILED_KEPT_MAX = 500;

export type BashOptions = {
  /** How long a call waits before its command continues in the background. */
  foregroundMs?: number | undefined;
  folder?: OutputFolder | undefined;
  sandbox?: Sandbox | undefined;
  wakes?: WakePermissions | undefined;
};

export function createBashTool({
  foregroundMs = FOREGROUND_MS,
  folder = createOutputFolder(),
  sandbox,
  wakes,
  jobs,
}: BashOptions & { jobs: Jobs }) {
  /** What failed in the sandbox without being asked about: the same call again is asked about. */
  const failedUnasked = createBoundedMap<string, true>(FAILED_KEPT_MAX);
  return defineTool({
    name: "bash",
    kind: "execute",
    readOnly: false,
    description: `Runs a command in bash, each time in a new shell in the workspace root (or cwd), without a terminal or input. Answers with output, exit code and duration; of long output the beginning and end, the rest goes to a file named there. Ended after timeout_s. What runs longer than ${FOREGROUND_MS / 1000} s goes on as a background job; for servers and watchers set background. action output with job shows what is new, waiting for the end; action kill ends it, action list shows all. Jobs outlive your turn; end what is not needed. Prefer read, edit, list, glob and grep to cat, sed, ls, find and rg.`,
    input: commandInput,
    normalize: normalizeCommand,
    title: ({ command, action, job }) =>
      action === undefined ? (command ?? "") : `${action} ${job ?? ""}`.trim(),
    withCommand: (call, command) => ({ ...call, command }),
    async prepare(call, context) {
      if (call.action === "list") return { text: listText(jobs.list(context.session_id)) };
      if (call.action !== undefined) {
        const job = jobs.get(context.session_id, call.job ?? "");
        return {
          run: () =>
            call.action === "kill" ? kill(job, call, context, jobs) : showOutput(job, call, context, jobs),
        };
      }
      const { command } = call;
      if (command === undefined)
        throw new ToolFailure("Give a command, or action and job for a background job.");
      if (command.includes("\0")) throw new ToolFailure("The command contains a NUL character.");
      const cwd = await locate(context.root, call.cwd ?? ".");
      const key = `${context.run_id} ${cwd.real} ${command}`;
      // A server that nobody can reach would be of no use.
      const isWider = call.unsandboxed === true || call.background === true;
      const level = isWider ? "wider" : failedUnasked.has(key) ? "writable" : "read_only";
      return {
        permission: {
          tool: "bash",
          subject: {
            type: "command",
            command,
            cwd: cwd.real,
            ...(context.container !== undefined
              ? { container: context.container.image }
              : sandbox !== undefined && { sandbox: level }),
          },
        },
        async run(how) {
          const confinement = how?.sandbox;
          const network =
            confinement && sandbox && (await openNetwork(command, confinement, sandbox, how ?? {}, context));
          const place = { command, root: context.root, cwd: cwd.real, env: context.env };
          const line = confinement && (await sandbox?.wrap(place, confinement, network?.path));
          const deps = { jobs, folder, foregroundMs, confinement, wakes, network: network?.proxy };
          const result = await runCommand({ ...call, command, line }, cwd, deps, context);
          if (confinement?.isReadOnly && result.hasFailed) failedUnasked.set(key, true);
          return result;
        },
      };
    },
  });
}

type CommandDeps = {
  jobs: Jobs;
  folder: OutputFolder;
  foregroundMs: number;
  confinement: Confinement | undefined;
  wakes: WakePermissions | undefined;
  /** Closed when the command has ended. */
  network: HostProxy | undefined;
};

async function runCommand(
  call: CommandInput & { command: string; line: string | undefined },
  cwd: { real: string; shown: string },
  { jobs, folder, foregroundMs, confinement, wakes, network }: CommandDeps,
  context: ToolContext,
): Promise<ToolResult & { hasFailed?: boolean }> {
  context.signal.throwIfAborted();
  const { command, line, background = false, timeout_s, notify = false, watch } = call;
  const { session_id: sessionId, run_id: runId } = context;
  const timeoutS = timeout_s ?? (background ? undefined : TIMEOUT_S);
  const timeoutMs = timeoutS === undefined ? undefined : timeoutS * 1000;
  const feed = createScreenFeed(context.onOutput);
  // A job from its start has processes of its own; another command's are handed over when it becomes one.
  const own = background ? jobs.newOwner() : undefined;
  let listen: ((line: string) => void) | undefined;
  const lines = watch === undefined ? undefined : createLineWatch(watch, (found) => listen?.(found));
  const onText = (text: string) => {
    feed.push(text);
    lines?.push(text);
  };
  const request = { command, line, cwd, timeoutMs, owner: own, onText };
  const job = await startCommand(request, folder, context).catch(async (error: unknown) => {
    await network?.close();
    throw error;
  });
  if (network !== undefined) inBackground(() => job.ended.then(network.close), ignoreError);
  let isOver = false;
  try {
    await waitFor(job, background ? SETTLE_MS : foregroundMs, context, jobs, own);
    if (job.end !== undefined && !job.hasLeftovers()) {
      isOver = true;
      if (own !== undefined) await context.processes.stopOwner(own);
      const hasFailed = job.end.code !== 0;
      const where = hasFailed && confinement !== undefined ? `; ${sandboxText(confinement)}` : "";
      const refused = (network?.refusals() ?? []).map((text) => `; ${text}`).join("");
      return { ...result(job, job.output.text(), endText(job.end) + refused + where), hasFailed };
    }
    const id = jobs.add({ sessionId, runId, owner: own ?? jobs.newOwner(), job });
    if (job.end !== undefined) {
      const leftovers =
        id === undefined ? "" : `; what it started is still running: action kill with job ${id} ends it`;
      return result(job, job.output.text(), endText(job.end) + leftovers);
    }
    if (id !== undefined) {
      const limit =
        own === undefined || timeoutS === undefined
          ? "It runs until it ends, is killed or the session is deleted"
          : `It is ended after ${timeoutS} s in all`;
      const output = job.output.text();
      let told = "";
      if (notify || watch !== undefined) {
        listen = (found) => jobs.news.printed(sessionId, id, found);
        const mayWake = await mayBeWoken(wakes, { id, command }, context);
        jobs.news.watch(sessionId, id, job, mayWake);
        told = mayWake
          ? ". You will be told, also after your turn"
          : ". You will be told while you work or when you next do; the user has not allowed that it wakes you";
      }
      const how = `${limit}. action output waits for it and shows what is new, action kill ends it${told}.`;
      return result(
        job,
        output,
        `running in the background as ${id} since ${durationText(age(job))}. ${how}`,
      );
    }
    // No room for another job: wait for a command, refuse a background one.
    if (background) {
      await job.stop();
      throw new ToolFailure(
        `${RUNNING_JOBS_MAX} background jobs are running: end one with action kill first.`,
      );
    }
    await waitFor(job, undefined, context, jobs);
    return result(job, job.output.text(), job.end === undefined ? "" : endText(job.end));
  } finally {
    feed.end(isOver);
  }
}

async function showOutput(
  job: Job,
  { timeout_s, job: id = "" }: CommandInput,
  context: ToolContext,
  jobs: Jobs,
): Promise<ToolResult> {
  const waitS = Math.min(timeout_s ?? OUTPUT_WAIT_S, OUTPUT_WAIT_S_MAX);
  await waitFor(job, waitS * 1000, context, jobs);
  jobs.news.seen(context.session_id, id);
  const state = job.end === undefined ? `still running after ${durationText(age(job))}` : endText(job.end);
  return result(job, job.output.newText(), state);
}

async function kill(
  job: Job,
  { job: id = "" }: CommandInput,
  { session_id }: ToolContext,
  jobs: Jobs,
): Promise<ToolResult> {
  await job.stop();
  await job.ended;
  jobs.news.seen(session_id, id);
  return result(job, job.output.newText(), endText(await job.ended));
}

/**
 * Waits until the job has ended or `ms` are over. Throws when the run is canceled, after ending everything that the run
 * started: all at once, so that background jobs do not wait for a command that is slow to end.
 */
async function waitFor(
  job: Job,
  ms: number | undefined,
  context: ToolContext,
  jobs: Jobs,
  /** The owner of a command that is no job yet, but has its own processes. */
  own?: string,
): Promise<void> {
  const { processes, run_id, signal } = context;
  try {
    if (ms === undefined) await orAborted(job.ended, signal);
    else await settlesWithin(job.ended, ms, signal);
  } finally {
    if (signal.aborted)
      await Promise.all([
        processes.stopOwner(run_id),
        jobs.stopRun(run_id),
        own === undefined ? undefined : processes.stopOwner(own),
      ]);
  }
  signal.throwIfAborted();
}

function result(job: Job, output: string, state: string): ToolResult {
  const shown = output.trim() === "" ? "(no output)" : output.replace(/\n+$/, "");
  return {
    text: `${shown}\n\n[${state.replace(/\.$/, "")}; in ${placeText(job.cwd)}]`,
    view: {
      kind: "command",
      command: job.command,
      exit_code: job.end?.code ?? null,
      duration_ms: job.end?.durationMs ?? Math.round(age(job)),
      truncated: job.output.isTruncated(),
    },
    ...(job.end?.isTimedOut ? { isError: true } : {}),
  };
}

const sandboxText = ({ isReadOnly, hosts }: Confinement): string =>
  isReadOnly
    ? "it ran sandboxed and unasked, so it could change no file but in the temp folder and had no network: if that is why it failed, the same call again asks the user"
    : hosts !== undefined
      ? "it ran sandboxed, writing only to the workspace and the temp folder and with the network through a proxy that asks the user about each host: if that is why it failed, call with unsandboxed"
      : "it ran sandboxed, without network and writing only to the workspace and the temp folder: if that is why it failed, call with unsandboxed";
