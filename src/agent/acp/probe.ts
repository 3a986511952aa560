import { settlesWithin } from "../../async/wait.ts";
import type { Child } from "../children/child.ts";
import type { AgentFacts } from "../registry/probes.ts";
import { applyUpdate, type Choices, choicesOf, noChoices } from "./choices.ts";
import type { AcpConnection } from "./connection.ts";
import { at } from "./wire.ts";

/** Agents tell their commands right before or right after the answer that opens a session; qwen only in a turn. */
const COMMANDS_MS = 500;
const CLOSE_TIMEOUT_MS = 3000;

/** `hasRoom`: the session that it was asked by is gone again, as far as the agent says. */
type Probed = { facts: AgentFacts | null; hasRoom: boolean };

/**
 * Asks a connected agent what it is and offers: by a session that is closed again where it can be. Once `wayGiven`
 * aborts, nothing is begun or waited for that is not necessary.
 */
export async function probeAcp(
  connection: AcpConnection,
  openSession: () => Promise<{ id: string; answer: unknown }>,
  wayGiven: AbortSignal,
): Promise<Probed> {
  if (wayGiven.aborted) return { facts: null, hasRoom: true };
  const { id, answer } = await connection.expecting(openSession());
  let choices: Choices = choicesOf(noChoices, answer);
  const told = Promise.withResolvers<void>();
  const detach = connection.attach(id, {
    update(update) {
      choices = applyUpdate(choices, update);
      if (update["sessionUpdate"] === "available_commands_update") told.resolve();
    },
    request: () => Promise.reject(new Error("a probe's session does nothing")),
  });
  await settlesWithin(told.promise, COMMANDS_MS, wayGiven);
  const canClose = at(connection.info.capabilities, "sessionCapabilities", "close") !== undefined;
  const closing = canClose
    ? connection.request("session/close", { sessionId: id }, CLOSE_TIMEOUT_MS)
    : Promise.reject(new Error("it goes with its child"));
  const hasRoom = await closing.then(
    () => true,
    () => false,
  );
  detach();
  const { model, models, modes, commands } = choices;
  return { facts: { version: connection.info.version, model, models, modes, commands }, hasRoom };
}

/** The probes of a backend, by the key of the child that they ask. A person's prompt goes before them. */
export function createRunningProbes() {
  const running = new Map<string, { way: AbortController; end: Promise<boolean> }>();
  return {
    /** Somebody wants a session in that child. */
    giveWay: (key: string) => running.get(key)?.way.abort(),
    /** Ends the child's probe; whether that left room for a session. */
    async madeRoom({ key }: Pick<Child<AcpConnection>, "key">): Promise<boolean> {
      const probe = running.get(key);
      probe?.way.abort();
      return (await probe?.end) ?? false;
    },
    async run(
      key: string,
      signal: AbortSignal,
      work: (wayGiven: AbortSignal) => Promise<Probed>,
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
