import fc from "fast-check";
import { expect, test } from "vitest";
import type { Atom } from "../../src/tui/editor/atoms.ts";
import { attachmentsOf, textOf, withFiles } from "../../src/tui/editor/atoms.ts";
import { editorText, insertAttachment, replaceAtoms } from "../../src/tui/editor/editor.ts";
import { createDecoder } from "../../src/tui/input/decode.ts";
import { createKeyMap } from "../../src/tui/keys.ts";
import type { Effect } from "../../src/tui/state/effects.ts";
import type { AppState } from "../../src/tui/state/state.ts";
import { withFound } from "../../src/tui/steps/completion.ts";
import { stepInput } from "../../src/tui/steps/input.ts";
import { withQuestion } from "../../src/tui/steps/question.ts";
import { leaveEditing } from "../../src/tui/steps/take-draft.ts";
import { connected, permission, prompt, run } from "../support/tui-state.ts";

const keys = createKeyMap({});
const UP = "\x1b[A";
const DOWN = "\x1b[B";
const CTRL_C = "\x03";
const ESC = "\x1b";

function type(state: AppState, text: string, now = 0): { state: AppState; effects: Effect[] } {
  const decoder = createDecoder();
  const effects: Effect[] = [];
  let current = state;
  for (const event of [...decoder.push(Buffer.from(text)), ...decoder.flush()]) {
    const step = stepInput(current, event, keys, now);
    current = step.state;
    effects.push(...step.effects);
  }
  return { state: current, effects };
}
const draft = (state: AppState) => editorText(state.editor);
const after = (state: AppState, ...typed: string[]) =>
  typed.reduce((current, text, index) => type(current, text, index * 100).state, state);

const idle = connected();
const queued = connected({
  runs: [run(1), run(2, { state: "queued", started_at: null })],
  messages: [prompt(2, "update the changelog")],
});
const asked = withQuestion(connected({ runs: [run(1)], permissions: [permission(1)] }), 0);

test("a draft behind a recalled prompt comes back when that is cleared or sent", () => {
  const recalled = after(idle, "my draft", UP);
  expect(draft(recalled)).toBe("an old prompt");
  expect(draft(after(recalled, CTRL_C))).toBe("my draft");
  const sent = type(recalled, "\r");
  expect(sent.effects[0]).toMatchObject({ do: "send", text: "an old prompt" });
  expect(draft(sent.state)).toBe("my draft");
});

test("what was made of a recalled prompt is still there on the way back to it", () => {
  const state = connected({}, { history: { ...idle.history, entries: ["older", "newer"] } });
  const changed = after(state, UP, " changed", UP);
  expect(draft(changed)).toBe("older");
  expect(draft(after(changed, DOWN))).toBe("newer changed");
});

test("a draft is there again after a prompt was found by search, and sent", () => {
  const found = after(idle, "my draft", "\x12", "old", "\r");
  expect(draft(found)).toBe("an old prompt");
  expect(draft(after(found, "\r"))).toBe("my draft");
});

test("a folded paste that was put away comes back folded", () => {
  const long = Array.from({ length: 30 }, (_, line) => `line ${line}`).join("\n");
  const put = after(idle, `\x1b[200~${long}\x1b[201~`, CTRL_C);
  expect(draft(put)).toBe("");
  const back = after(put, UP);
  expect(back.editor.atoms).toHaveLength(1);
  expect(draft(back)).toBe(long);
});

test("what was changed in a queued prompt, or written for an answer, is in the history when it is left", () => {
  expect(after(queued, UP, " and more", ESC).history.entries).toContain("update the changelog and more");
  expect(after(asked, "3", "because", ESC).history.entries).toContain("because");
  const gone = { ...after(asked, "3", "because"), replica: connected({ runs: [run(1)] }).replica };
  expect(withQuestion(gone, 0).history.entries).toContain("because");
});

/** Files by their names. */
const held = (atoms: readonly Atom[]) =>
  [textOf(atoms), ...attachmentsOf(atoms).map(({ name }) => name)].join("\n");

