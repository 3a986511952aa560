import { isTimeout, orAborted, sleep } from "../../async/wait.ts";
import { HearthError } from "../../protocol/errors.ts";
import type { ProcessSupervisor } from "../process/types.ts";
import { type Child, type ChildRequest, runChild } from "./child.ts";
import { exitText, stderrText } from "./exit-text.ts";
import { addFailure, delayLeftMs, type FailureStreak, isSuspended } from "./failure-streak.ts";
import type { WarmKeeper } from "./warm-keeper.ts";

/**
 * From the start of the process to the agent's first answer. 3 s on a quiet machine were 40 s on a busy one. A person
 * can cancel at any time, so this is only for a process that hangs.
 */
const START_TIMEOUT_MS = 120_000;
const TAIL_CHARS = 600;

export type ChildrenDeps = {
  processes: ProcessSupervisor;
  warm: WarmKeeper;
  now(): number;
  startTimeoutMs?: number | undefined;
};

/** A child in use: it is not evicted before `release`. */
export type HeldChild<C> = { child: Child<C>; release(): void };

export type Children<C> = {
  /**
   * The live child of that key, or a new one after its backoff. Throws HearthError: agent_unavailable, or what `connect`
   * throws.
   */
  acquire(request: ChildRequest<C>, signal: AbortSignal): Promise<HeldChild<C>>;
  /** The key's child, if there is one, takes no new turns and ends with its last one. */
  retire(key: string): void;
  /** Why the key's child is suspended after repeated failures; null if it is not. */
  failureOf(key: string): string | null;
  close(): Promise<void>;
};

type Starting<C> = {
  child: Promise<Child<C>>;
  /** The number of callers that wait for it. */
  waiting: number;
  hasSpawned: boolean;
  abort: AbortController;
};

