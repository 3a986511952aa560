import type { Atom } from "./atoms.ts";
import { type Editor, editorText, replaceAtoms, replaceText } from "./editor.ts";

/** Prompts sent before, oldest first, and where the person is among them. Position 0 is what they were writing. */
export type History = {
  entries: readonly string[];
  /** Steps back from the newest; 0: the draft. */
  position: number;
  draft: { atoms: readonly Atom[]; caret: number } | undefined;
};

/** As many as are worth searching; the file keeps the same number. */
export const HISTORY_MAX = 1000;

export const emptyHistory: History = { entries: [], position: 0, draft: undefined };

/** What was sent (or put away) becomes the newest entry; the same again moves to the end. */
export function remember(history: History, text: string): History {
  if (text.trim() === "") return { ...history, position: 0, draft: undefined };
  const entries = [...history.entries.filter((entry) => entry !== text), text].slice(-HISTORY_MAX);
  return { entries, position: 0, draft: undefined };
}

type Step = { history: History; editor: Editor };

/** One entry back; undefined at the oldest. Entries that say what is already there are passed over. */
export function older(history: History, editor: Editor): Step | undefined {
  const draft = history.position === 0 ? { atoms: editor.atoms, caret: editor.caret } : history.draft;
  const current = editorText(editor);
  for (let position = history.position + 1; position <= history.entries.length; position += 1) {
    const entry = history.entries.at(-position) ?? "";
    if (entry !== current) {
      return { history: { ...history, position, draft }, editor: replaceText(editor, entry) };
    }
  }
  return undefined;
}

/** One entry forward; from the newest back to the draft, as it was left. */
export function newer(history: History, editor: Editor): Step | undefined {
  if (history.position === 0) return undefined;
  const position = history.position - 1;
  if (position === 0) {
    const draft = history.draft ?? { atoms: [], caret: 0 };
    return {
      history: { ...history, position, draft: undefined },
      editor: replaceAtoms(editor, draft.atoms, draft.caret),
    };
  }
  const entry = history.entries.at(-position) ?? "";
  return { history: { ...history, position }, editor: replaceText(editor, entry) };
}

/** The newest entry that holds every word of `query`, `skip` matches passed over; as in a shell's Ctrl+R. */
export function searchHistory(
  history: History,
  query: string,
  skip: number,
): { entry: string; index: number } | undefined {
  const words = query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");
  let left = skip;
  for (let index = history.entries.length - 1; index >= 0; index -= 1) {
    const entry = history.entries[index] ?? "";
    const lower = entry.toLowerCase();
    if (!words.every((word) => lower.includes(word))) continue;
    if (left === 0) return { entry, index };
    left -= 1;
  }
  return undefined;
}
