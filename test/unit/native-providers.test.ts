import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ModelServer, say, startModelServer, toolResults } from "../support/model-server.ts";
import { callsOf, oneProvider, openNative, partsOf, textOf } from "./native-host.ts";

let server: ModelServer;
beforeEach(async () => {
  server = await startModelServer();
});
afterEach(() => server.close());

type Json = { [key: string]: unknown };
const echo = { call: "echo", input: { text: "a" } } as const;

describe("Anthropic's Messages", () => {
  const open = (model = "claude-sonnet-5-5") =>
    openNative({ config: oneProvider(server.baseUrl, "anthropic", model) });

  test("carry key, system prompt and tools, and stream the answer", async () => {
    server.enqueue({
      ...say("Hello."),
      usage: { input: 1250, cache_read: 1000, cache_write: 200, output: 5 },
    });
    const native = await open();
    const turn = native.start("Hi");
    expect(await turn.result).toEqual({ outcome: "end_turn" });
    expect(textOf(turn.events)).toBe("Hello.");
    const { headers, body, path } = await server.request(0);
    expect(path).toBe("/v1/messages");
    expect(headers["x-api-key"]).toBe("key-for-tests");
    expect(JSON.stringify(body["system"])).toContain("You are hearth");
    expect(body["tools"]).toMatchObject([{ name: "echo", input_schema: { type: "object" } }]);
    const finished = turn.events.find((event) => event.type === "step_finished");
    expect(finished).toMatchObject({
      usage: { input_tokens: 1250, cache_read_tokens: 1000, cache_write_tokens: 200, output_tokens: 5 },
    });
    await native.close();
  });

  test("have four cache breakpoints: the last tool, the system prompt, the last two of the user's messages", async () => {
    server.enqueue(say(echo), say(echo), say("Done."));
    const native = await open();
    await native.start("Go").result;
    const { body } = await server.request(2);
    const marks = (value: unknown): boolean => JSON.stringify(value).includes("cache_control");
    expect((body["tools"] as Json[]).map(marks)).toEqual([true]);
    expect(marks(body["system"])).toBe(true);
    expect(body.messages.map((message) => [message.role, marks(message)])).toEqual([
      ["user", false],
      ["assistant", false],
      ["user", true],
      ["assistant", false],
      ["user", true],
    ]);
    expect(JSON.stringify(body).match(/cache_control/g)).toHaveLength(4);
    await native.close();
  });

  test("get their signed thinking back verbatim with the results of the same turn", async () => {
    server.enqueue(say({ reasoning: "I should look.", signature: "c2lnbmVk" }, echo), say("Done."));
    const native = await open();
    const turn = native.start("Go");
    await turn.result;
    expect(partsOf(native.transcript).find((part) => part.type === "reasoning")).toMatchObject({
      text: "I should look.",
      provider: { anthropic: { signature: "c2lnbmVk" } },
    });
    const assistant = (await server.request(1)).body.messages[1]?.content as Json[];
    expect(assistant[0]).toMatchObject({
      type: "thinking",
      thinking: "I should look.",
      signature: "c2lnbmVk",
    });
    expect(assistant[1]).toMatchObject({ type: "tool_use", name: "echo" });
    expect(toolResults(await server.request(1))).toMatchObject([{ text: "a" }]);
    await native.close();
  });

  test("keep thinking that says nothing readable, and get it back", async () => {
    server.enqueue(say({ reasoning: "", signature: "c2lnbmVk" }, echo), say("Done."));
    const native = await open();
    await native.start("Go").result;
    expect(partsOf(native.transcript).find((part) => part.type === "reasoning")).toMatchObject({ text: "" });
    const assistant = (await server.request(1)).body.messages[1]?.content as Json[];
    expect(assistant[0]).toMatchObject({ type: "thinking", thinking: "", signature: "c2lnbmVk" });
    await native.close();
  });

  test("whose old thinking is not taken any more are asked without it, in this conversation", async () => {
    server.enqueue(say({ reasoning: "I should look.", signature: "c2lnbmVk" }, echo));
    server.script(({ body }) =>
      JSON.stringify(body.messages).includes('"thinking"')
        ? { status: 400, body: { message: "messages.1.content.0: Invalid `signature` in `thinking` block." } }
        : say("Done."),
    );
    const native = await open();
    expect(await native.start("Go").result).toEqual({ outcome: "end_turn" });
    expect(await native.start("Again").result).toEqual({ outcome: "end_turn" });
    expect(server.requests).toHaveLength(4);
    await native.close();
  });

  test("of models that bind their thinking to the conversation ask for it to be dropped rather than refused", async () => {
    const native = await open("claude-opus-5-5");
    await native.start("Go").result;
    const { body, headers } = await server.request(0);
    expect(body["thinking"]).toEqual({
      type: "adaptive",
      display: "summarized",
      block_binding: { prefix_mismatch_behavior: "drop_block" },
    });
    expect(headers["anthropic-beta"]).toContain("thinking-binding-controls");
    await native.close();
  });

  test("of a model that is no Claude ask for no thinking and leave room for the answer", async () => {
    const native = await open("glm-5");
    await native.start("Go").result;
    const { body } = await server.request(0);
    expect(body["thinking"]).toBeUndefined();
    expect(body["max_tokens"]).toBe(16_000);
    await native.close();
  });

  test("that are overloaded in mid-stream are asked again", async () => {
    const overloaded = `event: error\ndata: ${JSON.stringify({ type: "error", error: { type: "overloaded_error", message: "Overloaded" } })}\n\n`;
    server.enqueue(say("Half", { raw: overloaded }), say(" and whole."));
    const native = await open();
    const turn = native.start("Go");
    expect(await turn.result).toEqual({ outcome: "end_turn" });
    expect(turn.events.find((event) => event.type === "notice")).toMatchObject({
      text: "local: 529 overloaded · retry 1/4 in 2 s",
    });
    expect(textOf(turn.events)).toBe("Half and whole.");
    await native.close();
  });
});