/** The children of one backend, one per key. They are shared, restarted with backoff, and end with the backend. */
export function createChildren<C>(deps: ChildrenDeps): Children<C> {
  const { processes, warm, now } = deps;
  const startTimeoutMs = deps.startTimeoutMs ?? START_TIMEOUT_MS;
  /** Children that take new sessions. */
  const usable = new Map<string, Child<C>>();
  const all = new Set<Child<C>>();
  const starting = new Map<string, Starting<C>>();
  const failures = new Map<string, FailureStreak>();
  let serial = 0;
  let isClosed = false;

  const countFailure = (key: string, why: string) =>
    void failures.set(key, addFailure(failures.get(key), now(), why));

  async function start(
    request: ChildRequest<C>,
    signal: AbortSignal,
    onSpawn: () => void,
  ): Promise<Child<C>> {
    const { key, agent } = request;
    // The end of a dying child decides the backoff of the next one.
    await Promise.all([...all].filter((old) => old.key === key && old.isDying).map(({ gone }) => gone));
    const before = failures.get(key);
    const delayMs = delayLeftMs(before, now());
    if (isSuspended(before) && delayMs > 0) throw backingOff(agent, before, delayMs);
    if (delayMs > 0) await sleep(delayMs, signal);
    signal.throwIfAborted();
    const { command, cwd, env } = request;
    onSpawn();
    serial += 1;
    const owner = `${agent}.${serial}`;
    const process = await processes
      .spawn({ command, cwd, env, owner })
      .catch((error: unknown) => Promise.reject(cannotSpawn(request, error)));
    const child = runChild<C>({
      request,
      process,
      processes,
      owner,
      now,
      onWithdrawn() {
        if (usable.get(key) === child) usable.delete(key);
        warm.remove(child);
      },
      onChanged: () => warm.changed(),
      onHealthy: () => failures.delete(key),
      onGone(end) {
        all.delete(child);
        if (end.kind === "crashed") countFailure(key, end.message);
      },
    });
    all.add(child);
    try {
      await child.connect(AbortSignal.any([signal, AbortSignal.timeout(startTimeoutMs)]));
    } catch (error) {
      throw await failedStart(child, request, error, signal);
    }
    if (isClosed) {
      await child.kill();
      throw new HearthError("daemon_stopping", `The daemon is stopping; ${agent} was not started.`);
    }
    usable.set(key, child);
    warm.add(child);
    return child;
  }

  async function failedStart(
    child: Child<C>,
    { key, agent, command, update }: ChildRequest<C>,
    error: unknown,
    signal: AbortSignal,
  ): Promise<unknown> {
    const isLate = isTimeout(error);
    const died = isLate || error instanceof HearthError ? null : await child.endedByItself();
    const tail = child.stderrTail(TAIL_CHARS);
    await child.kill();
    if (signal.aborted) return signal.reason;
    // The agent's definite answer does not count as a failure.
    if (error instanceof HearthError) return error;
    const why =
      died === null
        ? isLate
          ? `gave no answer within ${Math.round(startTimeoutMs / 1000)} s`
          : `failed at its start (${error instanceof Error ? error.message : String(error)})`
        : `${exitText(died)} before it was ready`;
    const message = `${agent} ${why}${stderrText(tail)}`;
    countFailure(key, message);
    if (!rejectsArguments(tail))
      return new HearthError("agent_unavailable", `${message}.`, { details: { stderr: tail }, cause: error });
    const args = command.slice(1).join(" ");
    const reason = `${agent} does not understand "${args}": it is too old for hearth, or another program of that name (${message})`;
    const fixText = update == null ? "" : ` To fix it: ${update}.`;
    return new HearthError("agent_unavailable", `${reason}.${fixText}`, {
      details: { stderr: tail, reason, ...(update == null ? {} : { fix: update }) },
      cause: error,
    });
  }

  /** Starts a child for all callers that wait for it. */
  function begin(request: ChildRequest<C>): Starting<C> {
    const abort = new AbortController();
    const child = Promise.resolve().then(() =>
      start(request, abort.signal, () => {
        entry.hasSpawned = true;
      }),
    );
    const entry: Starting<C> = { child, waiting: 0, hasSpawned: false, abort };
    child
      // Held until all waiting callers hold it themselves.
      .then((started) => void setImmediate(started.beginTurn()))
      .catch(() => {}) // the waiting callers get the error
      .finally(() => forget(request.key, entry));
    starting.set(request.key, entry);
    return entry;
  }

  function forget(key: string, entry: Starting<C>) {
    if (starting.get(key) === entry) starting.delete(key);
  }

  return {
    async acquire(request, signal) {
      signal.throwIfAborted();
      if (isClosed)
        throw new HearthError("daemon_stopping", `The daemon is stopping; ${request.agent} is not started.`);
      const known = usable.get(request.key);
      if (known !== undefined) return held(known);
      const entry = starting.get(request.key) ?? begin(request);
      entry.waiting += 1;
      try {
        return held(await orAborted(entry.child, signal));
      } finally {
        entry.waiting -= 1;
        // A started child is kept for the next prompt; one that still waits for its backoff is not needed.
        if (entry.waiting === 0 && signal.aborted && !entry.hasSpawned) {
          forget(request.key, entry);
          entry.abort.abort(signal.reason);
        }
      }
    },
    retire: (key) => usable.get(key)?.retire(),
    failureOf(key) {
      const found = failures.get(key);
      return isSuspended(found) ? found.why : null;
    },
    async close() {
      isClosed = true;
      for (const entry of starting.values()) entry.abort.abort(new Error("The daemon is stopping"));
      await Promise.allSettled([...starting.values()].map((entry) => entry.child));
      await Promise.all([...all].map((child) => child.stop()));
    },
  };
}

const held = <C>(child: Child<C>): HeldChild<C> => ({ child, release: child.beginTurn() });

/** Typical error texts for unknown arguments. */
const rejectsArguments = (output: string): boolean =>
  /(unrecogni[sz]ed|unknown|unexpected|invalid) (sub-?command|command|option|argument|flag)/i.test(output);

function backingOff(agent: string, { count, why }: FailureStreak, delayMs: number): HearthError {
  const seconds = Math.ceil(delayMs / 1000);
  return new HearthError(
    "agent_unavailable",
    `${agent} failed ${count} times in a row and is tried again in ${seconds} s; another agent can be used meanwhile. The last time: ${why}`,
    { details: { retry_after_ms: delayMs } },
  );
}

function cannotSpawn({ agent, command }: Pick<ChildRequest<unknown>, "agent" | "command">, error: unknown) {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  const reason = error instanceof Error ? error.message : String(error);
  const why =
    code === "ENOENT" && !reason.startsWith("The folder")
      ? `its command ${command[0]} was not found. Install it, or name its path as agents.${agent}.command in hearth.jsonc`
      : code === "EACCES"
        ? `its command ${command[0]} may not be executed`
        : reason;
  return new HearthError("agent_unavailable", `${agent} cannot be started: ${why}.`, { cause: error });
}
