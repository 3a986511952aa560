import type { Connection } from "../../client/connect.ts";
import type { ForkedFiles } from "../../protocol/session.ts";
import type { SessionLink } from "../session/link.ts";
import type { Effect } from "../state/effects.ts";
import type { Flash } from "../state/state.ts";

/** Forks a session and shows the fork. The prompt that it begins before goes to the composer. */
export async function performFork(
  { id, message_id, prompt = "", files = false }: Extract<Effect, { do: "fork" }>,
  { connection, link, signal }: { connection: Connection; link: SessionLink; signal: AbortSignal },
  screen: { flash(text: string, level: Flash["level"]): void; giveBack(text: string, flash: Flash): void },
): Promise<void> {
  const body = {
    ...(message_id !== undefined && { message_id, before: true }),
    ...(files && { files: "then" as const }),
  };
  if (files) screen.flash("making a worktree for the fork", "info");
  const forked = await connection.request("POST /v1/workspaces/{wid}/sessions/{sid}/fork", {
    params: { wid: connection.workspace.id, sid: id },
    ...(Object.keys(body).length > 0 && { body }),
    signal,
  });
  await link.show(forked.session.id);
  const text = `forked: ${forked.files === undefined ? "the session that you left stays as it is" : filesText(forked.files)}`;
  if (prompt === "") screen.flash(text, "info");
  else screen.giveBack(prompt, { text, level: "info" });
}

function filesText({ state, note, left_out }: ForkedFiles): string {
  const what = state === "present" ? "as they are now" : "as they were then";
  const left = left_out.length === 0 ? "" : ` · not in it: ${left_out.map(({ path }) => path).join(", ")}`;
  return `works in a worktree, with the files ${what}${note === null ? "" : ` · ${note}`}${left}`;
}
