// A conversation that is too long for its model's window becomes shorter and goes on, over every wire.
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { planPruning, roomIn, windowIn } from "../../src/agent/native/compacting/room.ts";
import { lastChange, withoutChange } from "../../src/agent/run/context-changes.ts";
import type { Config } from "../../src/protocol/config.ts";
import type { Message, NoticePart } from "../../src/protocol/message.ts";
import {
  type ModelRequest,
  type ModelServer,
  refuse,
  type Script,
  say,
  startModelServer,
} from "../support/model-server.ts";
import { nativeWires, newId, onWire, openNative, partsOf } from "./native-host.ts";

let server: ModelServer;
beforeEach(async () => {
  server = await startModelServer();
});
afterEach(() => server.close());

const words = (about: string): string => `${about} ${"and more words about it ".repeat(120)}`;
const textIn = ({ body }: ModelRequest): string => JSON.stringify(body);
const isSummary = (request: ModelRequest): boolean => textIn(request).includes("You summarise the work");
const summaries = () => server.requests.filter(isSummary);
const lastOf = () => server.requests.filter((request) => !isSummary(request)).at(-1) as ModelRequest;
const noticesOf = (messages: readonly Message[], code: string): NoticePart[] =>
  partsOf(messages).filter((part): part is NoticePart => part.type === "notice" && part.code === code);

const withWindow = ({ config, env }: ReturnType<typeof onWire>, tokens: number | undefined) => {
  const local = config.providers?.["local"];
  if (local === undefined) throw new Error("there is no provider");
  const big = { ...local.models?.["big"], ...(tokens === undefined ? {} : { context_window: tokens }) };
  const made: Config = { providers: { local: { ...local, models: { big } } } };
  return { config: made, env };
};

const answering: Script = (request) =>
  isSummary(request)
    ? { ...say("## Goal\nThe gist of it"), usage: { input: 50, output: 5 } }
    : say(words(`answer ${request.index}`));

describe.each(nativeWires)("over the %s wire", (wire) => {
  test("a nearly full window is compacted once, the request goes on from a summary, and stays so after a restart", async () => {
    server.script(answering);
    const { env, ...setting } = withWindow(onWire(server, wire), 8_000);
    const native = await openNative({ ...setting, root: "/nonexistent" });
    for (const prompt of ["first wish", "second", "third", "fourth", "fifth", "sixth"])
      expect(await native.start(words(prompt), { env }).result).toEqual({ outcome: "end_turn" });
    expect(summaries().length).toBeGreaterThan(0);
    const told = noticesOf(native.transcript, "compaction");
    expect(told.length).toBeGreaterThan(0);
    expect(told[0]?.context).toMatchObject({ kind: "compacted", summary: "## Goal\nThe gist of it" });
    const text = textIn(lastOf());
    expect(text).toContain("The gist of it");
    expect(text).toContain("<earlier_prompt>");
    expect(text).toContain("first wish");
    expect(text).not.toContain("answer 0");
    expect(JSON.stringify(native.transcript)).toContain("answer 0");

    const before = lastOf();
    const [kept, said] = [native.kept(), native.transcript];
    await native.close();
    const again = await openNative({ ...setting, root: "/nonexistent", kept, said });
    await again.start("short", { env }).result;
    await again.close();
    const after = lastOf();
    const list = "contents" in before.body ? "contents" : "input" in before.body ? "input" : "messages";
    const plain = (request: ModelRequest) =>
      (request.body[list] as unknown[]).map((item) =>
        JSON.stringify(item).replaceAll(/,?"cache_control":\{[^}]*\}/g, ""),
      );
    // Unless it was time for the next compaction, it begins with the same bytes.
    if (noticesOf(again.transcript, "compaction").length === told.length)
      expect(plain(after).slice(0, plain(before).length)).toEqual(plain(before));
    expect(server.violations).toEqual([]);
  });

  test("a conversation that the provider calls too long is compacted once, and never again for nothing", async () => {
    const { env, ...setting } = withWindow(onWire(server, wire), undefined);
    const native = await openNative({ ...setting, root: "/nonexistent" });
    server.script(answering);
    for (const prompt of ["first", "second", "third"]) await native.start(words(prompt), { env }).result;
    const full = refuse(400, "prompt is too long: 9000 tokens > 6000 maximum");
    server.enqueue(full);
    expect(await native.start("fourth", { env }).result).toEqual({ outcome: "end_turn" });
    expect(summaries()).toHaveLength(1);
    expect(textIn(lastOf())).toContain("The gist of it");
    server.script((request) => (isSummary(request) ? answering(request, request.index) : full));
    const end = await native.start("fifth", { env }).result;
    expect(end).toMatchObject({ outcome: "error", error: { code: "context_overflow" } });
    // What is older than the new prompt is a summary already.
    expect(summaries()).toHaveLength(1);
    expect(server.violations).toEqual([]);
    await native.close();
  });
});

