// How answers end, what calls mean, what was used: as providers say it, not as they document it (providers.md 12, 13, 16).
import { describe, expect, test } from "vitest";
import { askRaw, type RawJson, type RawWire, sse } from "../support/raw-model.ts";

const text = (content: string, more: RawJson = {}): RawJson => ({
  choices: [{ index: 0, delta: { content }, ...more }],
});
const finish = (reason: string | null, more: RawJson = {}): RawJson => ({
  choices: [{ index: 0, delta: {}, finish_reason: reason, ...more }],
});
const claude = (delta: RawJson): RawJson[] => [
  { type: "message_start", message: { usage: { input_tokens: 5 } } },
  { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "x" } },
  { type: "message_delta", delta, usage: { output_tokens: 1 } },
];
const gemini = (candidate: RawJson, more: RawJson = {}): RawJson[] => [
  { candidates: [{ content: { parts: [{ text: "x" }] }, ...candidate }], ...more },
];
const openai = (response: RawJson, type = "response.completed"): RawJson[] => [
  { type: "response.output_text.delta", output_index: 0, item_id: "m", delta: "x" },
  { type, response },
];

describe("an answer ends as its provider says", () => {
  test.each<[string, RawWire, RawJson[], boolean, { end: string; note?: unknown } | string]>([
    ["chat stop", "chat", [text("x"), finish("stop")], true, { end: "stop" }],
    ["chat, a reason that nobody knows", "chat", [text("x"), finish("eos")], true, { end: "stop" }],
    ["chat length", "chat", [text("x"), finish("length")], true, { end: "length" }],
    ["chat content filter", "chat", [text("x"), finish("content_filter")], true, { end: "refusal" }],
    [
      "chat, a refusal",
      "chat",
      [{ choices: [{ delta: { refusal: "No." } }] }, finish("stop")],
      true,
      { end: "refusal" },
    ],
    ["chat, no reason but [DONE]", "chat", [text("x"), finish(null)], true, { end: "stop" }],
    [
      "chat, no reason but the usage",
      "chat",
      [text("x"), { choices: [], usage: { prompt_tokens: 1 } }],
      false,
      { end: "stop" },
    ],
    ["chat, neither", "chat", [text("x")], false, "the answer was cut off"],
    [
      "DeepSeek out of resources",
      "chat",
      [text("x"), finish("insufficient_system_resource")],
      true,
      "it ran out of resources",
    ],
    [
      "chat, an error behind an answer that was cut at its limit",
      "chat",
      [finish("length"), { error: { code: 400, message: "Token limit reached" } }],
      true,
      "400 error",
    ],
    [
      "OpenRouter's malformed call",
      "chat",
      [finish("error", { native_finish_reason: "MALFORMED_FUNCTION_CALL" })],
      true,
      "the model wrote a tool call that cannot be read",
    ],
    [
      "anthropic without message_stop",
      "anthropic",
      claude({ stop_reason: "end_turn" }),
      false,
      { end: "stop" },
    ],
    ["anthropic max_tokens", "anthropic", claude({ stop_reason: "max_tokens" }), false, { end: "length" }],
    [
      "anthropic, a full window",
      "anthropic",
      claude({ stop_reason: "model_context_window_exceeded" }),
      false,
      { end: "length", note: "the context window is full" },
    ],
    [
      "anthropic refusal with its reason",
      "anthropic",
      claude({ stop_reason: "refusal", stop_details: { explanation: "Because." } }),
      false,
      { end: "refusal", note: "Because." },
    ],
    ["anthropic without a reason", "anthropic", claude({}), false, "the answer was cut off"],
    ["gemini MAX_TOKENS", "google", gemini({ finishReason: "MAX_TOKENS" }), false, { end: "length" }],
    [
      "gemini SAFETY",
      "google",
      gemini({ finishReason: "SAFETY" }),
      false,
      { end: "refusal", note: "SAFETY" },
    ],
    [
      "gemini MODEL_ARMOR with its reason",
      "google",
      gemini({ finishReason: "MODEL_ARMOR", finishMessage: "Blocked." }),
      false,
      { end: "refusal", note: "Blocked." },
    ],
    ["gemini OTHER", "google", gemini({ finishReason: "OTHER" }), false, "it does not say why"],
    [
      "gemini MALFORMED_FUNCTION_CALL",
      "google",
      gemini({ finishReason: "MALFORMED_FUNCTION_CALL" }),
      false,
      "the model wrote a tool call that cannot be read",
    ],
    [
      "gemini, a blocked prompt",
      "google",
      [{ promptFeedback: { blockReason: "PROHIBITED_CONTENT" } }],
      false,
      { end: "refusal", note: "PROHIBITED_CONTENT" },
    ],
    [
      "gemini without candidates",
      "google",
      [{ usageMetadata: { promptTokenCount: 1 } }],
      false,
      "the answer was cut off",
    ],
    ["responses completed", "responses", openai({}), false, { end: "stop" }],
    [
      "responses out of tokens",
      "responses",
      openai({ incomplete_details: { reason: "max_output_tokens" } }, "response.incomplete"),
      false,
      { end: "length" },
    ],
    [
      "responses content filter",
      "responses",
      openai({ incomplete_details: { reason: "content_filter" } }, "response.incomplete"),
      false,
      { end: "refusal" },
    ],
    [
      "responses, a refusal",
      "responses",
      [
        { type: "response.refusal.delta", output_index: 0, delta: "No." },
        { type: "response.completed", response: {} },
      ],
      false,
      { end: "refusal" },
    ],
    [
      "responses failed",
      "responses",
      openai({ error: { code: "server_error", message: "Oops." } }, "response.failed"),
      false,
      "500 internal error",
    ],
  ])("%s", async (_name, wire, events, done, expected) => {
    const { finished, error } = await askRaw(wire, { body: sse(events, { done }) });
    if (typeof expected === "string") {
      expect(finished).toBeUndefined();
      expect(error).toMatchObject({ brief: expected, isRetryable: !expected.startsWith("400") });
    } else {
      expect(error).toBeUndefined();
      expect(finished).toMatchObject(expected);
    }
  });
});