describe("OpenAI behind another address", () => {
  test("is spoken to by chat completions", async () => {
    server.enqueue(say(echo), say("Done."));
    const native = await openNative({ config: oneProvider(server.baseUrl, "openai", "gpt-6.1-sol") });
    expect(await native.start("Go").result).toEqual({ outcome: "end_turn" });
    const { path, body } = await server.request(1);
    expect(path).toBe("/v1/chat/completions");
    expect(body.messages[0]).toMatchObject({ role: "system" });
    expect(body["temperature"]).toBeUndefined();
    expect(callsOf(native.transcript)[0]).toMatchObject({ status: "completed" });
    await native.close();
  });
});

describe("an OpenAI-compatible server", () => {
  test("gets the model's reasoning back", async () => {
    server.enqueue(say({ reasoning: "Look first." }, echo), say("Done."));
    const native = await openNative({ config: oneProvider(server.baseUrl) });
    await native.start("Go").result;
    expect((await server.request(1)).body.messages[2]).toMatchObject({
      role: "assistant",
      reasoning_content: "Look first.",
    });
    await native.close();
  });

  test("that refuses reasoning is asked again without it, and never sent it again", async () => {
    server.script(({ body }) =>
      JSON.stringify(body.messages).includes("reasoning_content")
        ? { status: 400, body: { message: "property 'messages.2.reasoning_content' is unsupported" } }
        : say({ reasoning: "Hm." }, "Done."),
    );
    server.enqueue(say({ reasoning: "Look first." }, echo));
    const native = await openNative({ config: oneProvider(server.baseUrl) });
    expect(await native.start("Go").result).toEqual({ outcome: "end_turn" });
    expect(await native.start("Again").result).toEqual({ outcome: "end_turn" });
    expect(server.requests).toHaveLength(4);
    await native.close();
  });

  test("without a key is sent none", async () => {
    const config = {
      providers: {
        local: { type: "openai-compatible" as const, base_url: server.baseUrl, models: { big: {} } },
      },
    };
    const native = await openNative({ config });
    await native.start("Go").result;
    expect((await server.request(0)).headers.authorization).toBeUndefined();
    await native.close();
  });

  test("answers at the price of the configuration", async () => {
    server.enqueue({ ...say("Hi"), usage: { input: 1_000_000, output: 500_000 } });
    const native = await openNative({ config: oneProvider(server.baseUrl) });
    const turn = native.start("Go");
    await turn.result;
    expect(turn.events.find((event) => event.type === "step_finished")).toMatchObject({ cost: 2 });
    await native.close();
  });

  test("that cannot see is told of images by name from then on, and the session goes on", async () => {
    server.script(({ body }) =>
      JSON.stringify(body.messages).includes("image_url")
        ? { status: 400, body: { message: "This model does not support image input" } }
        : say("I see words only."),
    );
    const native = await openNative({ config: oneProvider(server.baseUrl) });
    const image = {
      id: "prt_f1" as const,
      type: "file" as const,
      name: "a.png",
      media_type: "image/png",
      size: 5,
      data: "aGVsbG8=",
    };
    expect(await native.start("Look", { files: [image] }).result).toEqual({ outcome: "end_turn" });
    expect(await native.start("And now?").result).toEqual({ outcome: "end_turn" });
    expect(server.requests).toHaveLength(3);
    expect(JSON.stringify(server.requests[1]?.body.messages)).toContain(
      "a.png (image/png, 5 bytes); this model cannot see images",
    );
    await native.close();
  });

  test("gets images as they are and text files inline", async () => {
    const native = await openNative({ config: oneProvider(server.baseUrl) });
    const files = [
      {
        id: "prt_f1" as const,
        type: "file" as const,
        name: "a.png",
        media_type: "image/png",
        size: 5,
        data: "aGVsbG8=",
      },
      {
        id: "prt_f2" as const,
        type: "file" as const,
        name: "b.txt",
        media_type: "text/plain",
        size: 5,
        data: "aGVsbG8=",
      },
      {
        id: "prt_f3" as const,
        type: "file" as const,
        name: "c.zip",
        media_type: "application/zip",
        size: 4,
        data: "UEsAAA==",
      },
    ];
    await native.start("Look", { files }).result;
    const content = JSON.stringify((await server.request(0)).body.messages[1]?.content);
    expect(content).toContain("data:image/png;base64,aGVsbG8=");
    expect(content).toContain('<file path=\\"b.txt\\">\\nhello\\n</file>');
    expect(content).toContain("c.zip (application/zip, 4 bytes); it is a binary file");
    await native.close();
  });
});

