import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import type { PersonQuestion } from "../../src/agent/permission/person-question.ts";
import { defineTool } from "../../src/agent/tools/tool.ts";
import {
  lastPrompt,
  type ModelServer,
  type Piece,
  say,
  sentText,
  startModelServer,
  toolResults,
} from "../support/model-server.ts";
import { callsOf, echoTool, oneProvider, openNative, saveTool, textOf } from "./native-host.ts";

let server: ModelServer;
beforeEach(async () => {
  server = await startModelServer();
});
afterEach(() => server.close());

const open = (options: Parameters<typeof openNative>[0] = {}) =>
  openNative({ config: oneProvider(server.baseUrl), ...options });
const echo = (text: string, id?: string): Piece => ({
  call: "echo",
  input: { text },
  ...(id === undefined ? {} : { id }),
});

/** A read-only tool that waits until `count` of its calls are running. */
function meetingTool(count: number) {
  let waiting: (() => void)[] = [];
  let most = 0;
  const tool = defineTool({
    name: "meet",
    kind: "read",
    description: "Waits for the others.",
    input: z.object({ n: z.int() }),
    title: () => "meet",
    readOnly: true,
    async prepare({ n }) {
      return {
        async run() {
          most = Math.max(most, waiting.length + 1);
          await new Promise<void>((resolve) => {
            waiting.push(resolve);
            if (waiting.length < count) return;
            for (const go of waiting.reverse()) go();
            waiting = [];
          });
          return { text: `met ${n}` };
        },
      };
    },
  });
  return { tool, most: () => most };
}

describe("tool calls of one step", () => {
  test("that only read run side by side, eight at a time, and their results come in the order asked for", async () => {
    const { tool, most } = meetingTool(8);
    server.enqueue(say(...Array.from({ length: 16 }, (_, n): Piece => ({ call: "meet", input: { n } }))));
    const native = await open({ tools: [tool] });
    expect(await native.start("Meet").result).toEqual({ outcome: "end_turn" });
    expect(most()).toBe(8);
    expect(toolResults(await server.request(1)).map(({ text }) => text)).toEqual(
      Array.from({ length: 16 }, (_, n) => `met ${n}`),
    );
    await native.close();
  });

  test("that change something run one after the other, after their permission", async () => {
    const order: string[] = [];
    const saved: string[] = [];
    server.enqueue(
      say(
        { call: "save", input: { path: "a", text: "1" } },
        { call: "save", input: { path: "b", text: "2" } },
      ),
    );
    const native = await open({
      tools: [saveTool(saved)],
      async verdict(request) {
        order.push(`${request.title} with ${saved.length} saved`);
        expect(request).toMatchObject({
          tool: "edit",
          kind: "edit",
          subject: { type: "path", access: "write" },
        });
        return { decision: "allow" };
      },
    });
    await native.start("Save").result;
    expect(order).toEqual(["a with 0 saved", "b with 1 saved"]);
    expect(saved).toEqual(["1", "2"]);
    expect(callsOf(native.transcript).map(({ status }) => status)).toEqual(["completed", "completed"]);
    await native.close();
  });

  test("that the user denies are told so to the model, and the turn goes on", async () => {
    const saved: string[] = [];
    server.enqueue(say({ call: "save", input: { path: "a", text: "1" } }), say("Then not."));
    const native = await open({
      tools: [saveTool(saved)],
      verdict: async () => ({ decision: "deny", message: "keep it" }),
    });
    const turn = native.start("Save");
    expect(await turn.result).toEqual({ outcome: "end_turn" });
    expect(saved).toEqual([]);
    expect(callsOf(native.transcript)[0]).toMatchObject({ status: "denied", output: "Not allowed: keep it" });
    expect(toolResults(await server.request(1))[0]?.text).toBe("Not allowed: keep it");
    expect(textOf(turn.events)).toBe("Then not.");
    await native.close();
  });

  test("whose question is withdrawn because the run ends tell nothing", async () => {
    const abort = new AbortController();
    server.enqueue(say({ call: "save", input: { path: "a", text: "1" } }));
    const native = await open({
      tools: [saveTool()],
      async verdict() {
        abort.abort();
        return { decision: "canceled" };
      },
    });
    const turn = native.start("Save", { signal: abort.signal });
    expect(await turn.result).toEqual({ outcome: "canceled" });
    expect(turn.events.at(-1)?.type).toBe("step_finished");
    expect(server.requests).toHaveLength(1);
    await native.close();
  });

  test("that throw are failures with the reason, not the end of the turn", async () => {
    const broken = { ...echoTool, prepare: () => Promise.reject(new Error("the disk is on fire")) };
    server.enqueue(say(echo("a")), say("I see."));
    const native = await open({ tools: [broken] });
    expect(await native.start("Go").result).toEqual({ outcome: "end_turn" });
    expect(callsOf(native.transcript)[0]).toMatchObject({
      status: "failed",
      output: "echo failed: the disk is on fire",
    });
    await native.close();
  });

  test("stream their output while they run", async () => {
    const chatty = defineTool({
      ...echoTool,
      async prepare(_input, { onOutput }) {
        return {
          async run() {
            onOutput("one ");
            onOutput("two");
            return { text: "one two", view: { kind: "matches", count: 2, truncated: false } };
          },
        };
      },
    });
    server.enqueue(say(echo("a")));
    const native = await open({ tools: [chatty] });
    const turn = native.start("Go");
    await turn.result;
    expect(turn.events.filter(({ type }) => type === "tool_output")).toHaveLength(2);
    expect(callsOf(native.transcript)[0]).toMatchObject({
      output: "one two",
      view: { kind: "matches", count: 2 },
    });
    await native.close();
  });
});

