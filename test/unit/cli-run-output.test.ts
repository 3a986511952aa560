import { Writable } from "node:stream";
import { expect, test } from "vitest";
import { createOutput, type Output } from "../../src/cli/output/output.ts";
import { createRunNotes } from "../../src/cli/run/notes.ts";
import { createRunFilter, createTextOutput } from "../../src/cli/run/output.ts";
import type { HearthEvent } from "../../src/protocol/events.ts";
import type { Message, Part } from "../../src/protocol/message.ts";
import type { RunCompleted } from "../../src/protocol/run.ts";
import { noUsage } from "../../src/protocol/usage.ts";

function createPaper(isTerminal: boolean, all: string[]): Output & { text(): string } {
  let text = "";
  const stream = new Writable({
    decodeStrings: false,
    write(more: string, _encoding, done) {
      text += more;
      all.push(more);
      done();
    },
  });
  const output = createOutput(
    () => Object.assign(stream, { isTTY: isTerminal }) as never,
    () => {},
  );
  return { ...output, text: () => text };
}

function createRun(options: { out?: boolean; err?: boolean; isVerbose?: boolean } = {}) {
  const all: string[] = [];
  const out = createPaper(options.out ?? false, all);
  const err = createPaper(options.err ?? false, all);
  const output = createTextOutput({ out, err, isVerbose: options.isVerbose ?? false });
  let seq = 0;
  const say = (event: Omit<HearthEvent, "seq" | "time">) =>
    output.event({ ...event, seq: ++seq, time: "t" } as HearthEvent);
  return {
    message: (parts: Part[], more: Partial<Message> = {}) =>
      say({ type: "message.updated", payload: { message: { ...message, parts, ...more } } }),
    delta: (part_id: Part["id"], offset: number, text: string, field: "text" | "output" = "text") =>
      say({ type: "part.delta", payload: { message_id: message.id, part_id, field, offset, text } }),
    end: (text: string) => output.completed({ ...completed, text }, undefined),
    stdout: out.text,
    stderr: err.text,
    screen: () => all.join(""),
  };
}

const message: Message = {
  id: "msg_1",
  session_id: "ses_1",
  run_id: "run_1",
  seq: 1,
  role: "assistant",
  agent: "hearth",
  model: null,
  parts: [],
  finish_reason: null,
  created_at: "t",
  updated_at: "t",
  completed_at: null,
};
const completed: RunCompleted = {
  run_id: "run_1",
  session_id: "ses_1",
  agent: "hearth",
  outcome: "end_turn",
  message_id: "msg_1",
  text: "",
  usage: noUsage,
  cost: 0,
  duration_ms: 1,
  canceled_by: null,
};
const text = (id: Part["id"], text: string): Part => ({ id, type: "text", text });
const call = (status: "pending" | "running" | "failed", output = ""): Part => ({
  id: "prt_c",
  type: "tool_call",
  tool_call_id: "c",
  name: "bash",
  kind: "execute",
  title: "npm test",
  input: {},
  status,
  output,
});

test("text is printed as it comes, once, and ends with a line end", async () => {
  const run = createRun();
  await run.message([text("prt_1", "")]);
  await run.delta("prt_1", 0, "Hel");
  expect(run.stdout()).toBe("Hel");
  await run.delta("prt_1", 0, "Hel");
  await run.delta("prt_1", 2, "llo");
  await run.message([text("prt_1", "Hello wor")]);
  await run.delta("prt_1", 9, "ld");
  await run.end("Hello world");
  expect(run.stdout()).toBe("Hello world\n");
});

test("texts of several steps are paragraphs, reasoning and what a person wrote are not printed", async () => {
  const run = createRun();
  await run.message([text("prt_0", "the prompt")], { role: "user" });
  await run.message([{ id: "prt_r", type: "reasoning", text: "" }, text("prt_1", "")]);
  await run.delta("prt_r", 0, "hmm");
  await run.delta("prt_1", 0, "First.\n");
  await run.message([text("prt_2", "Second.")]);
  await run.end("Second.");
  expect(run.stdout()).toBe("First.\n\nSecond.\n");
});

