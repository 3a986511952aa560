import type { Permission, PermissionMode } from "../../protocol/permission.ts";
import type { Step } from "../effects.ts";
import { openQuestion } from "../state.ts";

/** An edit that asks for no other reason than the mode. */
export const isPlainEdit = (permission: Permission | undefined): boolean =>
  permission?.detail.type === "edit" &&
  permission.detail.reasons.length === 0 &&
  permission.options.some(({ decision }) => decision === "allow_once");

/** The mode that lets edits through lets the one through that is asked about. */
export function withEditsAllowed({ state, effects }: Step, mode: PermissionMode | undefined): Step {
  const permission = openQuestion(state);
  const isAllowed = mode === "accept_edits" || mode === "yolo";
  if (!isAllowed || permission === undefined || !isPlainEdit(permission)) return { state, effects };
  const { id } = permission;
  return {
    state,
    effects: [...effects, { do: "answer", id, decision: "allow_once", message: undefined }],
  };
}
