import type { Judgement } from "../agent/permission/judge.ts";
import type { PermissionRequest } from "../agent/permission/request.ts";
import { HearthError } from "../protocol/errors.ts";
import type { Decision, Permission, PermissionDetail } from "../protocol/permission.ts";

export const withEditable = (
  detail: PermissionDetail,
  { editable, subject }: PermissionRequest,
): PermissionDetail =>
  editable === true && detail.type === "command" && subject.type === "command"
    ? { ...detail, editable: true }
    : detail;

/**
 * The command that a person wrote in place of the one asked about, judged like any other. Throws when it is not
 * allowed, or would need a more serious question than the person has seen.
 */
export async function editedCommand(
  {
    permission,
    rejudge,
  }: { permission: Permission; rejudge: ((command: string) => Promise<Judgement>) | null },
  decision: Decision,
  input: { command: string },
) {
  const { detail } = permission;
  if (detail.type !== "command" || detail.editable !== true || rejudge === null)
    throw new HearthError("invalid_request", "input: what is asked about here cannot be changed.", {
      details: { field: "input" },
    });
  if (decision !== "allow_once")
    throw new HearthError("invalid_request", "input: a changed command is allowed once or not at all.", {
      details: { field: "input" },
    });
  const judgement = await rejudge(input.command);
  if (judgement.decision === "deny") {
    // The rest of the message is written for a model.
    const [sentence] = judgement.message.split(/(?<=\.) (?=[A-Z])/, 1);
    throw new HearthError("command_refused", `Not run as changed. ${sentence}`);
  }
  if (judgement.decision === "ask" && judgement.protected) {
    const unseen = judgement.reasons.filter((reason) => !detail.reasons.includes(reason));
    if (unseen.length > 0)
      throw new HearthError(
        "command_refused",
        `Not run as changed: ${unseen.join(", ")}. The question is still open; to run it yourself, type it with ! in front.`,
      );
  }
  return { detail, command: input.command };
}