describe("a call that is not quite right", () => {
  test.each<[string, string, string]>([
    ["the wrong case", "Echo", '{"text":"a"}'],
    ["a prefix", "functions.echo", '{"text":"a"}'],
    ["a typing error", "ecko", '{"text":"a"}'],
    ["a trailing comma", "echo", '{"text":"a",}'],
    ["single quotes", "echo", "{'text':'a'}"],
    ["a code fence", "echo", '```json\n{"text":"a"}\n```'],
    ["an object in a string", "echo", '"{\\"text\\":\\"a\\"}"'],
    ["a number as text", "echo", '{"text":"a","times":"1"}'],
    ["null for what may be left out", "echo", '{"text":"a","times":null}'],
  ])("but clear is run: %s", async (_name, name, args) => {
    server.enqueue(say({ call_begin: name }, { args }));
    const native = await open();
    expect(await native.start("Go").result).toEqual({ outcome: "end_turn" });
    expect(callsOf(native.transcript)[0]).toMatchObject({ name: "echo", status: "completed", output: "a" });
    await native.close();
  });

  test.each<[string, string, string, RegExp]>([
    ["an unknown tool", "teleport", "{}", /no tool named "teleport".*echo/],
    ["arguments that do not fit", "echo", '{"txt":"a"}', /do not fit echo \(text: .*\).*JSON Schema: \{/],
    ["arguments that are no JSON", "echo", "text = a", /not a JSON object/],
    ["arguments that stop in the middle", "echo", '{"text":"a', /not a JSON object/],
    ["a list", "echo", '["a"]', /not a JSON object/],
  ])("and not clear is answered: %s", async (_name, name, args, expected) => {
    server.enqueue(say({ call_begin: name }, { args }), say("Sorry."));
    const native = await open();
    expect(await native.start("Go").result).toEqual({ outcome: "end_turn" });
    const [call] = callsOf(native.transcript);
    expect(call).toMatchObject({ status: "failed", output: expect.stringMatching(expected) });
    expect(toolResults(await server.request(1))).toHaveLength(1);
    await native.close();
  });

  test("gets the schema three times in a turn, then only the fault", async () => {
    const wrong = (n: number) => say({ call: "echo", input: { nonsense: n } });
    server.enqueue(wrong(1), wrong(2), wrong(3), wrong(4));
    const native = await open();
    await native.start("Go").result;
    expect(callsOf(native.transcript).map(({ output }) => output.includes("JSON Schema"))).toEqual([
      true,
      true,
      true,
      false,
    ]);
    await native.close();
  });

  test("is not run when the output limit cut it off; the model is told to write less at once", async () => {
    server.enqueue(
      { ...say("Writing. ", { call_begin: "echo" }, { args: '{"text":"abc' }), finish: "length" },
      say("Smaller then."),
    );
    const native = await open();
    expect(await native.start("Go").result).toEqual({ outcome: "end_turn" });
    expect(callsOf(native.transcript)[0]).toMatchObject({
      status: "failed",
      output: expect.stringMatching(/output limit cut it off/),
    });
    await native.close();
  });

  test("keeps an id of its own when the provider gives the same one again", async () => {
    server.enqueue(say(echo("a", "call_0")), say(echo("b", "call_0")), say("Done."));
    const native = await open();
    await native.start("Go").result;
    const ids = callsOf(native.transcript).map((call) => call.tool_call_id);
    expect(new Set(ids).size).toBe(2);
    expect(toolResults(await server.request(2)).map(({ id, text }) => [id, text])).toEqual([
      [ids[0], "a"],
      [ids[1], "b"],
    ]);
    await native.close();
  });
});

describe("the end of a turn", () => {
  test("at the output limit is max_tokens, after the text has gone on three times", async () => {
    const cut = { ...say("A long story"), finish: "length" } as const;
    server.enqueue(cut, cut, cut, cut);
    const native = await open();
    expect(await native.start("Go").result).toEqual({ outcome: "max_tokens" });
    expect(server.requests.length).toBe(4);
    expect(JSON.stringify((await server.request(2)).body)).toContain("Go on exactly where it ends");
    server.enqueue(cut, say("and its end."));
    expect(await native.start("Another").result).toEqual({ outcome: "end_turn" });
    await native.close();
  });

  test("by a refusal is refusal", async () => {
    server.enqueue({ ...say("No."), finish: "refusal" });
    const native = await open();
    expect(await native.start("Go").result).toEqual({ outcome: "refusal" });
    await native.close();
  });

  test("at the step limit is max_steps, with the last step's calls done", async () => {
    server.script((_request, n) => say(echo(`${n}`)));
    const native = await open();
    const turn = native.start("Go", { max_steps: 3 });
    expect(await turn.result).toEqual({ outcome: "max_steps" });
    expect(server.requests).toHaveLength(3);
    expect(callsOf(native.transcript).map(({ status }) => status)).toEqual([
      "completed",
      "completed",
      "completed",
    ]);
    expect(native.transcript.at(-1)?.finish_reason).toBe("max_steps");
    await native.close();
  });

  test("is not brought about by the configured limit's default", async () => {
    server.script((_request, n) => (n < 110 ? say(echo(`${n}`)) : say("Done.")));
    const native = await open();
    expect(await native.start("Go").result).toEqual({ outcome: "end_turn" });
    await native.close();
  });

  test("comes after three empty answers, the model having been told of them", async () => {
    server.script(() => say());
    const native = await open();
    expect(await native.start("Go").result).toMatchObject({
      outcome: "error",
      error: { code: "loop_detected", message: expect.stringMatching(/three empty answers/) },
    });
    expect(server.requests).toHaveLength(3);
    expect(lastPrompt(await server.request(2))).toMatch(/Your last answer was empty/);
    await native.close();
  });

  test("comes at the third same call with the same result when nobody watches", async () => {
    server.script(() => say(echo("same")));
    const native = await open();
    expect(await native.start("Go", { max_steps: 50 }).result).toMatchObject({
      outcome: "error",
      error: { code: "loop_detected" },
    });
    expect(server.requests).toHaveLength(3);
    await native.close();
  });

  test("is a person's to decide when somebody watches: go on, do something else, or stop", async () => {
    server.script(() => say(echo("same")));
    const asked: PersonQuestion[] = [];
    const answers = [
      { decision: "allow_once", message: null },
      { decision: "deny", message: "try ls" },
      { decision: "deny", message: null },
    ] as const;
    const native = await open({
      async answer(question) {
        const answer = answers[asked.length];
        asked.push(question);
        if (answer === undefined) throw new Error("asked once too often");
        return { kind: "answered", ...answer };
      },
    });
    expect(await native.start("Go").result).toMatchObject({
      outcome: "error",
      error: { code: "loop_detected", message: expect.stringMatching(/You stopped the turn/) },
    });
    expect(asked).toHaveLength(3);
    expect(asked[0]?.detail).toMatchObject({ type: "text", text: expect.stringMatching(/: echo same$/) });
    expect(asked[0]?.tool_call_id).toBe(callsOf(native.transcript)[2]?.tool_call_id);
    expect(server.requests).toHaveLength(9);
    expect(lastPrompt(await server.request(6))).toContain("The user says: try ls");
    await native.close();
  });

  test("after three empty answers is a person's to decide, too", async () => {
    server.script((_request, n) => (n < 3 ? say() : say("Done.")));
    const native = await open({
      answer: async () => ({ kind: "answered", decision: "allow_once", message: null }),
    });
    expect(await native.start("Go").result).toEqual({ outcome: "end_turn" });
    expect(server.requests).toHaveLength(4);
    await native.close();
  });

  test("comes when two calls alternate without end", async () => {
    server.script((_request, n) => say(echo(n % 2 === 0 ? "ping" : "pong")));
    const native = await open();
    expect(await native.start("Go", { max_steps: 50 }).result).toMatchObject({
      error: { code: "loop_detected" },
    });
    expect(server.requests.length).toBeLessThanOrEqual(12);
    await native.close();
  });

  test("comes when every call fails, whatever it is", async () => {
    server.script((_request, n) => say({ call: "echo", input: { wrong: n } }));
    const native = await open();
    expect(await native.start("Go").result).toMatchObject({
      error: { code: "loop_detected", message: expect.stringMatching(/10 tool calls all failed/) },
    });
    expect(lastPrompt(await server.request(3))).toMatch(/failed in the same way/);
    await native.close();
  });
});

describe("a conversation", () => {
  test("takes a steering prompt in at the next step", async () => {
    server.enqueue(say(echo("a")), say("Both done."));
    const native = await open();
    const turn = native.start("First", {
      onEvent: (event) => void (event.type === "tool_call_updated" && native.steer("And this too")),
    });
    expect(await turn.result).toEqual({ outcome: "end_turn" });
    expect(lastPrompt(await server.request(1))).toContain("And this too");
    expect(native.transcript.map(({ role }) => role)).toEqual(["user", "assistant", "user", "assistant"]);
    await native.close();
  });

  test("begins every request with the one before", async () => {
    server.script((_request, n) => (n % 6 === 5 ? say("Done.") : say("Step. ", echo(`${n}`))));
    const native = await open();
    await native.start("First").result;
    await native.start("Second").result;
    const bodies = server.requests.map(({ body }) => body);
    for (const [at, body] of bodies.entries()) {
      const before = bodies[at - 1];
      if (before === undefined) continue;
      expect(body.messages.slice(0, before.messages.length)).toEqual(before.messages);
      expect(body["tools"]).toEqual(before["tools"]);
    }
    expect(bodies).toHaveLength(12);
    await native.close();
  });

  test("says how the mode has changed, where it has changed, and leaves it there", async () => {
    const native = await open();
    await native.start("First").result;
    await native.start("Second", { mode: "plan" }).result;
    await native.start("Third", { mode: "plan" }).result;
    const third = await server.request(2);
    expect(sentText(third).match(/The permission mode is now/g)).toHaveLength(1);
    expect(third.body.messages[3]?.content).toMatch(
      /^<hearth>The permission mode is now: plan .*<\/hearth>\n\nSecond$/s,
    );
    await native.close();
  });
});
