// What a provider does wrong (faults.md F22 to F25) ends in a second try, or in one sentence; never in a lie.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Config } from "../../src/protocol/config.ts";
import type { Message } from "../../src/protocol/message.ts";
import { createGate } from "../support/happenings.ts";
import { localConfig } from "../support/home.ts";
import {
  type Piece,
  type Reply,
  refuse,
  say,
  sentText,
  silence,
  toolResults,
} from "../support/model-server.ts";
import { errorsTold, lastAnswer, openWorld, outline, sawText, type Terminal } from "../support/world.ts";

type Wire = "openai-compatible" | "anthropic";
/** So short that a test need not wait, so long that a busy machine is not taken for a silent provider. */
const impatience = { stall_notice_ms: 500, stall_first_byte_ms: 2000, stall_progress_ms: 2000 };
const openFor = (type: Wire, limits: Config["limits"] = {}, session = {}) =>
  openWorld({
    config: (url) => ({ ...localConfig(url, type), limits: { max_retries: 2, ...limits } }),
    session,
  });
const notices = (messages: readonly Message[]) =>
  messages.flatMap((message) => message.parts.flatMap((part) => (part.type === "notice" ? [part.code] : [])));

describe.each(["openai-compatible", "anthropic"] as const)("a provider of type %s", (type) => {
  /** For what the loop does, whatever the wire. */
  const onFirstWire = test.runIf(type === "openai-compatible");
  /** Waiting for a second try takes seconds: the second wire only does what differs on it. */
  const faults: [string, Reply][] = [
    ["refuses for now with 500", refuse(500, "oops", { "retry-after": "0" })],
    [
      "answers 502 with a page of HTML",
      { status: 502, headers: { "retry-after": "0" }, body: "<html>Bad Gateway</html>" },
    ],
    ["is overloaded", refuse(529, "overloaded", { "retry-after": "0" })],
    ["limits the rate", refuse(429, "slow down", { "retry-after": "0" })],
    ["resets the connection before it answers", say({ stop: "reset" })],
    ["never sends a header", silence()],
  ];
  test.each(type === "anthropic" ? faults.slice(2, 4) : faults)(
    "that %s is tried again, visibly",
    async (_, fault) => {
      const world = await openFor(type, fault.after ? impatience : {});
      const terminal = await world.terminal("only");
      world.model.enqueue(fault, say("The whole answer."));
      const end = await terminal.ask("hello");
      expect(end).toMatchObject({ outcome: "end_turn", text: "The whole answer." });
      expect(end.error).toBeUndefined();
      expect(world.model.requests).toHaveLength(2);
      const messages = await terminal.messages();
      expect(outline(messages)).toEqual(["user: hello", "assistant: end_turn"]);
      expect(lastAnswer(messages).text).toBe("The whole answer.");
      expect(notices(messages)).toContain("retry");
    },
  );

  const breaks: [string, Piece[]][] = [
    ["cuts the answer off", [{ stop: "cut" }]],
    ["resets the connection", [{ stop: "reset" }]],
    [
      "cuts off in the middle of a tool call",
      [{ call_begin: "read" }, { args: '{"path":"a' }, { stop: "cut" }],
    ],
    ["falls silent", [{ stop: "hang" }]],
  ];
  test.each(type === "anthropic" ? breaks.slice(2, 3) : breaks)(
    "that %s after some text is tried again, the text is kept, and the answer stands once",
    async (what, pieces) => {
      const world = await openFor(type, what === "falls silent" ? impatience : {});
      const terminal = await world.terminal("only");
      const gate = createGate();
      world.model.enqueue(say("Half of it", { until: gate.passed }, ...pieces), say("The whole answer."));
      const { run_id } = await terminal.prompt("hello");
      await sawText(terminal, "Half of it");
      gate.open();
      const end = await terminal.completed(run_id);
      // What a person saw: the second try goes on where the first was cut off.
      expect(end).toMatchObject({ outcome: "end_turn", text: "Half of itThe whole answer." });
      const messages = await terminal.messages();
      expect(lastAnswer(messages)).toEqual({ text: "The whole answer.", finish: "end_turn" });
      const texts = messages.flatMap((message) =>
        message.parts.flatMap((part) => (part.type === "text" ? [part.text] : [])),
      );
      expect(texts).toEqual(["hello", "Half of it", "The whole answer."]);
      expect(notices(messages)).toContain("retry");
      expect(world.model.requests).toHaveLength(2);
      expect((await terminal.ask("again")).outcome).toBe("end_turn");
    },
  );

  test("that goes on failing ends the run with one sentence, after so many tries and no more", async () => {
    const world = await openFor(type);
    const terminal = await world.terminal("only");
    world.model.script(() => refuse(500, "the database is on fire", { "retry-after": "0" }));
    const end = await terminal.ask("hello");
    expect(end).toMatchObject({ outcome: "error", error: { code: "provider_error" } });
    expect(end.error?.message).toContain("the database is on fire");
    expect(world.model.requests).toHaveLength(3);
    world.model.script(() => say("Fine."));
    expect((await terminal.ask("again")).outcome).toBe("end_turn");
  });

  onFirstWire("that fails after a tool call was carried out does not make it happen twice", async () => {
    const world = await openFor(type, {}, { mode: "yolo" });
    const terminal = await world.terminal("only");
    world.model.enqueue(
      say("Counting.", { call: "bash", input: { command: "echo x >> count.txt" } }),
      refuse(500, "oops", { "retry-after": "0" }),
      say("Counted."),
    );
    expect(await terminal.ask("count")).toMatchObject({ outcome: "end_turn", text: "Counted." });
    expect(readFileSync(join(world.home.project, "count.txt"), "utf8")).toBe("x\n");
    expect(world.model.requests).toHaveLength(3);
  });

  onFirstWire("can be canceled while a second try waits", async () => {
    const world = await openFor(type);
    const terminal = await world.terminal("only");
    world.model.enqueue(refuse(429, "slow down", { "retry-after": "20" }));
    const { run_id } = await terminal.prompt("hello");
    await terminal.events.until("message.updated", (event) =>
      notices([event.payload.message]).includes("retry"),
    );
    await terminal.cancel();
    expect(await terminal.completed(run_id)).toMatchObject({ outcome: "canceled" });
    expect(errorsTold(terminal)).toEqual([]);
    expect(world.model.requests).toHaveLength(1);
    expect((await terminal.ask("again")).outcome).toBe("end_turn");
  });

  onFirstWire("that calls with nonsense is told so, and the turn goes on", async () => {
    const world = await openFor(type, {}, { mode: "yolo" });
    const terminal = await world.terminal("only");
    const nonsense: Piece[][] = [
      [{ call: "no_such_tool", input: {} }],
      [{ call_begin: "read" }, { args: '{"path": ' }],
      [{ call: "read", input: { path: 7 } }],
      [{ call_begin: "bash" }, { args: "[1, 2" }],
    ];
    for (const [round, pieces] of nonsense.entries()) {
      world.model.enqueue(say(...pieces), say("Understood."));
      const before = world.model.requests.length;
      expect(await terminal.ask(`round ${round}`)).toMatchObject({
        outcome: "end_turn",
        text: "Understood.",
      });
      const results = toolResults(await world.model.request(before + 1));
      expect(results.at(-1)?.text).not.toBe("");
    }
    const calls = (await terminal.messages()).flatMap((message) => message.parts);
    const statuses = calls.flatMap((part) => (part.type === "tool_call" ? [part.status] : []));
    expect(statuses).toEqual(["failed", "failed", "failed", "failed"]);
  });

  onFirstWire("that says the same call id in every step gets each result for its own call", async () => {
    const world = await openFor(type, {}, { mode: "yolo" });
    const terminal = await world.terminal("only");
    for (const name of ["a", "b"]) world.home.write(`${name}.txt`, `content of ${name}\n`);
    world.model.enqueue(
      say({ call: "read", input: { path: "a.txt" }, id: "call_1" }),
      say({ call: "read", input: { path: "b.txt" }, id: "call_1" }),
      say("Both."),
    );
    expect(await terminal.ask("read both")).toMatchObject({ outcome: "end_turn", text: "Both." });
    const texts = toolResults(await world.model.request(2)).map((result) => result.text);
    expect(texts[0]).toContain("content of a");
    expect(texts[1]).toContain("content of b");
  });

  onFirstWire("that answers with nothing is asked again, and not for ever", async () => {
    const world = await openFor(type);
    const terminal = await world.terminal("only");
    world.model.script(() => say());
    const { run_id } = await terminal.prompt("hello");
    // A person is there, so she is asked whether to go on.
    const question = await terminal.question((permission) => permission.run_id === run_id);
    expect(world.model.requests.length).toBeLessThan(10);
    await terminal.answer(question, "deny");
    expect((await terminal.completed(run_id)).outcome).toBe("error");
    world.model.script(() => say("Fine."));
    expect(await terminal.ask("again")).toMatchObject({ outcome: "end_turn", text: "Fine." });
  });

  test("that runs into its limit of tokens ends the run max_tokens, and one that refuses ends it refusal", async () => {
    const world = await openFor(type);
    const terminal = await world.terminal("only");
    const cut = (text: string) => ({ ...say(text), finish: "length" }) as const;
    world.model.enqueue(cut("One, "), cut("two, "), say("three."));
    expect(await terminal.ask("count")).toMatchObject({ outcome: "end_turn", text: "One, two, three." });
    world.model.enqueue(...["I ", "was ", "going ", "to "].map(cut), { ...say("No."), finish: "refusal" });
    expect((await terminal.ask("hello")).outcome).toBe("max_tokens");
    expect((await terminal.ask("bad things")).outcome).toBe("refusal");
    expect((await terminal.ask("good things")).outcome).toBe("end_turn");
  });

  test("is paid for what it says it used, summed over steps, session and agent", async () => {
    const world = await openFor(type, {}, { mode: "yolo" });
    const terminal = await world.terminal("only");
    world.home.write("a.txt", "alpha\n");
    world.model.enqueue(
      {
        ...say({ call: "read", input: { path: "a.txt" } }),
        usage: { input: 1000, output: 50, cache_read: 400 },
      },
      { ...say("Read."), usage: { input: 2000, output: 100, cache_read: 1000 } },
    );
    const end = await terminal.ask("read");
    expect(end.usage).toMatchObject({ input_tokens: 3000, output_tokens: 150, cache_read_tokens: 1400 });
    expect(end.cost).toBeGreaterThan(0);
    const session = await terminal.session();
    expect(session.usage).toEqual(end.usage);
    expect(session.cost).toBeCloseTo(end.cost, 10);
    const [warm] = (await terminal.snapshot()).agent_sessions;
    expect(warm).toMatchObject({ agent: "hearth", input_tokens: 3000, output_tokens: 150, status: "warm" });
    expect((await terminal.runs())[0]).toMatchObject({ usage: end.usage, cost: end.cost });
  });

  test("sees a history it can take after every way in which a turn may end", async () => {
    const world = await openFor(type, { max_retries: 0 });
    const terminal = await world.terminal("only");
    world.home.write("a.txt", "alpha\n");
    const write: Piece = { call: "write", input: { path: "b.txt", content: "beta" } };
    const read: Piece = { call: "read", input: { path: "a.txt" } };
    const endings: [string, () => Promise<unknown>][] = [
      [
        "canceled in the text",
        () => canceledAfter(terminal, [say("some text", { stop: "hang" })], "some text"),
      ],
      [
        "canceled in the reasoning",
        () => canceledAfter(terminal, [say({ reasoning: "hmm" }, { stop: "hang" })], "hmm"),
      ],
      ["canceled before anything", () => canceledAtOnce(terminal)],
      ["canceled at a question", () => canceledAtQuestion(terminal, [say("May I?", write, read)])],
      ["denied", () => answered(terminal, [say(write, read), say("ok")])],
      [
        "failed in the middle of arguments",
        () => failed(terminal, [say("x", { call_begin: "write" }, { args: '{"pa' }, { stop: "cut" })]),
      ],
      ["failed after a step", () => failed(terminal, [say(read), refuse(400, "bad")])],
      ["out of steps", () => terminal.ask("steps", { max_steps: 1 })],
      ["out of tokens in a call", () => terminal.ask("tokens")],
    ];
    async function canceledAfter(on: Terminal, replies: Reply[], text: string) {
      world.model.enqueue(...replies);
      const { run_id } = await on.prompt(`until ${text}`);
      await sawText(on, text);
      await on.cancel();
      await on.completed(run_id);
    }
    async function canceledAtOnce(on: Terminal) {
      // A cancel before the request is made leaves it unmade, and an enqueued reply to the next one.
      world.model.script(() => silence());
      const { run_id } = await on.prompt("at once");
      await on.cancel();
      await on.completed(run_id);
    }
    async function canceledAtQuestion(on: Terminal, replies: Reply[]) {
      world.model.enqueue(...replies);
      const { run_id } = await on.prompt("at a question");
      await on.question((permission) => permission.run_id === run_id);
      await on.cancel();
      await on.completed(run_id);
    }
    async function answered(on: Terminal, replies: Reply[]) {
      world.model.enqueue(...replies);
      const { run_id } = await on.prompt("denied");
      await on.answer(await on.question((permission) => permission.run_id === run_id), "deny");
      await on.completed(run_id);
    }
    async function failed(on: Terminal, replies: Reply[]) {
      world.model.enqueue(...replies);
      await on.ask("failing");
    }
    for (const [name, ending] of endings) {
      world.model.script(() => (name === "out of steps" ? say(read) : say("ok")));
      if (name === "out of tokens in a call") {
        world.model.enqueue({
          ...say({ call_begin: "write" }, { args: '{"path":"b.txt","con' }),
          finish: "length",
        });
        world.model.script(() => say("ok"));
      }
      await ending();
      world.model.script(() => say("Going on."));
      const end = await terminal.ask(`after ${name}`);
      expect([name, end.outcome, end.error?.message]).toEqual([name, "end_turn", undefined]);
      expect(world.model.violations, name).toEqual([]);
    }
  });
});

