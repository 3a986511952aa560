// Editing the command that is asked about, as keys and states.
import { expect, test } from "vitest";
import type { Permission } from "../../src/protocol/permission.ts";
import { editorText } from "../../src/tui/editor/editor.ts";
import { createDecoder } from "../../src/tui/input/decode.ts";
import { createKeyMap } from "../../src/tui/keys.ts";
import type { Effect } from "../../src/tui/state/effects.ts";
import type { AppState } from "../../src/tui/state/state.ts";
import { stepInput } from "../../src/tui/steps/input.ts";
import { withQuestion } from "../../src/tui/steps/question.ts";
import { connected, permission, prompt, run } from "../support/tui-state.ts";

const keys = createKeyMap({});
function type(state: AppState, text: string): { state: AppState; effects: Effect[] } {
  const decoder = createDecoder();
  const effects: Effect[] = [];
  let current = state;
  for (const event of [...decoder.push(Buffer.from(text)), ...decoder.flush()]) {
    const step = stepInput(current, event, keys, 0);
    current = step.state;
    effects.push(...step.effects);
  }
  return { state: current, effects };
}
const ESC = "\x1b";
const draft = (state: AppState) => editorText(state.editor);
type CommandDetail = Extract<Permission["detail"], { type: "command" }>;
const detail: CommandDetail = { type: "command", command: "npm test", cwd: "/project", reasons: [] };
const open = (fields: Partial<Permission> = {}, more: Partial<AppState> = {}) => {
  const asked = permission(1, { detail: { ...detail, editable: true }, ...fields });
  const runs = [run(1), run(2, { state: "queued", started_at: null })];
  return withQuestion(connected({ runs, messages: [prompt(2, "later")], permissions: [asked] }, more), 0);
};
const editing = () => type(open(), "e").state;

test("e puts the command into the prompt, Enter allows what it was made into, once", () => {
  const { state, effects } = type(open(), "e");
  expect(effects).toEqual([]);
  expect(draft(state)).toBe("npm test");
  const sent = type(state, " -- cart\r");
  expect(sent.effects).toEqual([
    {
      do: "answer",
      id: open().question?.id,
      decision: "allow_once",
      message: undefined,
      command: "npm test -- cart",
    },
  ]);
  // It stays until the daemon has taken it, and is not sent twice.
  expect(draft(sent.state)).toBe("npm test -- cart");
  expect(type(sent.state, "\r").effects).toEqual([]);
});

test("a command that was left as it is is simply allowed", () => {
  expect(type(open(), "e\r").effects).toMatchObject([{ decision: "allow_once", command: undefined }]);
});

test.each([ESC, "\x03"])(
  "%j goes back to the question with the draft as it was and nothing answered",
  (key) => {
    const asked = open({}, { editor: type(connected(), "half a thought").state.editor });
    const there = type(asked, "e").state;
    const { state, effects } = type(type(there, " --watch").state, key);
    expect(effects).toEqual([]);
    expect(draft(state)).toBe("half a thought");
    expect(state.question).toMatchObject({ isFocused: true, writing: undefined });
    expect(type(state, "1").effects).toMatchObject([{ do: "answer", decision: "allow_once" }]);
  },
);

test("a command of several lines keeps its backslashes, and a paste is not folded", () => {
  const { state, effects } = type(editing(), " \\\r--watch\n");
  expect(effects).toEqual([]);
  expect(draft(state)).toBe("npm test \\\n--watch\n");
  const lines = Array.from({ length: 20 }, (_, index) => `echo ${index}`).join("\n");
  const pasted = type(editing(), `\x1b[200~${lines}\x1b[201~`).state;
  expect(pasted.editor.atoms.every((atom) => typeof atom === "string")).toBe(true);
});

test("nothing of what is written for a question is ever sent as a prompt", () => {
  for (const start of [editing(), type(open(), "3").state]) {
    for (const key of ["\t", "\x1b[13;5u", "\x1bs", "\x10", "\x12x", "\x1b[A", "\x16", "\x1br"]) {
      const { state, effects } = type(start, `x${key}`);
      expect(effects, JSON.stringify(key)).toEqual([]);
      expect(state.editing, JSON.stringify(key)).toBeUndefined();
    }
  }
  const emptied = type(editing(), "\x15");
  expect(type(emptied.state, "\x1b[A").state.editing).toBeUndefined();
  const refused = type(emptied.state, "\r");
  expect(refused.effects).toEqual([]);
  expect(refused.state.flash?.text).toContain("no command");
});

test("an @ in a command opens no list of files", () => {
  expect(type(editing(), " @scope/x").effects).toEqual([]);
});

test("where the command cannot be changed, e is the beginning of a prompt", () => {
  const { state } = type(open({ detail }), "e");
  expect(state.question?.writing).toBeUndefined();
  expect(draft(state)).toBe("e");
});

test("what has no room is read before it is changed", () => {
  const asked = open();
  if (asked.question === undefined) throw new Error("no question");
  const cut = { ...asked, question: { ...asked.question, isCut: true } };
  expect(type(cut, "e").state.overlay?.kind).toBe("transcript");
});

test("a question that somebody else answers meanwhile gives the draft back", () => {
  const asked = open({}, { editor: type(connected(), "half a thought").state.editor });
  const there = type(asked, "e").state;
  const gone = withQuestion({ ...there, replica: connected().replica }, 0);
  expect(draft(gone)).toBe("half a thought");
  expect(gone.question).toBeUndefined();
});
