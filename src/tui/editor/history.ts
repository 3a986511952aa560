import { type Atom, atomsOf, textOf } from "./atoms.ts";
import { type Editor, editorText, replaceAtoms } from "./editor.ts";

/** Earlier prompts, oldest first, and the position among them. */
export type History = {
  entries: readonly string[];
  /** 0 is the draft, 1 the newest entry. */
  position: number;
  draft: { atoms: readonly Atom[]; caret: number } | undefined;
  /** Changed entries that were not sent, by position. */
  edits: ReadonlyMap<number, readonly Atom[]>;
  /** Entries with folded pastes or files, which are more than their text. */
  whole: readonly (readonly Atom[])[];
};

/** Entries kept, here and in the file. */
export const HISTORY_MAX = 1000;
const WHOLE_MAX = 5;

export const emptyHistory: History = {
  entries: [],
  position: 0,
  draft: undefined,
  edits: new Map(),
  whole: [],
};

const isBlank = (text: string): boolean => text.trim() === "";

/**
 * Makes a sent or saved text the newest entry; an equal older entry is removed. The unsent draft and changed entries
 * are added before it, so that nothing that was typed is lost.
 */
export function remember(history: History, text: string): History {
  const unsent = [
    ...[...history.edits.values()].map(textOf),
    ...(history.draft === undefined ? [] : [textOf(history.draft.atoms)]),
  ];
  const added = [...unsent, text].filter((entry) => !isBlank(entry));
  const entries = [...history.entries.filter((entry) => !added.includes(entry)), ...new Set(added)];
  return {
    ...history,
    entries: entries.slice(-HISTORY_MAX),
    position: 0,
    draft: undefined,
    edits: new Map(),
  };
}

/** As `remember`, with folded pastes and files. */
export function rememberAtoms(history: History, atoms: readonly Atom[]): History {
  const next = remember(history, textOf(atoms));
  const isPlain = atoms.every((atom) => typeof atom === "string");
  return isPlain ? next : { ...next, whole: [...next.whole, atoms].slice(-WHOLE_MAX) };
}

/** Adds an entry and keeps the position at the same entry. */
export function addEntry(history: History, text: string): History {
  if (isBlank(text)) return history;
  const { position } = history;
  if (position === 0) return { ...remember({ ...history, draft: undefined }, text), draft: history.draft };
  const at = history.entries.length - position;
  const before = history.entries.slice(0, at + 1);
  const after = history.entries.slice(at + 1).filter((entry) => entry !== text);
  const entries = [...before, ...after, text].slice(-HISTORY_MAX);
  const moved = after.length + 2 - position;
  const edits = new Map([...history.edits].map(([place, atoms]) => [place + moved, atoms]));
  return { ...history, entries, position: position + moved, edits };
}

type Step = { history: History; editor: Editor };

const atomsAt = (history: History, position: number): readonly Atom[] => {
  const entry = history.entries.at(-position) ?? "";
  const edited = history.edits.get(position);
  return edited ?? history.whole.findLast((atoms) => textOf(atoms) === entry) ?? atomsOf(entry);
};

/** Shows the entry at that position, 0 for the draft; the composer's content is kept for the way back. */
export function goTo(history: History, editor: Editor, position: number): Step {
  const left = editor.atoms;
  const { position: from } = history;
  const draft = from === 0 ? { atoms: left, caret: editor.caret } : history.draft;
  const edits = new Map(history.edits);
  if (from > 0 && textOf(left) !== (history.entries.at(-from) ?? "")) edits.set(from, left);
  if (position === 0) {
    const { atoms, caret } = draft ?? { atoms: [], caret: 0 };
    return {
      history: { ...history, position, draft: undefined, edits },
      editor: replaceAtoms(editor, atoms, caret),
    };
  }
  const next = { ...history, position, draft, edits };
  return { history: next, editor: replaceAtoms(editor, atomsAt(next, position)) };
}

/** Goes one entry back; undefined at the oldest. Entries equal to the composer's content are skipped. */
export function older(history: History, editor: Editor): Step | undefined {
  const current = editorText(editor);
  for (let position = history.position + 1; position <= history.entries.length; position += 1) {
    if (textOf(atomsAt(history, position)) !== current) return goTo(history, editor, position);
  }
  return undefined;
}

/** Goes one entry forward, from the newest back to the draft. */
export const newer = (history: History, editor: Editor): Step | undefined =>
  history.position === 0 ? undefined : goTo(history, editor, history.position - 1);

/** The unsent draft. While an unchanged history entry is shown, this is the draft from before. */
export function draftOf(history: History, editor: Editor): readonly Atom[] {
  const isLookedAt = history.position > 0 && editorText(editor) === history.entries.at(-history.position);
  return isLookedAt ? (history.draft?.atoms ?? []) : editor.atoms;
}

/** Finds the newest entry with every word of `query`, after skipping `skip` matches, as Ctrl+R in a shell. */
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
