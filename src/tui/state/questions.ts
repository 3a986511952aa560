import type { Replica } from "../../client/replica.ts";
import type { SessionId } from "../../protocol/ids.ts";
import type { Permission } from "../../protocol/permission.ts";
import type { Session } from "../../protocol/session.ts";

/** The oldest open question of the open session or of one of its sub-agents. */
export function openQuestion({ replica }: { replica: Replica | undefined }): Permission | undefined {
  return replica?.permissions.find(
    ({ session_id, state }) =>
      state === "open" &&
      (session_id === replica.session_id || subagentOf(replica, session_id) !== undefined),
  );
}

/** The session of a sub-agent of the open session. */
export function subagentOf(replica: Replica | undefined, id: SessionId): Session | undefined {
  const session = replica?.sessions.find((known) => known.id === id);
  const isOwn = session?.subagent !== undefined && session.parent_id === replica?.session_id;
  return isOwn ? session : undefined;
}