test("a summary that fails is asked for once more with less, and its cost counts", async () => {
  const native = await openNative(withWindow(onWire(server, "openai-compatible"), undefined));
  server.script(answering);
  for (const prompt of ["first", "second", "third"]) await native.start(words(prompt)).result;
  let tries = 0;
  server.script((request) => {
    if (!isSummary(request)) return say("done");
    tries += 1;
    return tries === 1
      ? { ...say("  "), usage: { input: 40, output: 2 } }
      : answering(request, request.index);
  });
  const turn = native.start("", { compact: { keep: "the names" } });
  expect(await turn.result).toEqual({ outcome: "end_turn" });
  const [first, second] = summaries();
  expect(textIn(second as ModelRequest).length).toBeLessThanOrEqual(textIn(first as ModelRequest).length);
  expect(textIn(first as ModelRequest)).toContain("keep in particular: the names");
  expect(turn.recorder.usage).toMatchObject({ input_tokens: 90, output_tokens: 7 });
  await native.close();
});

test("a compaction that is taken back sends the whole conversation again", async () => {
  const native = await openNative(withWindow(onWire(server, "anthropic"), undefined));
  server.script(answering);
  for (const prompt of ["first", "second", "third"]) await native.start(words(prompt)).result;
  await native.start("", { compact: { keep: "" } }).result;
  await native.start("fourth").result;
  expect(textIn(lastOf())).not.toContain("answer 0");
  const last = lastChange(native.transcript, "compacted");
  if (last === undefined) throw new Error("nothing was compacted");
  native.transcript[native.transcript.indexOf(last.message)] = withoutChange(last, "");
  await native.start("fifth").result;
  expect(textIn(lastOf())).toContain("answer 0");
  expect(textIn(lastOf())).not.toContain("The gist of it");
  expect(server.violations).toEqual([]);
  await native.close();
});

test("the summary is prepared in the background while the turn goes on, and its cost counts", async () => {
  const native = await openNative(withWindow(onWire(server, "openai-compatible"), 8_000));
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  server.script((request) =>
    isSummary(request) ? { ...say("The gist of it"), after: held } : say(words(`answer ${request.index}`)),
  );
  let turns = 0;
  while (summaries().length === 0) {
    turns += 1;
    if (turns > 20) throw new Error("no summary was asked for");
    await native.start(words(`prompt ${turns}`)).result;
  }
  expect(noticesOf(native.transcript, "compaction")).toEqual([]);
  release();
  while (noticesOf(native.transcript, "compaction").length === 0) {
    turns += 1;
    if (turns > 20) throw new Error("nothing was compacted");
    await native.start(words(`prompt ${turns}`)).result;
  }
  expect(summaries()).toHaveLength(1);
  await native.close();
});

test("room is what the window leaves, in large windows and small ones", () => {
  expect(roomIn(200_000, 32_000)).toMatchObject({ compactAt: 168_000, verbatim: 20_000 });
  expect(roomIn(1_000_000, 64_000).compactAt).toBe(850_000);
  expect(roomIn(32_000, null).compactAt).toBe(16_000);
  expect(windowIn("prompt is too long: 210000 tokens > 200000 maximum")).toBe(200_000);
  expect(windowIn("maximum context length is 8,192 tokens; you asked for 9,000")).toBe(8_192);
  expect(windowIn("too long")).toBeUndefined();
});

test("old outputs go first: what is older than two turns and beyond 40,000 tokens, if 20,000 come free", () => {
  let seq = 0;
  const base = {
    session_id: newId("ses"),
    run_id: newId("run"),
    agent: "hearth",
    model: "m",
    finish_reason: null,
  };
  const at = { created_at: "", updated_at: "", completed_at: "" };
  const user = (): Message => ({
    ...{ ...base, ...at, id: newId("msg"), seq: ++seq, role: "user" as const },
    parts: [{ id: newId("prt"), type: "text", text: "go on" }],
  });
  const output = (tokens: number): Message => ({
    ...{ ...base, ...at, id: newId("msg"), seq: ++seq, role: "assistant" as const },
    parts: [
      {
        ...{
          id: newId("prt"),
          type: "tool_call" as const,
          tool_call_id: `c${seq}`,
          name: "read",
          kind: "read" as const,
        },
        ...{ title: "", input: {}, status: "completed" as const, output: "x".repeat(tokens * 4) },
      },
    ],
  });
  const long = [
    user(),
    output(15_000),
    output(15_000),
    output(20_000),
    output(20_000),
    user(),
    output(50),
    user(),
  ];
  expect(planPruning(long, undefined)).toEqual({ before_seq: 4, tokens: 30_000 });
  expect(planPruning([user(), output(10_000), output(40_000), user(), user()], undefined)).toBeUndefined();
  expect(planPruning([user(), output(90_000), user()], undefined)).toBeUndefined();
});
