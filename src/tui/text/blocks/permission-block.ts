import type { Permission } from "../../../protocol/permission.ts";
import type { PermissionBlock } from "./block.ts";
import type { BlockContext } from "./message-blocks.ts";

/** What the decision is called, where it is no permission. */
function verdictOf({ detail, decision }: Permission): Pick<PermissionBlock, "verdict"> {
  const isDenied = decision === "deny";
  if (detail.type === "question") return { verdict: isDenied ? "not answered" : "answered" };
  if (detail.type === "plan") return { verdict: isDenied ? "sent back" : "approved" };
  return {};
}

/** The block of a question that is no longer open. */
export function blockOfPermission(permission: Permission, context: BlockContext): PermissionBlock {
  const { detail, answered_at: answeredAt, answered_by: answeredBy } = permission;
  const subject =
    detail.type === "command"
      ? (detail.edited ?? detail.command)
      : detail.type === "edit"
        ? detail.path
        : permission.title;
  return {
    id: `${permission.id}/outcome/0`,
    type: "permission",
    decision: permission.state === "answered" ? (permission.decision ?? undefined) : undefined,
    subject,
    ...verdictOf(permission),
    by: answeredBy === null ? null : context.nameOf(answeredBy),
    ...(answeredAt === null ? {} : { afterMs: Date.parse(answeredAt) - Date.parse(permission.asked_at) }),
    ...(permission.message === null ? {} : { message: permission.message }),
    ...(detail.type === "command" && detail.edited !== undefined && { isEdited: true }),
  };
}
