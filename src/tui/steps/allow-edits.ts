import type { Permission, PermissionMode, PermissionOption } from "../../protocol/permission.ts";
import type { Step } from "../state/effects.ts";
import { openQuestion } from "../state/state.ts";

/** An edit that asks for no other reason than the mode. */
export const isPlainEdit = (permission: Permission | undefined): boolean =>
  permission?.detail.type === "edit" &&
  permission.detail.reasons.length === 0 &&
  permission.options.some(({ decision }) => decision === "allow_once");

/** What a person can answer: what the daemon offers, and for a plain edit the mode that lets all of them through. */
export type Answer =
  | PermissionOption
  | { decision: "all_edits"; label: string; rules: PermissionOption["rules"] };

const allEdits: Answer = { decision: "all_edits", label: "allow all edits in this session", rules: [] };

/** In the order of their numbers; a denial is the last one. */
export function answersOf(permission: Permission): readonly Answer[] {
  const { options } = permission;
  if (!isPlainEdit(permission)) return options;
  const denials = options.filter(({ decision }) => decision === "deny");
  return [...options.filter(({ decision }) => decision !== "deny"), allEdits, ...denials];
}

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
