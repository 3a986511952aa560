import type { Undone, UndoTurn } from "../../protocol/undo.ts";
import type { ListOverlay } from "./overlay.ts";

/** The prompts of the session, to go back to before one of them; then what is to go back. */
export type RewindOverlay = ListOverlay & {
  kind: "rewind";
  /** Oldest first; undefined until the daemon has answered. */
  found: readonly UndoTurn[] | undefined;
  /** The turn to begin with; undefined while it is being chosen. */
  chosen: UndoTurn | undefined;
  /** What going back there would change; undefined until the daemon has answered; a text: why it cannot say. */
  preview: Undone | string | undefined;
  /** The session edits files here, so that their earlier states are recorded. */
  hasFiles: boolean;
};

export const newRewindOverlay: RewindOverlay = {
  hasFiles: true,
  ...{
    kind: "rewind",
    query: "",
    marked: undefined,
    found: undefined,
    chosen: undefined,
    preview: undefined,
  },
};

export type RewindItem =
  | { id: string; type: "turn"; turn: UndoTurn }
  | { id: string; type: "answer"; text: string; files: boolean; conversation: boolean }
  /** A new session from there, this one stays; with `files`, in a worktree with the files as they were then. */
  | { id: string; type: "fork"; text: string; files: boolean }
  | { id: string; type: "file"; text: string; isConflict: boolean };

const FORK_WITH_FILES = "fork: a new session in a worktree, with the files as they were then";
const signs = { added: "+", modified: "~", deleted: "-" } as const;

/** The turns, newest first; once one is chosen, the answers and the files that would change. */
export function rewindItems({
  found,
  chosen,
  preview,
  query,
  hasFiles: canTake,
}: RewindOverlay): RewindItem[] {
  if (chosen === undefined)
    return (found ?? [])
      .filter(({ undone, prompt }) => !undone && prompt.toLowerCase().includes(query.toLowerCase()))
      .map((turn): RewindItem => ({ id: turn.message_id, type: "turn", turn }))
      .reverse();
  const isKnown = typeof preview === "object";
  const hasFiles = !isKnown || preview.files.length + preview.conflicts.length > 0;
  const both = { files: true, conversation: true };
  const talk = { files: false, conversation: true };
  const only = { files: true, conversation: false };
  const answers = [
    ...(hasFiles ? [{ id: "both", type: "answer" as const, text: "files and conversation", ...both }] : []),
    { id: "conversation", type: "answer" as const, text: "conversation", ...talk },
    ...(hasFiles ? [{ id: "files", type: "answer" as const, text: "files", ...only }] : []),
    ...(canTake ? [{ id: "fork files", type: "fork" as const, text: FORK_WITH_FILES, files: true }] : []),
    { id: "fork", type: "fork" as const, text: "fork: the conversation in a new session", files: false },
  ].map((item, index): RewindItem => ({ ...item, text: `${index + 1} ${item.text}` }));
  if (!isKnown) return answers;
  const file = (path: string, text: string, isConflict: boolean): RewindItem => ({
    ...{ id: `file ${path}`, type: "file", text, isConflict },
  });
  return [
    ...answers,
    ...preview.conflicts.map(({ path, reason }) => file(path, `${path} ${reason}`, true)),
    ...preview.files.map(({ path, kind }) => file(path, `${signs[kind]} ${path}`, false)),
    ...preview.left_out.map(({ path, reason }) => file(path, `not recorded: ${path} (${reason})`, false)),
  ];
}
