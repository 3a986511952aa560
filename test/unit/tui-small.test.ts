// What a person is told and asked, in small windows and small words.
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Agent } from "../../src/protocol/agent.ts";
import type { Message, ToolCallPart } from "../../src/protocol/message.ts";
import { plural } from "../../src/protocol/plural.ts";
import { pasteLabel } from "../../src/tui/editor/atoms.ts";
import { emptyEditor, insertPaste } from "../../src/tui/editor/editor.ts";
import { createDecoder } from "../../src/tui/input/decode.ts";
import { createKeyMap } from "../../src/tui/keys.ts";
import { readDragged } from "../../src/tui/local/attach-image.ts";
import { type AppState, isOwnSteering } from "../../src/tui/state/state.ts";
import { answersOf } from "../../src/tui/steps/allow-edits.ts";
import { withFound } from "../../src/tui/steps/completion.ts";
import { stepInput } from "../../src/tui/steps/input.ts";
import { withQuestion } from "../../src/tui/steps/question.ts";
import { blocksOf } from "../../src/tui/text/blocks/message-blocks.ts";
import { connected, permission, prompt, replica, run } from "../support/tui-state.ts";
import { openTuiTerminal } from "../support/tui-terminal.ts";

const keys = createKeyMap({});
function type(state: AppState, text: string) {
  const decoder = createDecoder();
  let step = { state, effects: [] as readonly { do: string }[] };
  const effects: { do: string }[] = [];
  for (const event of [...decoder.push(Buffer.from(text)), ...decoder.flush()]) {
    step = stepInput(step.state, event, keys, 0);
    effects.push(...step.effects);
  }
  return { state: step.state, effects };
}

const asking = replica({
  messages: [prompt(1, "install it")],
  runs: [run(1)],
  permissions: [
    permission(1, {
      detail: {
        type: "command",
        command: "npm install left-pad",
        cwd: "/home/me/shop",
        reasons: ["network"],
      },
      options: [
        { decision: "allow_once", label: "allow once", rules: [] },
        {
          decision: "allow_session",
          label: 'allow "npm install *" this session',
          rules: ["bash(npm install *)"],
        },
        {
          decision: "allow_always",
          label: 'always allow "npm install *" here',
          rules: ["bash(npm install *)"],
        },
        { decision: "deny", label: "deny", rules: [] },
      ],
    }),
  ],
});

test.each([
  [40, 12],
  [60, 12],
  [40, 16],
  [50, 15],
])(
  "at %i×%i a command that is shown is allowed with 1, and every answer is in sight",
  async (columns, rows) => {
    const terminal = openTuiTerminal(columns, rows);
    onTestFinished(() => terminal.close());
    terminal.show(asking);
    const shown = await terminal.window();
    expect(shown).toContain("$ npm install left-pad");
    for (const digit of ["1 allow once", "2 allow", "3 always", "4 deny"]) expect(shown).toContain(digit);
    terminal.type("1");
    expect(terminal.effects).toMatchObject([{ do: "answer", decision: "allow_once" }]);
  },
);

test("an answer whose own rule had no room is read in full before it is given; the others are not held up", () => {
  const state = withQuestion(connected({ runs: [run(1)], permissions: [permission(1)] }), 0);
  if (state.question === undefined) throw new Error("no question");
  const cut = { ...state, question: { ...state.question, cutOptions: [1] } };
  expect(type(cut, "1").effects).toMatchObject([{ do: "answer", decision: "allow_once" }]);
  expect(type(cut, "2").effects).toMatchObject([{ do: "load_transcript" }]);
});

const edit = permission(1, {
  kind: "edit",
  detail: { type: "edit", path: "/project/a.ts", unified: "@@ -1 +1 @@\n-a\n+b\n", reasons: [] },
});
const editAsked = (reasons: string[] = []) =>
  withQuestion(
    connected({ runs: [run(1)], permissions: [{ ...edit, detail: { ...edit.detail, reasons } }] }),
    0,
  );

