import { type Atom, atomsOf, textOf } from "./atoms.ts";
import { type Editor, editorText, replaceAtoms } from "./editor.ts";

/** Prompts sent before, oldest first, and where the person is among them. Position 0 is what they were writing. */
export type History = {
  entries: readonly string[];
  /** Steps back from the newest; 0: the draft. */
  position: number;
  draft: { atoms: readonly Atom[]; caret: number } | undefined;
  /** What was made of entries on the way past them, by position. */
  edits: ReadonlyMap<number, readonly Atom[]>;
  /** Entries that hold more than text: folded pastes, files. */
  whole: readonly (readonly Atom[])[];
};

/** As many as are worth searching; the file keeps the same number. */
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
 * What was sent (or put away) becomes the newest entry; the same again moves to the end. What stands unsent beside
 * it (the draft, entries that were changed) goes before it: nothing that was typed is lost.
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

/** As `remember`, for what may hold more than text. */
export function rememberAtoms(history: History, atoms: readonly Atom[]): History {
  const next = remember(history, textOf(atoms));
  const isPlain = atoms.every((atom) => typeof atom === "string");
  return isPlain ? next : { ...next, whole: [...next.whole, atoms].slice(-WHOLE_MAX) };
}

/** One more entry, with the person left where they are among the others. */
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

/** To the entry at that position, 0 for the draft; what stands in the composer is kept for the way back. */
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

/** One entry back; undefined at the oldest. Entries that say what is already there are passed over. */
export function older(history: History, editor: Editor): Step | undefined {
  const current = editorText(editor);
  for (let position = history.position + 1; position <= history.entries.length; position += 1) {
    if (textOf(atomsAt(history, position)) !== current) return goTo(history, editor, position);
  }
  return undefined;
}

/** One entry forward; from the newest back to the draft, as it was left. */
export const newer = (history: History, editor: Editor): Step | undefined =>
  history.position === 0 ? undefined : goTo(history, editor, history.position - 1);

/** What is being written: behind an entry that was only looked at, the draft before it. */
export function draftOf(history: History, editor: Editor): readonly Atom[] {
  const isLookedAt = history.position > 0 && editorText(editor) === history.entries.at(-history.position);
  return isLookedAt ? (history.draft?.atoms ?? []) : editor.atoms;
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
