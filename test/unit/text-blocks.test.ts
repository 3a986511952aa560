import { describe, expect, test } from "vitest";
import type { Message, Part } from "../../src/protocol/message.ts";
import type { Permission } from "../../src/protocol/permission.ts";
import { noUsage } from "../../src/protocol/usage.ts";
import { detectCapabilities } from "../../src/tui/local/capabilities.ts";
import type { Block } from "../../src/tui/text/blocks/block.ts";
import {
  type BlockContext,
  blocksOf,
  createMessageFeed,
  type RunFacts,
} from "../../src/tui/text/blocks/message-blocks.ts";
import { blockOfPermission } from "../../src/tui/text/blocks/permission-block.ts";
import { renderBlock } from "../../src/tui/text/blocks/render-block.ts";
import { createTranscriptFeed } from "../../src/tui/text/blocks/transcript-feed.ts";
import { themes } from "../../src/tui/theme.ts";

const at = (second: number) => `2026-01-01T00:00:${String(second).padStart(2, "0")}.000Z`;
const message = (changes: Partial<Message>): Message => ({
  id: "msg_1",
  session_id: "ses_1",
  run_id: "run_1",
  seq: 1,
  role: "assistant",
  agent: "hearth",
  model: null,
  parts: [],
  finish_reason: null,
  created_at: at(0),
  updated_at: at(0),
  completed_at: null,
  ...changes,
});
const text = (value: string, id = "prt_t"): Part => ({
  id: id as `prt_${string}`,
  type: "text",
  text: value,
});
const call = (status: "running" | "completed" | "canceled", title = "npm test"): Part => ({
  id: `prt_${title.length}${status.length}`,
  type: "tool_call",
  tool_call_id: "call_1",
  name: "bash",
  kind: "execute",
  title,
  input: {},
  status,
  output: "",
});
const run: RunFacts = {
  outcome: null,
  error: null,
  started_at: at(0),
  completed_at: null,
  by: "tui-2",
  canceled_by: null,
  delivery: "queue",
  usage: noUsage,
  cost: 0,
};
const context = (facts?: Partial<RunFacts>): BlockContext => ({
  agent: "hearth",
  run: () => (facts === undefined ? undefined : { ...run, ...facts }),
  nameOf: (id) => (id === "tui-1" ? undefined : "pts/4"),
});
const capabilities = detectCapabilities({ TERM: "dumb", LANG: "C" }, { isTTY: true });
const drawn = (blocks: readonly Block[], extras = {}) =>
  blocks.flatMap((block) => renderBlock(block, 60, themes.none, capabilities, extras));
const kinds = (blocks: readonly { type: string }[]) => blocks.map((block) => block.type);

describe("a message that streams", () => {
  test("closes what is complete and shows the rest as open", () => {
    const feed = createMessageFeed(context());
    const first = feed.update(message({ parts: [text("one\n\ntw")] }));
    expect(first.closed).toMatchObject([{ id: "msg_1/prt_t/0", text: "one", isFirst: true, isOpen: false }]);
    expect(first.open).toMatchObject([{ id: "msg_1/prt_t/1", text: "tw", isFirst: false, isOpen: true }]);
    const second = feed.update(message({ parts: [text("one\n\ntwo\n\n")] }));
    expect(second.closed).toMatchObject([{ id: "msg_1/prt_t/1", text: "two" }]);
    expect(second.open).toEqual([]);
  });

  test("closes a text when another part follows it", () => {
    const feed = createMessageFeed(context());
    const { closed, open } = feed.update(message({ parts: [text("I'll look."), call("running")] }));
    expect(closed).toMatchObject([{ text: "I'll look." }]);
    expect(open).toMatchObject([{ type: "tool_call", status: "running" }]);
  });

  test("holds what comes after a running tool call until that has ended", () => {
    const feed = createMessageFeed(context());
    const after = text("After.\n\nMore.\n\n", "prt_b");
    const while1 = feed.update(message({ parts: [call("running"), after] }));
    expect(while1.closed).toEqual([]);
    expect(kinds(while1.open)).toEqual(["tool_call", "text", "text"]);
    const done = feed.update(message({ parts: [{ ...call("completed"), id: "prt_87" } as Part, after] }));
    expect(kinds(done.closed)).toEqual(["tool_call", "text", "text"]);
  });

  test("that is sent again with another text gives no block twice", () => {
    const feed = createMessageFeed(context());
    feed.update(message({ parts: [text("one\n\ntwo\n\nthr")] }));
    const { closed } = feed.update(message({ parts: [text("One!\n\ntwo\n\nthree\n\n")] }));
    expect(closed).toMatchObject([{ id: "msg_1/prt_t/2", text: "three" }]);
  });

  test("loses nothing of a text that grows after it was taken to be complete", () => {
    const feed = createMessageFeed(context());
    feed.update(message({ parts: [text("one"), call("completed")] }));
    const { closed } = feed.update(message({ parts: [text("one two"), call("completed")] }));
    expect(closed).toMatchObject([{ id: "msg_1/prt_t/1", text: " two" }]);
  });

  test("of another agent than the session's says so at its first block", () => {
    const blocks = blocksOf(
      message({ agent: "goose", parts: [text("a\n\nb"), call("completed")] }),
      context(),
    );
    expect(blocks.map((block) => "agent" in block && block.agent)).toEqual(["goose", false, "goose"]);
  });
});

