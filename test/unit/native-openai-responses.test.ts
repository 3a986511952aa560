import { expect, test } from "vitest";
import { openOpenAi } from "../../src/agent/native/models/families/openai.ts";
import type { ModelChunk, ModelRequest } from "../../src/agent/native/models/model.ts";
import { noCost } from "../../src/agent/native/models/model.ts";
import type { ModelFetch } from "../../src/agent/native/models/network/model-fetch.ts";
import { unknownFigures } from "../../src/agent/native/models/spec.ts";

type Json = { [key: string]: unknown };

const spec = {
  id: "openai/gpt-6.1-sol",
  label: "OpenAI",
  type: "openai",
  model: "gpt-6.1-sol",
  baseUrl: "https://api.openai.com/v1",
  addressFrom: "OPENAI_BASE_URL",
  apiKey: "key",
  keyFrom: "OPENAI_API_KEY",
  headers: {},
  ...unknownFigures,
  effort: null,
  cost: noCost,
} as const;

const reasoning = { id: "rs_1", type: "reasoning", encrypted_content: "sealed", summary: [] };
const call = {
  id: "fc_1",
  type: "function_call",
  call_id: "call_1",
  name: "echo",
  arguments: '{"text":"a"}',
  status: "completed",
};
const usage = {
  input_tokens: 100,
  input_tokens_details: { cached_tokens: 80 },
  output_tokens: 20,
  output_tokens_details: { reasoning_tokens: 15 },
};
const answer: Json[] = [
  { type: "response.created", response: { id: "resp_1", created_at: 1, model: "gpt-6.1-sol" } },
  { type: "response.output_item.added", output_index: 0, item: { ...reasoning, encrypted_content: null } },
  { type: "response.output_item.done", output_index: 0, item: reasoning },
  {
    type: "response.output_item.added",
    output_index: 1,
    item: { ...call, arguments: "", status: "in_progress" },
  },
  { type: "response.function_call_arguments.delta", output_index: 1, item_id: "fc_1", delta: call.arguments },
  { type: "response.output_item.done", output_index: 1, item: call },
  { type: "response.completed", response: { id: "resp_1", incomplete_details: null, usage } },
];

/** OpenAI itself cannot be stood in for by a local server: its name is what chooses this way to speak to it. */
async function ask(request: Pick<ModelRequest, "messages">, events: readonly Json[]) {
  let body: Json = {};
  const fetch = (async (_url: string, init?: RequestInit) => {
    body = JSON.parse(String(init?.body)) as Json;
    const text = events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("");
    return new Response(text, { headers: { "content-type": "text/event-stream" } });
  }) as ModelFetch;
  const tools = [
    {
      name: "echo",
      description: "Echo.",
      input_schema: { type: "object", properties: { text: { type: "string" } } },
    },
  ];
  const chunks: ModelChunk[] = [];
  const full: ModelRequest = { system: "You are a test.", tools, conversation: "ses_1", ...request };
  for await (const chunk of openOpenAi(spec, fetch).stream(full, new AbortController().signal))
    chunks.push(chunk);
  return { body, chunks };
}

const question = { role: "user" as const, content: [{ type: "text" as const, text: "Go" }] };

test("OpenAI's reasoning comes back encrypted, stored nowhere, and its cache has the session's key", async () => {
  const { body, chunks } = await ask({ messages: [question] }, answer);
  expect(body).toMatchObject({
    model: "gpt-6.1-sol",
    store: false,
    stream: true,
    prompt_cache_key: "ses_1",
    include: expect.arrayContaining(["reasoning.encrypted_content"]),
    tools: [{ type: "function", name: "echo", strict: false }],
  });
  expect(body).not.toHaveProperty("temperature");
  expect(chunks.filter(({ type }) => type !== "progress")).toMatchObject([
    { type: "part_ended", provider: { openai: { itemId: "rs_1", reasoningEncryptedContent: "sealed" } } },
    { type: "tool_started", id: "call_1", name: "echo" },
    { type: "tool_call", id: "call_1", arguments: '{"text":"a"}' },
    {
      type: "finished",
      end: "stop",
      usage: { input_tokens: 100, cache_read_tokens: 80, output_tokens: 20, reasoning_tokens: 15 },
    },
  ]);
});

test("what it thought goes back to it before the results, as it came", async () => {
  const thought = {
    type: "reasoning" as const,
    text: "",
    providerOptions: { openai: { itemId: "rs_1", reasoningEncryptedContent: "sealed" } },
  };
  const { body } = await ask(
    {
      messages: [
        question,
        {
          role: "assistant",
          content: [
            thought,
            { type: "tool-call", toolCallId: "call_1", toolName: "echo", input: { text: "a" } },
          ],
        },
        {
          role: "tool",
          content: [
            {
              type: "tool-result",
              toolCallId: "call_1",
              toolName: "echo",
              output: { type: "text", value: "a" },
            },
          ],
        },
      ],
    },
    answer,
  );
  expect(body["input"]).toMatchObject([
    { role: "developer" },
    { role: "user" },
    { type: "reasoning", encrypted_content: "sealed" },
    { type: "function_call", call_id: "call_1", name: "echo" },
    { type: "function_call_output", call_id: "call_1", output: "a" },
  ]);
});

test("an answer that OpenAI never completes is cut off", async () => {
  await expect(ask({ messages: [question] }, answer.slice(0, -1))).rejects.toMatchObject({
    code: "provider_error",
    isRetryable: true,
  });
});