test("text that was missed is made up for by the message, and a run without streamed text by its end", async () => {
  const run = createRun();
  await run.message([text("prt_1", "a")]);
  await run.delta("prt_1", 3, "d");
  expect(run.stdout()).toBe("a");
  await run.message([text("prt_1", "abcd")]);
  expect(run.stdout()).toBe("abcd");
  const silent = createRun();
  await silent.end("all of it\n");
  expect(silent.stdout()).toBe("all of it\n");
  const empty = createRun();
  await empty.end("");
  expect(empty.stdout()).toBe("");
});

test("tool calls and notices are told on stderr where somebody looks or asks, each once", async () => {
  const happenings = async (run: ReturnType<typeof createRun>) => {
    await run.message([call("pending")]);
    await run.message([call("running")]);
    await run.message([
      call("failed", "\nno such script\nmore"),
      { id: "prt_n", type: "notice", level: "warning", code: "retry", text: "again" },
    ]);
    await run.end("");
  };
  const lines = "● bash npm test\n  ✗ failed: no such script\n! again\n";
  const script = createRun();
  await happenings(script);
  expect(script.stderr()).toBe("");
  for (const options of [{ err: true }, { isVerbose: true }]) {
    const run = createRun(options);
    await happenings(run);
    expect(run.stderr()).toBe(lines);
    expect(run.stdout()).toBe("");
  }
});

test("on one screen a tool's line does not land in the middle of a line of text", async () => {
  const run = createRun({ out: true, err: true });
  await run.message([text("prt_1", "Let me see")]);
  await run.message([text("prt_1", "Let me see"), call("running")]);
  await run.message([text("prt_2", "Done.")]);
  await run.end("Done.");
  expect(run.screen()).toBe("Let me see\n● bash npm test\n\nDone.\n");
});

test("a terminal gets no escape sequence from a model, a file gets what was said", async () => {
  const evil = "a\u001b]0;title\u0007b\u009b31mc\u202ed\r\te";
  const screen = createRun({ out: true });
  await screen.message([text("prt_1", evil)]);
  expect(screen.stdout()).toBe("abcd\te");
  const file = createRun();
  await file.message([text("prt_1", evil)]);
  expect(file.stdout()).toBe(evil);
});

test("only what belongs to the run passes", () => {
  const belongs = createRunFilter("run_1");
  const event = (rest: object) =>
    belongs({ seq: 1, time: "t", session_id: "ses_1", ...rest } as unknown as HearthEvent);
  const delta = { type: "part.delta", payload: { message_id: "msg_1" } };
  expect(event(delta)).toBe(false);
  expect(
    event({ type: "message.created", payload: { message: { ...message, id: "msg_2", run_id: "run_2" } } }),
  ).toBe(false);
  expect(event({ type: "message.created", payload: { message } })).toBe(true);
  expect(event(delta)).toBe(true);
  expect(event({ type: "part.delta", payload: { message_id: "msg_2" } })).toBe(false);
  expect(event({ type: "run.completed", payload: { ...completed, run_id: "run_2" } })).toBe(false);
  expect(event({ type: "run.completed", payload: completed })).toBe(true);
  expect(event({ type: "session.updated", payload: {} })).toBe(true);
});

test("what holds everything up is said once, and that it does no more; a session that is continued is named", async () => {
  const err = createPaper(false, []);
  const notes = createRunNotes({} as never, { err, env: {} }, undefined);
  const workspace = {
    ...{ id: `ws_${"1".repeat(32)}` as const, path: "/project", state: "open" as const },
    ...{ created_at: "2026-01-01T00:00:00.000Z", branch: null },
  };
  await notes.workspace(workspace);
  await notes.workspace({ ...workspace, trouble: "Nothing can be saved: the disk is full" });
  await notes.workspace({ ...workspace, trouble: "Nothing can be saved: the disk is full" });
  await notes.workspace(workspace);
  await notes.follows({ id: `ses_${"1".repeat(32)}`, title: "a\x1b[2Jb" });
  const [full, goesOn, follows] = err.text().trim().split("\n");
  expect(full).toBe("hearth: Nothing can be saved: the disk is full");
  expect(goesOn).toBe("hearth: It goes on.");
  expect(follows).toMatch(/^hearth: Continues "ab" \([0-9a-z_]+\)\.$/);
});