test("all edits of a session are allowed by an answer, with a, or with Shift+Tab, and the one that is asked about with them", () => {
  expect(answersOf(edit).map(({ label }) => label)).toEqual([
    "allow once",
    "allow this session",
    "allow all edits in this session",
    "deny",
  ]);
  for (const key of ["3", "a", "\x1b[Z"]) {
    expect(type(editAsked(), key).effects).toMatchObject([
      { do: "change_session", changes: { mode: "accept_edits" } },
      { do: "answer", decision: "allow_once" },
    ]);
  }
  // What had no room is shown before it is allowed, as with every other answer.
  const asked = editAsked();
  if (asked.question === undefined) throw new Error("no question");
  const cut = { ...asked, question: { ...asked.question, isCut: true } };
  expect(type(cut, "3").effects).toMatchObject([{ do: "load_transcript" }]);
  expect(type(asked, "4").state.question?.writing?.what).toBe("reason");
  // One that asks for more than that (a protected file, one outside) is a question of its own.
  expect(type(editAsked(["protected"]), "\x1b[Z").effects).toMatchObject([{ do: "change_session" }]);
  expect(type(editAsked(["protected"]), "a").effects).toEqual([]);
});

test("Enter on an empty prompt never steers with what another terminal has queued", () => {
  const queue = (by: string) =>
    connected({
      runs: [run(1), run(2, { state: "queued", started_at: null, by })],
      messages: [prompt(2, "theirs")],
    });
  expect(type(queue("other"), "\r").effects).toEqual([]);
  expect(type(queue("me"), "\r").effects).toMatchObject([{ do: "change_queued", delivery: "steer" }]);
  expect(isOwnSteering(queue("other"), run(2, { state: "queued", by: "other" }))).toBe(false);
});

const agent: Agent = {
  ...{ name: "hearth", backend: "native", status: "ready", reason: null, fix: null, version: null },
  ...{ model: null, modes: [], commands: [] },
  models: [{ id: "local/big", name: "big", context_window: null }],
};
const goose: Agent = {
  ...agent,
  name: "goose",
  backend: "acp",
  status: "not_installed",
  reason: "goose is not on PATH",
  fix: "brew install goose",
};

test("an agent that is not there and a model that nobody has are refused with why, by name as in the list", () => {
  const state = connected({ agents: [agent, goose] });
  const refused = (text: string) => {
    const step = type(state, text);
    expect(step.effects).toEqual([]);
    return step.state.flash?.text;
  };
  expect(refused("/agent goose\r")).toBe("goose: goose is not on PATH · brew install goose");
  expect(refused("/model nope/x\r")).toBe('hearth has no model "nope/x"; /model lists them.');
  expect(type(state, "/model local/new\r").effects.map((effect) => effect.do)).toContain("change_session");
  const modelOf = (text: string) =>
    type(state, text).effects.find(({ do: what }) => what === "change_session");
  expect(modelOf("/model big\r")).toMatchObject({ changes: { model: "local/big" } });
  // Where all that a provider has is known there is nothing newer.
  const closed = connected({ agents: [{ ...agent, closed_providers: ["local"] }] });
  expect(type(closed, "/model local/new\r").state.flash?.text).toContain('has no model "local/new"');
});

test("a paste counts its lines as a person does", () => {
  const text = Array.from({ length: 200 }, () => "line\n").join("");
  const [atom] = insertPaste(emptyEditor, text).atoms;
  if (typeof atom !== "object" || !("paste" in atom)) throw new Error("not folded");
  expect(pasteLabel(atom)).toContain("200 lines");
});

test("a tool that never began is not called stopped", () => {
  const call = (not_run: boolean): Message => ({
    ...prompt(2, ""),
    role: "assistant",
    finish_reason: "canceled",
    parts: [
      {
        id: "prt_1",
        type: "tool_call",
        tool_call_id: "c",
        name: "bash",
        kind: "execute",
        title: "npm test",
        input: {},
        status: "canceled",
        output: "",
        ...(not_run && { not_run }),
      },
    ],
  });
  const context = { agent: "hearth", run: () => undefined, nameOf: () => undefined };
  const end = (message: Message) => blocksOf(message, context).find((block) => block.type === "turn_end");
  expect(end(call(true))).toMatchObject({ stopped: [] });
  expect(end(call(false))).toMatchObject({ stopped: ["npm test"] });
});

