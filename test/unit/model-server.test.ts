// The scripted model server is what most other tests believe: it has to be right about whom it hears.
import { expect, onTestFinished, test } from "vitest";
import { createGate } from "../support/happenings.ts";
import {
  lastPrompt,
  type ModelServer,
  refuse,
  say,
  silence,
  startModelServer,
} from "../support/model-server.ts";

async function startServer(): Promise<ModelServer> {
  const server = await startModelServer();
  onTestFinished(() => server.close());
  return server;
}

const ask = (server: ModelServer, more: object = {}, signal: AbortSignal | null = null) =>
  fetch(`${server.baseUrl}/chat/completions`, {
    method: "POST",
    body: JSON.stringify({
      model: "big",
      messages: [{ role: "user", content: "hello" }],
      stream: true,
      ...more,
    }),
    signal,
  });

test("the scripted model streams OpenAI chunks, a tool call and the usage it was asked for", async () => {
  const server = await startServer();
  server.enqueue(say("one ", "two", { call: "read", input: { path: "a" } }));
  const text = await (await ask(server, { stream_options: { include_usage: true } })).text();
  const chunks = text.split("\n\n").filter((line) => line.startsWith("data: {"));
  const deltas = chunks.flatMap(
    (line) => (JSON.parse(line.slice(6)) as { choices: { delta: { content?: string } }[] }).choices,
  );
  expect(deltas.map((choice) => choice.delta.content ?? "").join("")).toBe("one two");
  expect(text).toContain('"name":"read"');
  expect(text).toContain('"finish_reason":"tool_calls"');
  expect(text).toContain('"prompt_tokens":100');
  expect(text.trimEnd().endsWith("data: [DONE]")).toBe(true);
  expect(lastPrompt(await server.request(0))).toBe("hello");
});

test("the scripted model streams Anthropic events in their order", async () => {
  const server = await startServer();
  server.enqueue(say({ reasoning: "hm" }, "one", { call: "read", input: {} }));
  const body = JSON.stringify({
    model: "big",
    messages: [{ role: "user", content: "hello" }],
    stream: true,
    max_tokens: 9,
  });
  const text = await (await fetch(`${server.baseUrl}/messages`, { method: "POST", body })).text();
  const types = [...text.matchAll(/^event: (\w+)$/gm)].map((match) => match[1]);
  expect(types.join(" ")).toBe(
    "message_start ping content_block_start content_block_delta content_block_delta content_block_stop " +
      "content_block_start content_block_delta content_block_stop content_block_start content_block_delta " +
      "content_block_stop message_delta message_stop",
  );
  expect(text).toContain('"stop_reason":"tool_use"');
});

test("a gate holds the scripted answer, and a client that leaves is noticed", async () => {
  const server = await startServer();
  const gate = createGate();
  server.enqueue(say("before", { until: gate.passed }, "after"), silence());
  const response = await ask(server);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const first = await reader.read();
  expect(Buffer.from(first.value ?? []).toString()).toContain("before");
  expect((await server.request(0)).isOpen()).toBe(true);
  gate.open();
  let rest = "";
  for (let read = await reader.read(); !read.done; read = await reader.read())
    rest += Buffer.from(read.value).toString();
  expect(rest).toContain("after");
  expect((await (await server.request(0)).closed).by).toBe("server");

  const leaving = new AbortController();
  const second = ask(server, {}, leaving.signal).catch((error: unknown) => error);
  const request = await server.request(1);
  leaving.abort();
  expect((await request.closed).by).toBe("client");
  await second;
});

test("the scripted model refuses, resets, cuts off and checks keys", async () => {
  const server = await startServer();
  server.enqueue(refuse(429, "slow down", { "retry-after": "3" }));
  const refused = await ask(server);
  expect(refused.status).toBe(429);
  expect(refused.headers.get("retry-after")).toBe("3");
  expect(await refused.text()).toContain("slow down");
  for (const how of ["reset", "cut"] as const) {
    server.enqueue(say("one", { stop: how }));
    await expect(ask(server).then((response) => response.text())).rejects.toThrow();
  }
  server.requireKey("right");
  expect((await ask(server)).status).toBe(401);
});

test("the scripted model turns down what a strict provider would, and remembers it", async () => {
  const server = await startServer();
  const call = { id: "call_1", type: "function", function: { name: "read", arguments: "{}" } };
  const user = { role: "user", content: "hello" };
  const called = { role: "assistant", content: null, tool_calls: [call] };
  const result = { role: "tool", tool_call_id: "call_1", content: "x" };
  const wrong: object[][] = [
    [user, called],
    [user, called, user],
    [user, called, result, result],
    [user, result],
    [user, { role: "assistant", content: "" }, user],
    [{ role: "user", content: " " }],
    [user, { ...called, tool_calls: [{ ...call, function: { name: "read", arguments: "{" } }] }, result],
    [user, called, result, called, result],
    [user, { role: "assistant", content: "hi" }],
  ];
  for (const messages of wrong) {
    expect([messages, (await ask(server, { messages })).status]).toEqual([messages, 400]);
  }
  expect(server.violations.length).toBeGreaterThanOrEqual(wrong.length);
  expect((await ask(server, { messages: [user, called, result] })).status).toBe(200);
});
