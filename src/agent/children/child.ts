import type { Readable, Writable } from "node:stream";
import { inBackground, notMissed } from "../../async/in-background.ts";
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
import { exitText, saidText } from "./exit-text.ts";
import { createTextRing } from "./text-ring.ts";
import type { Warm } from "./warm-keeper.ts";

const STDERR_BYTES_MAX = 256 * 1024;
/** What a child that has exited may still have in its pipe. */
const DRAIN_MS = 1000;
/** How long a child that has closed its output may take to exit by itself. */
const CLOSING_MS = 1000;
/** How long a child that is asked to go by the end of its input may take before it is told by signal. */
const EOF_GRACE_MS = 400;
const TAIL_CHARS = 600;

export type ChildEnd = { kind: EndKind; message: string };

/** A process that has just been started, in the hands of what speaks to it. */
export type StartedChild = {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  /** Puts words of its output that were not meant for us next to those of its stderr. */
  noise(text: string): void;
  /** It cannot be used any more, though it lives: it is ended, and counts as crashed. */
  fail(why: string): void;
  /** The line to it is dead. Most often it is just exiting; else it is ended. */
  lost(): void;
};

export type ChildRequest<C> = {
  /** Who asks for the same key gets the same child. */
  key: string;
  agent: string;
  command: readonly [string, ...string[]];
  cwd: string;
  /** The whole environment. */
  env: Readonly<Record<string, string>>;
  /** The command that brings a newer one of it, where it is known. */
  update?: string | null | undefined;
  /** Speaks to it until it is ready. A HearthError is its definite answer; anything else is a failed start. */
  connect(child: StartedChild, signal: AbortSignal): Promise<C>;
};

/** One process of an agent, shared by the sessions that run in it. */
export type Child<C> = Warm & {
  readonly pid: number;
  readonly key: string;
  /** Only after `connect`. */
  readonly connection: C;
  /** Alive, and not on its way out. */
  readonly isUsable: boolean;
  /** It is dying by itself, and will be gone in a moment. */
  readonly isDying: boolean;
  readonly activeTurns: number;
  /** Resolves when it is gone and has said its last. */
  readonly gone: Promise<ChildEnd>;
  connect(signal: AbortSignal): Promise<void>;
  /** A child with turns is neither evicted nor killed for another's sake. Call the answer once, at the turn's end. */
  beginTurn(): () => void;
  /** It did its work: earlier failures no longer count. */
  proved(): void;
  /** Nobody new; it goes when its last turn ends. */
  retire(): void;
  /** In order: end of input, TERM, KILL; whatever it had started goes with it. */
  stop(): Promise<void>;
  /** At once. */
  kill(): Promise<void>;
  /**
   * Ends the commands it has started since then, in milliseconds of the clock, and that still run: agents that are
   * told to stop may leave them. Not what it keeps for longer.
   */
  endCommandsSince(since: number): Promise<void>;
  stderrTail(charsMax: number): string;
  /** How it exited, or is just about to, if nobody told it to. */
  endedByItself(): Promise<ProcessExit | null>;
};

type ChildDeps<C> = {
  request: ChildRequest<C>;
  process: GroupProcess;
  processes: ProcessSupervisor;
  /** Of this process alone, so that what it leaves behind can be told from what others started. */
  owner: string;
  now(): number;
  /** It takes nobody new. */
  onLeft(): void;
  onChanged(): void;
  onProved(): void;
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
  /** It has exited, and what it said last has been read. */
  const drained = process.exited.then(() => settlesWithin(outputEnded, DRAIN_MS));
  const stderrTail = (charsMax: number) => redact(ring.tail(charsMax), env);

  function dispatch(event: ChildEvent) {
    const step = stepChild(state, event);
    state = step.state;
    for (const effect of step.effects) perform(effect);
  }

  function perform(effect: ChildEffect) {
    if (effect.do === "leave") deps.onLeft();
    else if (effect.do === "wait_for_exit") inBackground(waitForExit, notMissed);
    else if (effect.do === "end") inBackground(() => endProcess(effect.nicely), notMissed);
    else if (effect.do === "clear") inBackground(clear, notMissed);
    else {
      const { kind, failure, isCounted } = effect;
      const why = failure ?? exitText(exit ?? { code: null, signal: null });
      const message =
        kind === "stopped" ? `${agent} was stopped` : `${agent} ${why}${saidText(stderrTail(TAIL_CHARS))}`;
      // A failed start is counted by whoever waits for it, with what went wrong.
      deps.onGone({ kind: isCounted ? kind : "stopped", message });
      gone.resolve({ kind, message });
    }
  }

  async function waitForExit() {
    await settlesWithin(process.exited, CLOSING_MS);
    dispatch({ type: "line_stayed_lost" });
  }

  async function endProcess(nicely: boolean) {
    if (nicely) {
      process.stdin.end();
      await settlesWithin(process.exited, EOF_GRACE_MS);
    }
    await processes.stopOwner(owner);
  }

  async function clear() {
    try {
      await drained;
      // What it leaves behind speaks for nobody, least of all while it is being ended.
      process.stdout.destroy();
      await processes.stopOwner(owner);
    } finally {
      // Whoever waits for its end must not wait for ever.
      dispatch({ type: "cleared" });
    }
  }

  inBackground(async () => {
    exit = await process.exited;
    dispatch({ type: "exited" });
  }, notMissed);

  async function stop(nicely: boolean): Promise<void> {
    dispatch({ type: "stop", nicely });
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
    evict: () => dispatch({ type: "stop", nicely: true }),
    async connect(signal) {
      const started: StartedChild = {
        pid: process.pid,
        stdin: process.stdin,
        stdout: process.stdout,
        noise: (text) => ring.push(Buffer.from(text)),
        fail: (why) => dispatch({ type: "failed", why }),
        lost: () => dispatch({ type: "line_lost" }),
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
      // What it said before is not why this turn fails.
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
    proved: deps.onProved,
    retire: () => dispatch({ type: "retired" }),
    stop: () => stop(true),
    kill: () => stop(false),
    endCommandsSince: (since) => endDescendants({ pid: process.pid, owner, since }),
    stderrTail,
    async endedByItself() {
      if (state.wasTold) return null;
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