describe("what was used is what the provider's own total says", () => {
  const usage = (told: RawJson) =>
    sse([text("x"), finish("stop"), { choices: [], usage: told }], { done: true });
  test.each<[string, RawJson, RawJson]>([
    [
      "as documented",
      {
        prompt_tokens: 100,
        completion_tokens: 20,
        total_tokens: 120,
        completion_tokens_details: { reasoning_tokens: 15 },
      },
      { input_tokens: 100, output_tokens: 20, reasoning_tokens: 15 },
    ],
    [
      "reasoning apart (xAI)",
      {
        prompt_tokens: 100,
        completion_tokens: 5,
        total_tokens: 120,
        completion_tokens_details: { reasoning_tokens: 15 },
      },
      { output_tokens: 20, reasoning_tokens: 15 },
    ],
    [
      "cached input apart",
      {
        prompt_tokens: 40,
        completion_tokens: 5,
        total_tokens: 105,
        prompt_tokens_details: { cached_tokens: 60 },
      },
      { input_tokens: 100, cache_read_tokens: 60 },
    ],
    [
      "DeepSeek's names",
      { prompt_tokens: 100, completion_tokens: 5, total_tokens: 105, prompt_cache_hit_tokens: 64 },
      { input_tokens: 100, cache_read_tokens: 64 },
    ],
    [
      "written to the cache",
      {
        prompt_tokens: 100,
        completion_tokens: 5,
        prompt_tokens_details: { cached_tokens: 1, cache_write_tokens: 79 },
      },
      { cache_write_tokens: 79 },
    ],
    [
      "nonsense",
      { prompt_tokens: null, completion_tokens: "5", total_tokens: -1 },
      { input_tokens: 0, output_tokens: 0 },
    ],
  ])("%s", async (_name, told, expected) => {
    expect((await askRaw("chat", { body: usage(told) })).finished).toMatchObject({ usage: expected });
  });

  test("a price that the provider tells counts", async () => {
    expect((await askRaw("chat", { body: usage({ prompt_tokens: 1, cost: 0.25 }) })).finished).toMatchObject({
      cost: 0.25,
    });
  });

  test("what Anthropic told at the beginning is known before the end", async () => {
    const { chunks, error } = await askRaw("anthropic", { body: sse(claude({}).slice(0, 2)) });
    expect(error).toBeDefined();
    expect(chunks).toContainEqual(
      expect.objectContaining({ type: "progress", usage: expect.objectContaining({ input_tokens: 5 }) }),
    );
  });
});

test("responses that follow each other in one body are one answer", async () => {
  const say = (delta: string) => ({
    type: "response.output_text.delta",
    output_index: 0,
    item_id: delta,
    delta,
  });
  const end = (input_tokens: number) => ({
    type: "response.completed",
    response: { usage: { input_tokens } },
  });
  const { text: said, finished } = await askRaw("responses", {
    body: sse([say("One. "), end(1), say("Two."), end(2)]),
  });
  expect(said).toBe("One. Two.");
  expect(finished).toMatchObject({ end: "stop", usage: { input_tokens: 2 } });
});