describe("the end of a turn", () => {
  const ended = message({ parts: [call("canceled")], finish_reason: "canceled", completed_at: at(42) });

  test("waits until the run's own end is known", () => {
    const feed = createMessageFeed(context({}));
    expect(kinds(feed.update(ended).closed)).toEqual(["tool_call"]);
    expect(feed.isDone()).toBe(false);
  });

  test("says who canceled it, when, and what it stopped", () => {
    const facts = context({ outcome: "canceled", completed_at: at(42), canceled_by: "tui-2" });
    expect(blocksOf(ended, facts).at(-1)).toMatchObject({
      type: "turn_end",
      outcome: "canceled",
      durationMs: 42_000,
      by: "pts/4",
      stopped: ["npm test"],
    });
  });

  test("is told from the message alone where the run is long over", () => {
    const blocks = blocksOf(ended, { ...context(), held: () => 2 });
    // Who canceled it is not known any more, and what is held now has nothing to do with it.
    expect(blocks.at(-1)).toMatchObject({ type: "turn_end", outcome: "canceled", by: null, held: 0 });
    expect(drawn(blocks).at(-1)).toBe("# Canceled - 1 tool stopped (npm test)");
  });

  test("does not repeat the error that the message has as a notice", () => {
    const notice: Part = {
      id: "prt_n",
      type: "notice",
      level: "error",
      code: "provider_auth",
      text: "Bad key.",
    };
    const failed = message({ parts: [notice], finish_reason: "error", completed_at: at(1) });
    const error = { code: "provider_auth", message: "Bad key.", retryable: false } as const;
    expect(blocksOf(failed, context({ outcome: "error", error })).at(-1)).not.toHaveProperty("error");
    expect(blocksOf({ ...failed, parts: [] }, context({ outcome: "error", error })).at(-1)).toMatchObject({
      error,
    });
  });

  test("is not a step's end", () => {
    const step = message({ parts: [text("a")], finish_reason: "tool_use", completed_at: at(1) });
    expect(kinds(blocksOf(step, context({})))).toEqual(["text"]);
  });
});

test("a command that waits for an answer does not run yet", () => {
  const asked = { ...call("running"), status: "pending" } as Part;
  const seen: string[] = [];
  const timed: BlockContext = { ...context({}), elapsedMs: (id) => seen.push(id) };
  blocksOf(message({ parts: [asked] }), timed);
  expect(seen).toEqual([]);
  blocksOf(message({ parts: [call("running")] }), timed);
  expect(seen).toEqual(["call_1"]);
});

test("the rows under a command are what it said; how it ended stands in its head", () => {
  const ran = (output: string, exitCode: number) => {
    const view = { kind: "command", command: "npm test", exit_code: exitCode, duration_ms: 28 } as const;
    return message({ parts: [{ ...call("completed"), output, view } as Part] });
  };
  const rows = (output: string, exitCode = 0, extras = {}) =>
    drawn(blocksOf(ran(output, exitCode), context({})), extras).map((row) =>
      row.trim().replace(/ {2,}/g, " "),
    );
  expect(rows("one\ntwo\n\n[exit code 0 after 28 ms; in the workspace root]")).toEqual([
    "ok run npm test 0.0s",
    "| one",
    "| two",
  ]);
  expect(rows("(no output)\n\n[exit code 3 after 28 ms; in the workspace root]", 3)).toEqual([
    "x run npm test exit 3 - 0.0s",
  ]);
  // Unfolded, everything that the model was told is there.
  expect(rows("one\n\n[exit code 0 after 28 ms; in src]", 0, { isExpanded: true })).toContain(
    "| [exit code 0 after 28 ms; in src]",
  );
});

test("a prompt of another terminal says whose it is, one's own does not", () => {
  const prompt = message({ role: "user", parts: [text("fix it")], completed_at: at(0) });
  expect(blocksOf(prompt, context({}))).toMatchObject([{ type: "prompt", text: "fix it", by: "pts/4" }]);
  expect(blocksOf(prompt, context({ by: "tui-1" }))).toMatchObject([{ by: undefined }]);
});

test("a long prompt shows its beginning and how much more there is", () => {
  const draw = (count: number, isExpanded = false) => {
    const lines = Array.from({ length: count }, (_, index) => `line ${index}`).join("\n");
    const prompt = { id: "p", type: "prompt", text: lines, files: [], isSteering: false } as const;
    return renderBlock(prompt, 60, themes.none, capabilities, { isExpanded });
  };
  expect(draw(54).slice(-2)).toEqual(["  line 19", "  ... 34 more lines - ctrl+o"]);
  expect(draw(21).at(-1)).toBe("  line 20");
  expect(draw(54, true)).toHaveLength(54);
});

test("a message that is withdrawn does not hold up those after it", () => {
  const feed = createTranscriptFeed(context());
  const open = message({ parts: [text("still")] });
  const next = message({ id: "msg_2", role: "user", parts: [text("next")], completed_at: at(0) });
  expect(feed.update([open, next]).closed).toEqual([]);
  expect(feed.update([next]).closed).toMatchObject([{ id: "msg_2/prompt/0" }]);
});

test("an answered question becomes a line with who answered and after how long", () => {
  const permission: Permission = {
    id: "prm_1",
    session_id: "ses_1",
    run_id: "run_1",
    tool_call_id: "call_1",
    agent: "hearth",
    kind: "execute",
    title: "npm i",
    detail: { type: "command", command: "npm i", cwd: "/", reasons: [] },
    options: [],
    asked_at: at(0),
    state: "answered",
    decision: "allow_once",
    message: null,
    answered_by: "tui-2",
    answered_at: at(9),
  };
  expect(blockOfPermission(permission, context())).toMatchObject({
    decision: "allow_once",
    by: "pts/4",
    afterMs: 9000,
  });
  expect(
    blockOfPermission({ ...permission, state: "canceled", decision: null }, context()).decision,
  ).toBeUndefined();
});
