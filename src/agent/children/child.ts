import type { Readable, Writable } from "node:stream";
import { ignoreError, inBackground } from "../../async/in-background.ts";
import { orAborted, settlesWithin } from "../../async/wait.ts";
import type { GroupProcess, ProcessExit, ProcessSupervisor } from "../process/types.ts";
import {
  type ChildEffect,
  type ChildEvent,
  type ChildState,
  type EndKind,
  isDying,
  newChild,
  stepChild,
} from "./child-state.ts";
import { endDescendants } from "./descendants.ts";
import { redact } from "./environment.ts";
import { exitText, stderrText } from "./exit-text.ts";
import { createTextRing } from "./text-ring.ts";
import type { Warm } from "./warm-keeper.ts";

const STDERR_BYTES_MAX = 256 * 1024;
/** Time to read what is left in the pipe of a child that has exited. */
const DRAIN_MS = 1000;
/** Time for a child that has closed its output to exit by itself. */
const CLOSING_MS = 1000;
/** Time for a child to exit after its input was closed, before it is signaled. */
const EOF_GRACE_MS = 400;
const TAIL_CHARS = 600;

export type ChildEnd = { kind: EndKind; message: string };

/** A process that was just started, for the code that connects to it. */
export type StartedChild = {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Adds output that is no message to the stderr text that error messages quote. */
  logOutput(text: string): void;
  /** The child is unusable: it is ended, and counts as crashed. */
  fail(why: string): void;
  /** The connection is lost. Usually the child is just exiting; otherwise it is ended. */
  connectionLost(): void;
};

export type ChildRequest<C> = {
  /** Requests with the same key share a child. */
  key: string;
  agent: string;
  command: readonly [string, ...string[]];
  cwd: string;
  /** The whole environment. */
  env: Readonly<Record<string, string>>;
  /** The command that updates the agent, if known. */
  update?: string | null | undefined;
  /** Connects to the child. A HearthError is the agent's definite answer; any other error is a failed start. */
  connect(child: StartedChild, signal: AbortSignal): Promise<C>;
};

/** One process of an agent, shared by the sessions that run in it. */
export type Child<C> = Warm & {
  readonly pid: number;
  readonly key: string;
  /** Throws before `connect` has resolved. */
  readonly connection: C;
  /** It can take new turns. */
  readonly isUsable: boolean;
  /** It is exiting by itself, and will be gone in a moment. */
  readonly isDying: boolean;
  readonly activeTurns: number;
  /** Resolves when it is gone and its output has been read. */
  readonly gone: Promise<ChildEnd>;
  connect(signal: AbortSignal): Promise<void>;
  /** A child with turns is never evicted. Call the returned function at the turn's end. */
  beginTurn(): () => void;
  /** It works: earlier failures no longer count. */
  markHealthy(): void;
  /** Takes no new turns, and ends with its last one. */
  retire(): void;
  /** Closes its input, then TERM, then KILL. Also ends everything that it started. */
  stop(): Promise<void>;
  /** The same without closing its input first. */
  kill(): Promise<void>;
  /**
   * Ends the commands that it started since then (wall clock, ms) and that still run: agents may leave them running
   * when a turn is canceled. Older helper processes are kept.
   */
  endCommandsSince(since: number): Promise<void>;
  stderrTail(charsMax: number): string;
  /** Its exit if it ended by itself, waiting a moment for it; else null. */
  endedByItself(): Promise<ProcessExit | null>;
};

type ChildDeps<C> = {
  request: ChildRequest<C>;
  process: GroupProcess;
  processes: ProcessSupervisor;
  /** Unique to this process, so that the processes it leaves behind can be found. */
  owner: string;
  now(): number;
  /** It is no longer handed out. */
  onWithdrawn(): void;
  onChanged(): void;
  onHealthy(): void;
  onGone(end: ChildEnd): void;
};