test.skipIf(process.platform !== "linux")("an image that cannot be read is refused with why", async () => {
  const folder = mkdtempSync(join(tmpdir(), "hearth-image-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "cat.png");
  symlinkSync("/proc/self/mem", path); // also root cannot read its beginning
  await expect(readDragged(path, "/elsewhere", "/home/me")).rejects.toThrow("EIO");
});

test("nothing in the terminal, the commands or the client lets go of a promise but in the one guarded way", () => {
  const folder = join(import.meta.dirname, "../../src");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
    /^(?:tui|cli|client)\/.*\.tsx?$/.test(name),
  );
  expect(files.length).toBeGreaterThan(50);
  const loose = files.flatMap((name) =>
    readFileSync(join(folder, name), "utf8")
      .split("\n")
      .filter((line) => /(?:^|=>|;|\()\s*void [a-zA-Z(]/.test(line) && !/=> void[,;)]/.test(line))
      .map((line) => `${name}: ${line.trim()}`),
  );
  expect(loose).toEqual([]);
});

test("a command that ended with another code than 0 is no success; what a mode denied says why", async () => {
  const terminal = openTuiTerminal(100, 20);
  onTestFinished(() => terminal.close());
  const call = (number: number, fields: Partial<ToolCallPart>): ToolCallPart => ({
    id: `prt_${number}`,
    type: "tool_call",
    tool_call_id: `c${number}`,
    name: "bash",
    kind: "execute",
    title: "exit 3",
    input: {},
    status: "completed",
    output: "",
    ...fields,
  });
  const message: Message = {
    ...prompt(2, ""),
    role: "assistant",
    finish_reason: "end_turn",
    parts: [
      call(1, {
        view: { kind: "command", command: "exit 3", exit_code: 3, duration_ms: 10, truncated: false },
      }),
      call(2, {
        title: "touch a",
        status: "denied",
        output: "Not allowed: In plan mode nothing is changed.",
      }),
    ],
  };
  terminal.show(replica({ messages: [prompt(1, "go"), message] }));
  const shown = await terminal.window();
  expect(shown).toMatch(/✗ run {3}exit 3/);
  expect(shown).not.toContain("✓");
  expect(shown).toContain("In plan mode nothing is changed.");
});

test("a command of one's own that was canceled offers nothing to continue", async () => {
  const terminal = openTuiTerminal(80, 20);
  onTestFinished(() => terminal.close());
  const canceled = (of: string): Message => ({
    ...prompt(2, "x"),
    role: "assistant",
    agent: of,
    finish_reason: "canceled",
  });
  terminal.show(replica({ messages: [prompt(1, "go"), canceled("hearth")] }));
  expect(await terminal.window()).toContain("/continue");
  terminal.show(replica({ messages: [prompt(1, "go"), canceled("shell")] }));
  expect((await terminal.window()).split("\n").slice(-2).join()).not.toContain("/continue");
});

test("a search for files that goes on says so, with what it has found and without", async () => {
  const terminal = openTuiTerminal(80, 20);
  onTestFinished(() => terminal.close());
  terminal.show(replica());
  terminal.type("@x");
  const found = async (files: readonly string[], isWhole: boolean) => {
    terminal.controller.update((state) => withFound(state, "x", files, isWhole));
    return terminal.window();
  };
  expect(await found([], false)).toContain("searching …");
  expect(await found(["src/x.ts"], false)).toContain("still searching …");
  expect(await found(["src/x.ts"], true)).not.toContain("searching");
  expect(await found([], true)).toContain("no such file");
});

test("one of a thing is said as one", () => {
  expect(pasteLabel({ paste: 1, text: "x" })).toBe("[pasted #1 · 1 character]");
  expect(plural(1, "token")).toBe("1 token");
  expect(plural(0, "match", "matches")).toBe("0 matches");
});
