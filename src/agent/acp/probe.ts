import { settlesWithin } from "../../async/wait.ts";
import type { Child } from "../children/child.ts";
import type { AgentFacts } from "../registry/probes.ts";
import type { AcpConnection } from "./connection/connection.ts";
import { type AgentOptions, applyUpdate, noOptions, optionsFrom } from "./session/agent-options.ts";
import { at } from "./wire.ts";

/** Agents send their commands right before or after the response that opens a session; qwen only during a turn. */
const COMMANDS_MS = 500;
const CLOSE_TIMEOUT_MS = 3000;

/** `hasRoom`: the probe's session was closed, so the agent can hold another. */
type Probed = { facts: AgentFacts | null; hasRoom: boolean };

/**
 * Reads a connected agent's facts in a session of its own, and closes that session if the agent can. Returns as soon
 * as possible once `preempted` aborts.
 */
export async function probeAcp(
  connection: AcpConnection,
  openSession: () => Promise<{ id: string; answer: unknown }>,
  preempted: AbortSignal,
): Promise<Probed> {
  if (preempted.aborted) return { facts: null, hasRoom: true };
  const { id, answer } = await connection.whileOpening(openSession());
  let options: AgentOptions = optionsFrom(noOptions, answer);
  const commandsKnown = Promise.withResolvers<void>();
  const detach = connection.attach(id, {
    update(update) {
      options = applyUpdate(options, update);
      if (update["sessionUpdate"] === "available_commands_update") commandsKnown.resolve();
    },
    request: () => Promise.reject(new Error("a probe's session does nothing")),
  });
  await settlesWithin(commandsKnown.promise, COMMANDS_MS, preempted);
  const canClose = at(connection.info.capabilities, "sessionCapabilities", "close") !== undefined;
  const closing = canClose
    ? connection.request("session/close", { sessionId: id }, CLOSE_TIMEOUT_MS)
    : Promise.reject(new Error("it goes with its child"));
  const hasRoom = await closing.then(
    () => true,
    () => false,
  );
  detach();
  const { model, models, modes, commands } = options;
  return { facts: { version: connection.info.version, model, models, modes, commands }, hasRoom };
}

/** The running probes of a backend, by the key of their child. A person's prompt preempts them. */
export function createRunningProbes() {
  const running = new Map<string, { way: AbortController; end: Promise<boolean> }>();
  return {
    /** A session needs that child. */
    preempt: (key: string) => running.get(key)?.way.abort(),
    /** Ends the child's probe. Returns whether the agent can hold a session now. */
    async endedFor({ key }: Pick<Child<AcpConnection>, "key">): Promise<boolean> {
      const probe = running.get(key);
      probe?.way.abort();
      return (await probe?.end) ?? false;
    },
    async run(
      key: string,
      signal: AbortSignal,
      work: (preempted: AbortSignal) => Promise<Probed>,
    ): Promise<AgentFacts | null> {
      const way = new AbortController();
      const end = Promise.withResolvers<boolean>();
      const mine = { way, end: end.promise };
      running.set(key, mine);
      let hasRoom = false;
      try {
        const probed = await work(AbortSignal.any([signal, way.signal]));
        ({ hasRoom } = probed);
        return probed.facts;
      } finally {
        if (running.get(key) === mine) running.delete(key);
        end.resolve(hasRoom);
      }
    },
  };
}