describe("Gemini", () => {
  test("gets its thought signatures back with its calls", async () => {
    const requests: { path: string; headers: IncomingHttpHeaders; body: Json }[] = [];
    const parts = [
      [
        { text: "Thinking.", thought: true },
        { functionCall: { name: "echo", args: { text: "a" } }, thoughtSignature: "c2ln" },
      ],
      [{ text: "Done." }],
    ];
    const gemini = createServer(async (request, response) => {
      let text = "";
      for await (const chunk of request) text += String(chunk);
      requests.push({ path: request.url ?? "", headers: request.headers, body: JSON.parse(text) as Json });
      const answer = {
        candidates: [
          { content: { role: "model", parts: parts[requests.length - 1] }, finishReason: "STOP", index: 0 },
        ],
        usageMetadata: {
          promptTokenCount: 10,
          candidatesTokenCount: 5,
          thoughtsTokenCount: 3,
          totalTokenCount: 18,
        },
      };
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.end(`data: ${JSON.stringify(answer)}\n\n`);
    });
    await new Promise<void>((resolve) => gemini.listen(0, "127.0.0.1", resolve));
    const origin = `http://127.0.0.1:${(gemini.address() as AddressInfo).port}`;
    const native = await openNative({
      providerEnv: {
        GEMINI_API_KEY: "gemini-key",
        GOOGLE_GEMINI_BASE_URL: origin,
        HEARTH_MODEL: "google/gemini-3.8-flash",
      },
    });
    const turn = native.start("Go");
    expect(await turn.result).toEqual({ outcome: "end_turn" });
    expect(textOf(turn.events)).toBe("Done.");
    expect(requests[0]?.path).toBe("/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse");
    expect(requests[0]?.headers["x-goog-api-key"]).toBe("gemini-key");
    const second = JSON.stringify(requests[1]?.body["contents"]);
    expect(second).toContain('"thoughtSignature":"c2ln"');
    expect(second).toContain("functionResponse");
    expect(turn.events.find((event) => event.type === "step_finished")).toMatchObject({
      usage: { reasoning_tokens: 3 },
    });
    await native.close();
    gemini.closeAllConnections();
    await new Promise((resolve) => gemini.close(resolve));
  });
});
