import type { Replica } from "../../client/replica.ts";
import type { Block } from "../text/block.ts";
import { formatClock, plural } from "../text/figures.ts";

/**
 * What stands around the replayed end of a session: before it how much is left out, after it that this terminal
 * joined, and who else is here. Nothing for a session that has just begun.
 */
export function openingBlocks(
  replica: Replica,
  clientId: string,
  skipped: number,
  now: number,
  place: "before" | "after",
): Block[] {
  const { messages, runs, sessions, clients, session_id } = replica;
  if (session_id === null || messages.length === 0) return [];
  if (place === "before") {
    if (skipped === 0) return [];
    const text = `${plural(skipped, "earlier message")} or more · ctrl+o shows all`;
    return [{ id: `${session_id}/earlier/${now}`, type: "presence", text, isRule: false }];
  }
  const session = sessions.find(({ id }) => id === session_id);
  const active = runs.find((run) => run.session_id === session_id && run.state === "active");
  const others = clients
    .filter(({ id, kind }) => id !== clientId && kind === "tui")
    .map(({ label }) => label || "a terminal");
  const facts = [
    `joined "${session?.title || "untitled"}"`,
    ...(active?.started_at ? [`running ${formatClock(now - Date.parse(active.started_at))}`] : []),
    ...(others.length > 0 ? [`also on ${others.join(", ")}`] : []),
  ];
  return [{ id: `${session_id}/joined/${now}`, type: "presence", text: facts.join(" · "), isRule: true }];
}

/** Between a session that was left and the one that begins with the next prompt. */
export const newSessionRule = (now: number): Block => ({
  id: `local/new/${now}`,
  type: "presence",
  text: "new session",
  isRule: true,
});
