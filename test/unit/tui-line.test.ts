import { expect, test } from "vitest";
import { editorText } from "../../src/tui/editor/editor.ts";
import { newListOverlay, newSessionsOverlay } from "../../src/tui/state/overlay.ts";
import type { AppState } from "../../src/tui/state/state.ts";
import { stepLine } from "../../src/tui/steps/line.ts";
import { withQuestion } from "../../src/tui/steps/question.ts";
import { connected, permission, run, session } from "../support/tui-state.ts";

const display = { isLines: true, isStill: true, home: "/home/me" };
const idle = connected({}, { display });
const asked = (fields = {}) =>
  withQuestion(connected({ runs: [run(1)], permissions: [permission(1, fields)] }, { display }), 0);
const did = (state: AppState, line: string) => stepLine(state, line, 0).effects.map((effect) => effect.do);

test("a line is a prompt, and one that ends with a backslash goes on in the next", () => {
  expect(stepLine(idle, "do it", 0).effects[0]).toMatchObject({ do: "send", text: "do it" });
  const first = stepLine(idle, "one\\", 0);
  expect(first.effects).toEqual([]);
  expect(stepLine(first.state, "two", 0).effects[0]).toMatchObject({ do: "send", text: "one\ntwo" });
});

test("a command that was wrong is not in the next line", () => {
  const wrong = stepLine(idle, "/mode all", 0).state;
  expect(wrong.flash?.level).toBe("error");
  expect(stepLine(wrong, "do it", 0).effects[0]).toMatchObject({ do: "send", text: "do it" });
});

test("a question is answered by a number of its own and by nothing else", () => {
  expect(stepLine(asked(), "1", 0).effects).toMatchObject([{ do: "answer", decision: "allow_once" }]);
  for (const line of ["", "0", "7", "e"]) {
    const { state, effects } = stepLine(asked(), line, 0);
    expect(effects).toEqual([]);
    expect(state.flash?.text).toBe("type a number from 1 to 3 and press Enter");
  }
  expect(did(asked(), "and then this")).toEqual(["send", "remember"]);
});

test("a denial takes the next line for its reason, an empty one for none", () => {
  const writing = stepLine(asked(), "3", 0);
  expect(writing.effects).toEqual([]);
  expect(stepLine(writing.state, "use pnpm", 0).effects).toMatchObject([
    { do: "answer", decision: "deny", message: "use pnpm" },
  ]);
  expect(stepLine(writing.state, "", 0).effects).toMatchObject([{ do: "answer", message: undefined }]);
});

test("a command is changed by writing another; an empty line goes back to the question", () => {
  const detail = { type: "command", command: "npm i", cwd: "/", reasons: [], editable: true } as const;
  const writing = stepLine(asked({ detail }), "e", 0).state;
  expect(editorText(writing.editor)).toBe("");
  expect(stepLine(writing, "npm ci", 0).effects).toMatchObject([
    { do: "answer", decision: "allow_once", command: "npm ci" },
  ]);
  const back = stepLine(writing, "", 0);
  expect([back.effects, back.state.question?.writing]).toEqual([[], undefined]);
});

test("a list takes a number, words that narrow it, and an empty line that closes it", () => {
  const other = `ses_${"2".padStart(32, "0")}` as const;
  const found = [session({ title: "one" }), session({ id: other, title: "two", updated_at: "2025" })];
  const open = connected({}, { overlay: { ...newSessionsOverlay, found } });
  expect(stepLine(open, "2", 0).effects).toEqual([{ do: "open_session", id: other }]);
  const narrowed = stepLine(open, "two", 0).state;
  expect(narrowed.overlay).toMatchObject({ query: "two" });
  expect(stepLine(narrowed, "1", 0).effects).toEqual([{ do: "open_session", id: other }]);
  expect(stepLine(narrowed, "", 0).state.overlay).toBeUndefined();
  expect(stepLine(connected({}, { overlay: newListOverlay("help") }), "", 0).state.overlay).toBeUndefined();
});