/** Everything that a person can get at again, or has sent. */
function reachable(state: AppState, effects: readonly Effect[]): string {
  const { editor, editing, question, history } = state;
  return [
    draft(state),
    held(editor.atoms),
    held(editing?.draft.atoms ?? []),
    held(question?.writing?.draft.atoms ?? []),
    ...history.entries,
    ...history.whole.map(held),
    held(history.draft?.atoms ?? []),
    ...[...history.edits.values()].map(held),
    ...effects.flatMap((effect) => {
      if (effect.do === "send") return [effect.text, ...effect.attachments.map(({ name }) => name)];
      if (effect.do === "change_queued") return [effect.prompt ?? ""];
      if (effect.do === "answer") return [effect.message ?? "", effect.command ?? ""];
      return [];
    }),
  ].join("\n");
}

/** To the start and the end of the line, a word, a character on either side. */
const deletions = ["\x15", "\x0b", "\x17", "\x7f", "\x1b[3~"];

test("whatever was typed is in the composer, sent, or to be had back, in every order of what can happen", () => {
  const happening = fc.constantFrom(
    "word",
    "word",
    "word",
    "paste",
    "\r",
    ESC,
    CTRL_C,
    UP,
    DOWN,
    "\t",
    "\x10", // an older prompt
    "\x0e",
    "\x12", // search
    "\x0f", // the transcript
    "\x1f", // undo and redo
    "\x1b_",
    ...deletions,
    "\x19", // what was cut, again
    "@",
    "/",
    "found",
    "image",
    "editor",
    "\n",
    "3",
    "e",
    "question",
    "answered",
    "switch",
    "unqueued",
    "resize",
  );
  fc.assert(
    fc.property(fc.constantFrom(idle, queued, asked), fc.array(happening, { maxLength: 40 }), (from, all) => {
      let state = from;
      const effects: Effect[] = [];
      const typed: string[] = [];
      const undone = new Set<string>();
      const replica = (change: Partial<NonNullable<AppState["replica"]>>) => {
        if (state.replica === undefined) return;
        state = withQuestion({ ...state, replica: { ...state.replica, ...change } }, 0);
      };
      for (const [index, what] of all.entries()) {
        if (what === "question") replica({ permissions: [permission(index)], runs: [run(1)] });
        else if (what === "answered") replica({ permissions: [] });
        else if (what === "unqueued") replica({ runs: [run(1)] });
        else if (what === "resize") state = { ...state, size: { columns: 40 + index, rows: 12 } };
        else if (what === "found") {
          const query = state.completion?.query ?? "";
          state = withFound(state, query, ["src/a.ts", `${query}.ts`], index % 2 === 0);
        } else if (what === "image" || what === "editor") {
          // What comes from outside comes where the person is: not into a command or a reason.
          if (state.question?.writing !== undefined) continue;
          const word = `w${index}w`;
          const { editor } = state;
          const written =
            what === "image"
              ? insertAttachment(editor, { name: word, media_type: "image/png", data: "iVBORw0KGgo=" })
              : replaceAtoms(editor, withFiles(`${editorText(editor)} ${word} `, editor.atoms));
          state = { ...state, editor: written };
          typed.push(word);
        } else if (what === "switch") {
          state = leaveEditing(state);
          replica({ runs: [], permissions: [], messages: [] });
        } else {
          const word = `w${index}w `;
          const keysTyped = what === "word" ? word : what === "paste" ? `\x1b[200~${word}\x1b[201~` : what;
          const step = type(state, keysTyped, index * 500);
          // Who takes a word back does not want it.
          if (what === "\x1f" || what === "\x1b_" || deletions.includes(what)) {
            for (const known of typed) if (!draft(step.state).includes(known)) undone.add(known);
          }
          state = step.state;
          effects.push(...step.effects);
          if (draft(state).includes(word)) typed.push(word);
        }
      }
      const there = reachable(state, effects);
      for (const word of typed) if (!undone.has(word)) expect(there).toContain(word.trim());
    }),
    { numRuns: 1500 },
  );
});
