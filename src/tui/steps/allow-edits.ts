import type { Permission, PermissionMode, PermissionOption } from "../../protocol/permission.ts";
import type { Step } from "../state/effects.ts";
import { openQuestion } from "../state/questions.ts";

/** Whether this asks about an edit, and only because of the mode. */
export const isPlainEdit = (permission: Permission | undefined): boolean =>
  permission?.detail.type === "edit" &&
  permission.detail.reasons.length === 0 &&
  permission.options.some(({ decision }) => decision === "allow_once");

/** An answer: one of the daemon's options, or for a plain edit the mode that allows all edits. */
export type Answer =
  | PermissionOption
  | { decision: "all_edits" | "choice" | "words"; label: string; rules: PermissionOption["rules"] };

const allEdits: Answer = { decision: "all_edits", label: "allow all edits in this session", rules: [] };

/** The answers in the order of their numbers; a denial is the last one. */
export function answersOf(permission: Permission): readonly Answer[] {
  const { options, detail } = permission;
  if (detail.type === "question") return [...choicesOf(detail), ...options.filter(isDenial)];
  if (!isPlainEdit(permission)) return options;
  return [...options.filter((option) => !isDenial(option)), allEdits, ...options.filter(isDenial)];
}

const isDenial = ({ decision }: PermissionOption): boolean => decision === "deny";

/** The agent's choices with what they mean, and other words. */
const choicesOf = ({ choices }: Extract<Permission["detail"], { type: "question" }>): Answer[] => [
  ...choices.map(
    ({ label, description }): Answer => ({
      decision: "choice",
      label,
      rules: description === undefined ? [] : [description],
    }),
  ),
  { decision: "words", label: choices.length === 0 ? "answer" : "answer in other words", rules: [] },
];

/** After a change to a mode that allows edits: also allows the plain edit that is asked about. */
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
