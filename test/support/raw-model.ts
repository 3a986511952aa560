import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { openAnthropic } from "../../src/agent/native/models/families/anthropic.ts";
import { openGoogle } from "../../src/agent/native/models/families/google.ts";
import { openOpenAi } from "../../src/agent/native/models/families/openai.ts";
import { openOpenAiCompatible } from "../../src/agent/native/models/families/openai-compatible.ts";
import type { ModelChunk } from "../../src/agent/native/models/model.ts";
import { noCost } from "../../src/agent/native/models/model.ts";
import { createConnections } from "../../src/agent/native/models/network/connection.ts";
import type { ModelFetch } from "../../src/agent/native/models/network/model-fetch.ts";
import { type ModelSpec, unknownFigures } from "../../src/agent/native/models/spec.ts";

export type RawWire = "chat" | "anthropic" | "responses" | "google";
export const rawWires = ["chat", "anthropic", "responses", "google"] as const;

export type RawAnswer = {
  status?: number;
  headers?: Record<string, string>;
  body: string | readonly Uint8Array[];
  /** How the connection ends after it; `stays`: not at all. */
  ends?: "reset" | "stays";
};

const openers = {
  chat: [openOpenAiCompatible, "openai-compatible", "qwen3-coder"],
  anthropic: [openAnthropic, "anthropic", "claude-sonnet-5-5"],
  responses: [openOpenAi, "openai", "gpt-6.1-sol"],
  google: [openGoogle, "google", "gemini-3.8-flash"],
} as const;

const tools = ["read", "echo"].map((name) => ({
  name,
  description: "A tool.",
  input_schema: { type: "object", properties: { path: { type: "string" } } },
}));

async function send(response: ServerResponse, { status = 200, headers, body, ends }: RawAnswer) {
  response.writeHead(status, { "content-type": "text/event-stream", ...headers });
  response.socket?.setNoDelay(true);
  const pieces = typeof body === "string" ? [Buffer.from(body)] : body;
  for (const piece of pieces) await new Promise<void>((resolve) => response.write(piece, () => resolve()));
  if (ends === "reset") response.socket?.destroy();
  else if (ends === undefined) response.end();
}

