import fc from "fast-check";
import { expect, test } from "vitest";
import { atomsOf, cleanText, pasteLabel, textOf } from "../../src/tui/editor/atoms.ts";
import * as edit from "../../src/tui/editor/editor.ts";

const typed = (text: string) => edit.insertText(edit.emptyEditor, text);
const at = (text: string, caret: number) => edit.moveTo(typed(text), caret);
const shown = (editor: edit.Editor) => {
  const before = textOf(editor.atoms.slice(0, editor.caret));
  return `${before}|${textOf(editor.atoms.slice(editor.caret))}`;
};

/** Text that is easy to get wrong: marks, joined emoji, flags, wide letters, line breaks. */
const text = fc.string({
  unit: fc.constantFrom(
    "a",
    "b",
    " ",
    "\n",
    "é",
    "é",
    "日",
    "👩‍👩‍👧",
    "🇩🇪",
    "🇩",
    "\u0301",
    "\u200d",
    "👍🏽",
    "\t",
    "_",
    "-",
    ".",
  ),
  maxLength: 12,
});

type Operation = { name: string; run: (editor: edit.Editor) => edit.Editor };
const moves = [
  edit.insertNewline,
  edit.deleteBack,
  edit.deleteForward,
  edit.moveLeft,
  edit.moveRight,
  edit.moveWordLeft,
  edit.moveWordRight,
  edit.moveToLineStart,
  edit.moveToLineEnd,
  edit.yank,
  edit.yankOlder,
  edit.undo,
  edit.redo,
  edit.transpose,
];
const kills = [
  edit.killToLineEnd,
  edit.killToLineStart,
  edit.killWordBack,
  edit.killWordForward,
  edit.killBlankBack,
];
const operation: fc.Arbitrary<Operation> = fc.oneof(
  text.map((added) => ({
    name: `insertText ${JSON.stringify(added)}`,
    run: (editor: edit.Editor) => edit.insertText(editor, added),
  })),
  fc
    .constantFrom("x".repeat(1200), "short")
    .map((added) => ({ name: "insertPaste", run: (editor: edit.Editor) => edit.insertPaste(editor, added) })),
  fc
    .nat(30)
    .map((caret) => ({ name: `moveTo ${caret}`, run: (editor: edit.Editor) => edit.moveTo(editor, caret) })),
  fc.constantFrom(...moves, ...kills).map((run) => ({ name: run.name, run })),
);
const operations = fc.array(operation, { maxLength: 25 });
const play = (steps: readonly Operation[]) =>
  steps.reduce((editor, step) => step.run(editor), edit.emptyEditor);

test("after any operations the caret stands between graphemes of a text that is cut as if typed at once", () => {
  fc.assert(
    fc.property(operations, (steps) => {
      const editor = play(steps);
      expect(editor.caret).toBeGreaterThanOrEqual(0);
      expect(editor.caret).toBeLessThanOrEqual(editor.atoms.length);
      // Folded pastes part the text; between them it is cut as the whole would be.
      let run: string[] = [];
      const check = () => {
        expect(run).toEqual(atomsOf(run.join("")));
        run = [];
      };
      for (const atom of editor.atoms) {
        if (typeof atom === "string") run.push(atom);
        else check();
      }
      check();
    }),
    { numRuns: 1500 },
  );
});

test("undo goes back through every change to the empty prompt, and redo comes all the way back", () => {
  fc.assert(
    fc.property(operations, (steps) => {
      const end = play(steps.filter(({ name }) => name !== "undo" && name !== "redo"));
      let editor = end;
      let back = 0;
      while (editor.undo.length > 0) {
        editor = edit.undo(editor);
        back += 1;
      }
      expect(edit.editorText(editor)).toBe("");
      for (let step = 0; step < back; step += 1) editor = edit.redo(editor);
      expect(edit.editorText(editor)).toBe(edit.editorText(end));
    }),
    { numRuns: 500 },
  );
});

/** Nothing in it joins what a cut brings together. */
const separate = fc.string({
  unit: fc.constantFrom("a", "b", " ", "\n", "日", "👩‍👩‍👧", "_", "-"),
  maxLength: 12,
});

test("what is cut can be put back where it was", () => {
  fc.assert(
    fc.property(separate, fc.nat(12), fc.constantFrom(...kills), (content, caret, kill) => {
      const before = edit.moveTo(typed(content), caret);
      expect(edit.editorText(edit.yank(kill(before)))).toBe(edit.editorText(before));
    }),
    { numRuns: 500 },
  );
});