test("reasoning goes back to the provider that signed it, with its signature", async () => {
  const world = await openFor("anthropic", {}, { mode: "yolo" });
  const terminal = await world.terminal("only");
  world.home.write("a.txt", "alpha\n");
  world.model.enqueue(
    say(
      { reasoning: "I should read.", signature: "signed-by-me" },
      { call: "read", input: { path: "a.txt" } },
    ),
    say("Read."),
  );
  await terminal.ask("read");
  const sent = sentText(await world.model.request(1));
  expect(sent).toContain("signed-by-me");
  expect(sent).toContain("I should read.");
});

test("a prompt's prefix stays the same from step to step and from turn to turn", async () => {
  const world = await openWorld({ session: { mode: "yolo" } });
  const terminal = await world.terminal("only");
  world.home.write("a.txt", "alpha\n");
  world.model.enqueue(say({ call: "read", input: { path: "a.txt" } }), say("Read."), say("Again."));
  await terminal.ask("read");
  await terminal.ask("again");
  const [first, second, third] = world.model.requests;
  expect(first && second && third).toBeDefined();
  for (const [before, after] of [
    [first, second],
    [second, third],
  ]) {
    const prefix = before?.body.messages ?? [];
    expect(after?.body.messages.slice(0, prefix.length)).toEqual(prefix);
    expect(after?.body["tools"]).toEqual(before?.body["tools"]);
  }
});