export function runChild<C>(deps: ChildDeps<C>): Child<C> {
  const { request, process, processes, owner, now } = deps;
  const { agent, env } = request;
  const ring = createTextRing(STDERR_BYTES_MAX);
  const gone = Promise.withResolvers<ChildEnd>();
  let state: ChildState = newChild;
  let connection: { value: C } | undefined;
  let exit: ProcessExit | null = null;
  let usedAt = now();

  process.stderr.on("data", (chunk: Buffer) => ring.push(chunk));
  const outputEnded = Promise.all([ended(process.stdout), ended(process.stderr)]);
  /** It has exited, and its last output has been read. */
  const drained = process.exited.then(() => settlesWithin(outputEnded, DRAIN_MS));
  const stderrTail = (charsMax: number) => redact(ring.tail(charsMax), env);

  function dispatch(event: ChildEvent) {
    const step = stepChild(state, event);
    state = step.state;
    for (const effect of step.effects) perform(effect);
  }

  function perform(effect: ChildEffect) {
    if (effect.do === "withdraw") deps.onWithdrawn();
    else if (effect.do === "wait_for_exit") inBackground(waitForExit, ignoreError);
    else if (effect.do === "end") inBackground(() => endProcess(effect.isGraceful), ignoreError);
    else if (effect.do === "clean_up") inBackground(cleanUp, ignoreError);
    else {
      const { kind, failure, isCounted } = effect;
      const why = failure ?? exitText(exit ?? { code: null, signal: null });
      const message =
        kind === "stopped" ? `${agent} was stopped` : `${agent} ${why}${stderrText(stderrTail(TAIL_CHARS))}`;
      // A failed start is counted in children.ts, which knows the reason.
      deps.onGone({ kind: isCounted ? kind : "stopped", message });
      gone.resolve({ kind, message });
    }
  }

  async function waitForExit() {
    await settlesWithin(process.exited, CLOSING_MS);
    dispatch({ type: "exit_overdue" });
  }

  async function endProcess(isGraceful: boolean) {
    if (isGraceful) {
      process.stdin.end();
      await settlesWithin(process.exited, EOF_GRACE_MS);
    }
    await processes.stopOwner(owner);
  }

  async function cleanUp() {
    try {
      await drained;
      // Ignore what the processes it left behind still write.
      process.stdout.destroy();
      await processes.stopOwner(owner);
    } finally {
      // Without this, whoever waits for its end would wait for ever.
      dispatch({ type: "cleaned_up" });
    }
  }

  inBackground(async () => {
    exit = await process.exited;
    dispatch({ type: "exited" });
  }, ignoreError);

  async function stop(isGraceful: boolean): Promise<void> {
    dispatch({ type: "stop", isGraceful });
    await gone.promise;
  }

  const child: Child<C> = {
    pid: process.pid,
    key: request.key,
    get connection() {
      if (connection === undefined) throw new Error(`${agent} is not connected yet`);
      return connection.value;
    },
    get isUsable() {
      return state.phase === "live";
    },
    get isDying() {
      return isDying(state);
    },
    get activeTurns() {
      return state.turns;
    },
    gone: gone.promise,
    isBusy: () => state.turns > 0,
    usedAt: () => usedAt,
    evict: () => dispatch({ type: "stop", isGraceful: true }),
    async connect(signal) {
      const started: StartedChild = {
        pid: process.pid,
        stdin: process.stdin,
        stdout: process.stdout,
        logOutput: (text) => ring.push(Buffer.from(text)),
        fail: (why) => dispatch({ type: "failed", why }),
        connectionLost: () => dispatch({ type: "connection_lost" }),
      };
      const ready = Promise.race([
        request.connect(started, signal),
        process.exited.then((found) => Promise.reject(new Error(exitText(found)))),
      ]);
      const value = await orAborted(ready, signal);
      connection = { value };
      usedAt = now();
      dispatch({ type: "ready" });
      if (state.phase !== "live") throw new Error("it was ended before it was ready");
    },
    beginTurn() {
      // Earlier output does not explain a failure of this turn.
      if (state.turns === 0) ring.mark();
      dispatch({ type: "turn_began" });
      usedAt = now();
      let isOpen = true;
      return () => {
        if (!isOpen) return;
        isOpen = false;
        usedAt = now();
        dispatch({ type: "turn_ended" });
        deps.onChanged();
      };
    },
    markHealthy: deps.onHealthy,
    retire: () => dispatch({ type: "retired" }),
    stop: () => stop(true),
    kill: () => stop(false),
    endCommandsSince: (since) => endDescendants({ pid: process.pid, owner, since }),
    stderrTail,
    async endedByItself() {
      if (state.wasEndedByUs) return null;
      await settlesWithin(process.exited, CLOSING_MS);
      if (exit !== null) await drained;
      return exit;
    },
  };
  return child;
}

const ended = (stream: Readable): Promise<void> =>
  new Promise((resolve) => {
    stream.once("end", resolve);
    stream.once("close", resolve);
    stream.on("error", () => resolve());
  });