test("moving and inserting never change what is not under the caret", () => {
  fc.assert(
    fc.property(text, text, fc.nat(12), (content, added, caret) => {
      const before = edit.moveTo(typed(content), caret);
      const left = textOf(before.atoms.slice(0, before.caret));
      const right = textOf(before.atoms.slice(before.caret));
      expect(edit.editorText(edit.insertText(before, added))).toBe(left + cleanText(added) + right);
    }),
    { numRuns: 500 },
  );
});

test.each([
  ["word left over blanks", edit.moveWordLeft, "one two  |three", "one |two  three"],
  ["word left over signs", edit.moveWordLeft, "a.b(c)|", "a.b(c|)"],
  ["word right", edit.moveWordRight, "|one two", "one| two"],
  ["word right at the end", edit.moveWordRight, "one|", "one|"],
  ["line start in the second line", edit.moveToLineStart, "one\ntw|o", "one\n|two"],
  ["line end in the first line", edit.moveToLineEnd, "o|ne\ntwo", "one|\ntwo"],
  ["cut to the line's end", edit.killToLineEnd, "on|e\ntwo", "on|\ntwo"],
  ["cut at the line's end joins the lines", edit.killToLineEnd, "one|\ntwo", "one|two"],
  ["cut to the line's start", edit.killToLineStart, "one\ntw|o", "one\n|o"],
  ["cut the word before", edit.killWordBack, "one two|", "one |"],
  ["cut to the blank before", edit.killBlankBack, "a path/to/it|", "a |"],
  ["delete before", edit.deleteBack, "a👩‍👩‍👧|b", "a|b"],
  ["delete behind", edit.deleteForward, "a|🇩🇪b", "a|b"],
  ["swap at the end", edit.transpose, "ab|", "ba|"],
  ["swap inside", edit.transpose, "a|b", "ba|"],
] as const)("%s", (_, run, before, after) => {
  const caret = atomsOf(before.slice(0, before.indexOf("|"))).length;
  expect(shown(run(at(before.replace("|", ""), caret)))).toBe(after);
});

test("several cuts in a row are put back as one, and after that an older one can take its place", () => {
  let editor = typed("one two three");
  editor = edit.killWordBack(editor);
  editor = edit.killWordBack(editor);
  editor = edit.moveToEnd(editor);
  editor = edit.killWordBack(edit.insertText(editor, "other"));
  expect(editor.kills.map(textOf)).toEqual(
    ["two three", "other"].map((kill) => (kill === "other" ? "other" : kill)),
  );
  editor = edit.yank(editor);
  expect(edit.editorText(editor)).toBe("one other");
  editor = edit.yankOlder(editor);
  expect(edit.editorText(editor)).toBe("one two three");
});

test("letters of a word are one step back, words are steps of their own", () => {
  let editor = edit.emptyEditor;
  for (const letter of "fix it") editor = edit.insertText(editor, letter);
  editor = edit.undo(editor);
  expect(edit.editorText(editor)).toBe("fix");
  expect(edit.editorText(edit.undo(editor))).toBe("");
});

test("a long paste is folded, is one thing to the caret, and is sent in full", () => {
  const log = Array.from({ length: 54 }, (_, index) => `line ${index}`).join("\r\n");
  let editor = edit.insertPaste(typed("see "), log);
  const fold = editor.atoms[4];
  if (typeof fold !== "object" || !("paste" in fold)) throw new Error("not folded");
  expect(pasteLabel(fold)).toBe("[pasted #1 · 54 lines]");
  expect(edit.editorText(editor)).toBe(`see ${log.replaceAll("\r\n", "\n")}`);
  expect(edit.moveLeft(editor).caret).toBe(4);
  // Pasted once more right behind its fold it unfolds.
  expect(edit.insertPaste(editor, log).atoms.every((atom) => typeof atom === "string")).toBe(true);
  editor = edit.deleteBack(editor);
  expect(edit.editorText(editor)).toBe("see ");
});

test("a short paste keeps its line breaks and loses control characters", () => {
  expect(edit.editorText(edit.insertPaste(edit.emptyEditor, "a\r\nb\x1b[31m\x07c\td"))).toBe("a\nb[31mc\td");
});

test("backslash and Enter make a line break", () => {
  const editor = typed("one\\");
  expect(edit.endsWithBackslash(editor)).toBe(true);
  expect(edit.editorText(edit.backslashToNewline(editor))).toBe("one\n");
});

test("a paste of ten megabytes is folded at once and costs no more to type behind", () => {
  const huge = "a line of a log file\n".repeat(500_000);
  let editor = edit.insertPaste(edit.emptyEditor, huge);
  expect(editor.atoms).toHaveLength(1);
  for (const letter of "what is this?") editor = edit.insertText(editor, letter);
  expect(editor.atoms).toHaveLength(14);
  expect(edit.insertPaste(edit.moveTo(editor, 1), huge).atoms).toHaveLength(15);
});