/** What a model says when its server answers with exactly these bytes, over a real connection. */
export async function askRaw(wire: RawWire, answer: RawAnswer) {
  const [open, type, model] = openers[wire];
  const server = createServer((request, response) => {
    request.resume().once("end", () => void send(response, answer));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const connections = createConnections();
  const fetch = await connections.fetchFor({});
  // OpenAI's own address chooses its wire; the connection goes to the server here.
  const here = ((url: string, init?: RequestInit) => fetch(at + new URL(url).pathname, init)) as ModelFetch;
  const spec: ModelSpec = {
    ...{ id: `raw/${model}`, label: "Raw", type, model, addressFrom: "RAW_BASE_URL", keyFrom: "RAW_API_KEY" },
    ...{ baseUrl: wire === "responses" ? "https://api.openai.com/v1" : `${at}/v1`, apiKey: "key-for-tests" },
    ...{ ...unknownFigures, effort: null, headers: {}, cost: noCost },
  };
  const chunks: ModelChunk[] = [];
  let error: unknown;
  try {
    const request = {
      ...{ system: "Be brief.", tools, conversation: "ses_1" },
      messages: [{ role: "user" as const, content: [{ type: "text" as const, text: "Go" }] }],
    };
    for await (const chunk of open(spec, here).stream(request, new AbortController().signal))
      chunks.push(chunk);
  } catch (thrown) {
    error = thrown;
  } finally {
    await connections.close();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
  const said = (type: "text" | "reasoning") =>
    chunks.map((chunk) => (chunk.type === type ? chunk.text : "")).join("");
  return {
    chunks,
    error,
    text: said("text"),
    reasoning: said("reasoning"),
    calls: chunks.flatMap((chunk) =>
      chunk.type === "tool_call" ? [{ id: chunk.id, name: chunk.name, arguments: chunk.arguments }] : [],
    ),
    provider: chunks.flatMap((chunk) =>
      chunk.type === "part_ended" && chunk.provider !== undefined ? [chunk.provider] : [],
    ),
    finished: chunks.find((chunk) => chunk.type === "finished"),
  };
}

export type RawJson = { [field: string]: unknown };
/** Events as most servers write them. */
export const sse = (events: readonly RawJson[], { done = false } = {}): string =>
  events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("") + (done ? "data: [DONE]\n\n" : "");

/** One answer with thinking, text of many bytes a character, and a call. */
export const wholeAnswer: Readonly<Record<RawWire, readonly RawJson[]>> = {
  chat: [
    { choices: [{ index: 0, delta: { role: "assistant", content: "" } }] },
    { choices: [{ index: 0, delta: { reasoning_content: "Hm — " } }] },
    { choices: [{ index: 0, delta: { reasoning_content: "日本." } }] },
    { choices: [{ index: 0, delta: { content: "Grüße 🙂 " } }] },
    { choices: [{ index: 0, delta: { content: "bye" } }] },
    {
      choices: [
        {
          index: 0,
          delta: { tool_calls: [{ index: 0, id: "c1", function: { name: "read", arguments: "" } }] },
        },
      ],
    },
    { choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: '{"path":' } }] } }] },
    { choices: [{ index: 0, delta: { tool_calls: [{ index: 0, function: { arguments: '"ä.txt"}' } }] } }] },
    { choices: [{ index: 0, delta: {}, finish_reason: "tool_calls" }] },
    { choices: [], usage: { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 } },
  ],
  anthropic: [
    { type: "message_start", message: { usage: { input_tokens: 100, output_tokens: 1 } } },
    {
      type: "content_block_start",
      index: 0,
      content_block: { type: "thinking", thinking: "", signature: "" },
    },
    { type: "content_block_delta", index: 0, delta: { type: "thinking_delta", thinking: "Hm — 日本." } },
    { type: "content_block_delta", index: 0, delta: { type: "signature_delta", signature: "sig" } },
    { type: "content_block_stop", index: 0 },
    { type: "content_block_start", index: 1, content_block: { type: "text", text: "" } },
    { type: "content_block_delta", index: 1, delta: { type: "text_delta", text: "Grüße 🙂 " } },
    { type: "content_block_delta", index: 1, delta: { type: "text_delta", text: "bye" } },
    { type: "content_block_stop", index: 1 },
    {
      type: "content_block_start",
      index: 2,
      content_block: { type: "tool_use", id: "c1", name: "read", input: {} },
    },
    { type: "content_block_delta", index: 2, delta: { type: "input_json_delta", partial_json: '{"path":' } },
    { type: "content_block_delta", index: 2, delta: { type: "input_json_delta", partial_json: '"ä.txt"}' } },
    { type: "content_block_stop", index: 2 },
    { type: "message_delta", delta: { stop_reason: "tool_use" }, usage: { output_tokens: 20 } },
    { type: "message_stop" },
  ],
  responses: [
    { type: "response.created", response: { id: "r1" } },
    {
      type: "response.output_item.added",
      output_index: 0,
      item: { type: "reasoning", id: "rs_1", summary: [] },
    },
    { type: "response.reasoning_summary_text.delta", output_index: 0, summary_index: 0, delta: "Hm — 日本." },
    {
      type: "response.output_item.done",
      output_index: 0,
      item: { type: "reasoning", id: "rs_1", encrypted_content: "sealed" },
    },
    { type: "response.output_item.added", output_index: 1, item: { type: "message", id: "msg_1" } },
    { type: "response.output_text.delta", output_index: 1, content_index: 0, delta: "Grüße 🙂 " },
    { type: "response.output_text.delta", output_index: 1, content_index: 0, delta: "bye" },
    { type: "response.output_item.done", output_index: 1, item: { type: "message", id: "msg_1" } },
    {
      type: "response.output_item.added",
      output_index: 2,
      item: { type: "function_call", id: "fc_1", call_id: "c1", name: "read", arguments: "" },
    },
    { type: "response.function_call_arguments.delta", output_index: 2, delta: '{"path":"ä.txt"}' },
    {
      type: "response.output_item.done",
      output_index: 2,
      item: { type: "function_call", id: "fc_1", call_id: "c1", name: "read", arguments: '{"path":"ä.txt"}' },
    },
    { type: "response.completed", response: { usage: { input_tokens: 100, output_tokens: 20 } } },
  ],
  google: [
    { candidates: [{ content: { parts: [{ text: "Hm — 日本.", thought: true }] } }] },
    { candidates: [{ content: { parts: [{ text: "Grüße 🙂 " }] } }] },
    { candidates: [{ content: { parts: [{ text: "bye" }] } }] },
    {
      candidates: [
        {
          content: { parts: [{ functionCall: { id: "c1", name: "read", args: { path: "ä.txt" } } }] },
          finishReason: "STOP",
        },
      ],
      usageMetadata: { promptTokenCount: 100, candidatesTokenCount: 20 },
    },
  ],
};
