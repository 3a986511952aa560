import type { Readable, Writable } from "node:stream";
import { orAborted, settlesWithin } from "../../async/wait.ts";
import type { GroupProcess, ProcessExit, ProcessSupervisor } from "../process/types.ts";
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

/** `crashed`: by itself. `stopped`: because it was told to. */
export type ChildEnd = { kind: "crashed" | "stopped"; message: string };

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

type Phase = "starting" | "live" | "retiring" | "closing" | "stopping" | "gone";

export function runChild<C>(deps: ChildDeps<C>): Child<C> {
  const { request, process, processes, owner, now } = deps;
  const { agent, env } = request;
  const ring = createTextRing(STDERR_BYTES_MAX);
  const gone = Promise.withResolvers<ChildEnd>();
  let phase: Phase = "starting";
  let connection: { value: C } | undefined;
  let failure: string | undefined;
  let exit: ProcessExit | null = null;
  let usedAt = now();
  let activeTurns = 0;
  let stopping: Promise<void> | undefined;

  process.stderr.on("data", (chunk: Buffer) => ring.push(chunk));
  const outputEnded = Promise.all([ended(process.stdout), ended(process.stderr)]);
  /** It has exited, and what it said last has been read. */
  const drained = process.exited.then(() => settlesWithin(outputEnded, DRAIN_MS));
  const stderrTail = (charsMax: number) => redact(ring.tail(charsMax), env);

  function leave(next: Phase) {
    if (phase === "live") deps.onLeft();
    phase = next;
  }

  async function close() {
    if (exit !== null || stopping !== undefined || phase === "starting") return;
    leave("closing");
    await settlesWithin(process.exited, CLOSING_MS);
    if (exit !== null || stopping !== undefined) return;
    failure = "closed its output";
    void end(false);
  }

  void process.exited.then(async (found) => {
    exit = found;
    const wasTold = phase === "stopping" && failure === undefined;
    const wasReady = phase !== "starting";
    if (wasReady) leave(wasTold ? "stopping" : "closing");
    await drained;
    // What it leaves behind speaks for nobody, least of all while it is being ended.
    process.stdout.destroy();
    await processes.stopOwner(owner);
    phase = "gone";
    const why = failure ?? exitText(found);
    const end: ChildEnd = wasTold
      ? { kind: "stopped", message: `${agent} was stopped` }
      : { kind: "crashed", message: `${agent} ${why}${saidText(stderrTail(TAIL_CHARS))}` };
    // A failed start is counted by whoever waits for it, with what went wrong.
    deps.onGone(wasReady ? end : { ...end, kind: "stopped" });
    gone.resolve(end);
  });

  function end(nicely: boolean): Promise<void> {
    if (phase !== "starting") leave("stopping");
    stopping ??= (async () => {
      if (nicely) {
        process.stdin.end();
        await settlesWithin(process.exited, EOF_GRACE_MS);
      }
      await processes.stopOwner(owner);
      await gone.promise;
    })();
    return stopping;
  }

  const child: Child<C> = {
    pid: process.pid,
    key: request.key,
    get connection() {
      if (connection === undefined) throw new Error(`${agent} is not connected yet`);
      return connection.value;
    },
    get isUsable() {
      return phase === "live";
    },
    get isDying() {
      return phase === "closing";
    },
    get activeTurns() {
      return activeTurns;
    },
    gone: gone.promise,
    isBusy: () => activeTurns > 0,
    usedAt: () => usedAt,
    evict: () => void end(true),
    async connect(signal) {
      const started: StartedChild = {
        pid: process.pid,
        stdin: process.stdin,
        stdout: process.stdout,
        noise: (text) => ring.push(Buffer.from(text)),
        fail(why) {
          if (exit !== null || stopping !== undefined) return;
          failure = why;
          void end(false);
        },
        lost: () => void close(),
      };
      const ready = Promise.race([
        request.connect(started, signal),
        process.exited.then((found) => Promise.reject(new Error(exitText(found)))),
      ]);
      const value = await orAborted(ready, signal);
      connection = { value };
      usedAt = now();
      phase = "live";
    },
    beginTurn() {
      // What it said before is not why this turn fails.
      if (activeTurns === 0) ring.mark();
      activeTurns += 1;
      usedAt = now();
      let isOpen = true;
      return () => {
        if (!isOpen) return;
        isOpen = false;
        activeTurns -= 1;
        usedAt = now();
        if (phase === "retiring" && activeTurns === 0) void end(true);
        deps.onChanged();
      };
    },
    proved: deps.onProved,
    retire() {
      if (phase !== "live") return;
      leave("retiring");
      if (activeTurns === 0) void end(true);
    },
    stop: () => end(true),
    kill: () => end(false),
    endCommandsSince: (since) => endDescendants({ pid: process.pid, owner, since }),
    stderrTail,
    async endedByItself() {
      if (stopping !== undefined) return null;
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
