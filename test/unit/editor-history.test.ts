import fc from "fast-check";
import { expect, test } from "vitest";
import { editorText, emptyEditor, insertPaste, insertText } from "../../src/tui/editor/editor.ts";
import {
  emptyHistory,
  HISTORY_MAX,
  newer,
  older,
  remember,
  searchHistory,
} from "../../src/tui/editor/history.ts";

const past = ["first", "second", "third"].reduce((history, text) => remember(history, text), emptyHistory);

test("going back shows earlier prompts, and forward again the draft as it was, folded pastes and caret too", () => {
  const draft = insertPaste(insertText(emptyEditor, "draft "), "x".repeat(2000));
  let step = older(past, draft);
  expect(step && editorText(step.editor)).toBe("third");
  step = step && older(step.history, step.editor);
  expect(step && editorText(step.editor)).toBe("second");
  step = step && newer(step.history, step.editor);
  step = step && newer(step.history, step.editor);
  expect(step?.editor.atoms).toEqual(draft.atoms);
  expect(step?.editor.caret).toBe(draft.caret);
  expect(step && newer(step.history, step.editor)).toBeUndefined();
});

test("however one walks, coming back to position 0 gives the draft", () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom("older", "newer"), { maxLength: 20 }), (walk) => {
      const draft = insertText(emptyEditor, "my draft");
      let history = past;
      let editor = draft;
      for (const way of walk) {
        const step = way === "older" ? older(history, editor) : newer(history, editor);
        if (step === undefined) continue;
        ({ history, editor } = step);
        if (history.position === 0) expect(editorText(editor)).toBe("my draft");
      }
    }),
  );
});

test("a prompt that is sent again is the newest, once", () => {
  expect(remember(past, "first").entries).toEqual(["second", "third", "first"]);
  expect(remember(past, "  ").entries).toEqual(past.entries);
});

test("the history keeps a bounded number of prompts", () => {
  let history = emptyHistory;
  for (let index = 0; index < HISTORY_MAX + 10; index += 1) history = remember(history, `prompt ${index}`);
  expect(history.entries.length).toBe(HISTORY_MAX);
  expect(history.entries[0]).toBe("prompt 10");
});

test("the search finds the newest prompt with all words, then the ones before it", () => {
  const history = ["fix the cart test", "write docs", "fix the login test"].reduce(
    (sum, text) => remember(sum, text),
    emptyHistory,
  );
  expect(searchHistory(history, "TEST fix", 0)?.entry).toBe("fix the login test");
  expect(searchHistory(history, "TEST fix", 1)?.entry).toBe("fix the cart test");
  expect(searchHistory(history, "TEST fix", 2)).toBeUndefined();
});
