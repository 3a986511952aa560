import { settlesWithin } from "../../async/wait.ts";
import type { AgentFacts } from "../registry/probes.ts";
import { applyUpdate, type Choices, choicesOf, noChoices } from "./choices.ts";
import type { AcpConnection } from "./connection.ts";
import { at } from "./wire.ts";

/** Agents tell their commands right before or right after the answer that opens a session; qwen only in a turn. */
const COMMANDS_MS = 500;
const CLOSE_TIMEOUT_MS = 3000;

/**
 * Asks a connected agent what it is and offers: by a session that is closed again where it can be.
 */
export async function probeAcp(
  connection: AcpConnection,
  openSession: () => Promise<{ id: string; answer: unknown }>,
  signal: AbortSignal,
): Promise<AgentFacts> {
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
  await settlesWithin(told.promise, COMMANDS_MS, signal);
  detach();
  if (at(connection.info.capabilities, "sessionCapabilities", "close") !== undefined)
    await connection.request("session/close", { sessionId: id }, CLOSE_TIMEOUT_MS).catch(() => {}); // it goes with its child
  const { model, models, modes, commands } = choices;
  return { version: connection.info.version, model, models, modes, commands };
}
