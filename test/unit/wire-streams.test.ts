// What a model says is the same however its bytes are cut, joined and ended (providers.md 16).
import { describe, expect, test } from "vitest";
import { askRaw, type RawJson, type RawWire, rawWires, sse, wholeAnswer } from "../support/raw-model.ts";

const bytesOf = (text: string, size: (at: number) => number): Uint8Array[] => {
  const bytes = Buffer.from(text);
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = at + size(at);
    pieces.push(bytes.subarray(at, end));
    at = end;
  }
  return pieces;
};
const lines = (events: readonly RawJson[], ending: string) =>
  events.map((event) => `data: ${JSON.stringify(event)}${ending}`).join("");

const shapes: [string, (events: readonly RawJson[]) => string | Uint8Array[]][] = [
  ["byte by byte", (events) => bytesOf(sse(events), () => 1)],
  ["in odd pieces", (events) => bytesOf(sse(events), (at) => 1 + ((at * 7919) % 61))],
  ["with CRLF", (events) => lines(events, "\r\n\r\n")],
  ["with CR alone", (events) => lines(events, "\r\r")],
  ["without a space after data:", (events) => sse(events).replaceAll("data: ", "data:")],
  ["without the last blank line", (events) => sse(events).trimEnd()],
  ["without any blank line", (events) => lines(events, "\n")],
  ["glued on one line", (events) => `data: ${events.map((event) => JSON.stringify(event)).join("")}\n\n`],
  ["glued with their names", (events) => lines(events, "")],
  ["behind a byte order mark and comments", (events) => `\uFEFF: hello\n\n${sse(events)}: bye\n\n`],
  ["with [DONE]", (events) => sse(events, { done: true })],
  [
    "between events that nobody knows",
    (events) => sse(events.flatMap((event) => [{ type: "brand_new", object: "x", a: [1] }, event])),
  ],
  ["as lines of JSON", (events) => events.map((event) => `${JSON.stringify(event)}\n`).join("")],
];

describe.each(rawWires)("an answer by the wire %s", (wire) => {
  test.each(shapes)("%s", async (_name, shape) => {
    const { error, text, reasoning, calls, finished } = await askRaw(wire, {
      body: shape(wholeAnswer[wire]),
    });
    expect(error).toBeUndefined();
    expect({ text, reasoning, calls }).toEqual({
      text: "Grüße 🙂 bye",
      reasoning: "Hm — 日本.",
      calls: [{ id: "c1", name: "read", arguments: '{"path":"ä.txt"}' }],
    });
    expect(finished).toMatchObject({ end: "stop", usage: { input_tokens: 100, output_tokens: 20 } });
  });

  test("whose connection breaks after its end was told is whole", async () => {
    const { error, finished } = await askRaw(wire, { body: sse(wholeAnswer[wire]), ends: "reset" });
    expect(error).toBeUndefined();
    expect(finished).toMatchObject({ end: "stop" });
  });

  test("whose last events never come is cut off, and what came was said", async () => {
    const events = wholeAnswer[wire].slice(0, wire === "responses" ? 8 : wire === "google" ? 3 : -4);
    const { error, text, finished } = await askRaw(wire, { body: sse(events) });
    expect(text).toBe("Grüße 🙂 bye");
    expect(finished).toBeUndefined();
    expect(error).toMatchObject({
      code: "provider_error",
      isRetryable: true,
      brief: "the answer was cut off",
    });
  });

  test("that is a page is no answer, and the page is not shown", async () => {
    const body = "<!doctype html><html><script>var x = 1</script></html>";
    const { error } = await askRaw(wire, { body, headers: { "content-type": "text/html" } });
    expect(error).toMatchObject({
      message: expect.stringMatching(/sent a web page instead of an answer.*RAW_BASE_URL/),
    });
  });

  test("that is an error with status 200 is that error", async () => {
    const body = JSON.stringify({ error: { message: "Upstream is overloaded", code: 529 } });
    const { error } = await askRaw(wire, { body, headers: { "content-type": "application/json" } });
    expect(error).toMatchObject({
      brief: "529 overloaded",
      isRetryable: true,
      message: "Raw answered 529: Upstream is overloaded.",
    });
  });
});

test("a server that stays open after [DONE] is not waited for", async () => {
  const { finished } = await askRaw("chat", { body: sse(wholeAnswer.chat, { done: true }), ends: "stays" });
  expect(finished).toMatchObject({ end: "stop" });
});

const whole: [RawWire, unknown][] = [
  [
    "chat",
    {
      object: "chat.completion",
      choices: [
        {
          index: 0,
          message: {
            role: "assistant",
            content: "Grüße",
            reasoning_content: "Hm.",
            tool_calls: [
              { id: "c1", type: "function", function: { name: "read", arguments: '{"path":"a"}' } },
            ],
          },
          finish_reason: "tool_calls",
        },
      ],
      usage: { prompt_tokens: 100, completion_tokens: 20 },
    },
  ],
  [
    "anthropic",
    {
      type: "message",
      content: [
        { type: "thinking", thinking: "Hm.", signature: "sig" },
        { type: "text", text: "Grüße" },
        { type: "tool_use", id: "c1", name: "read", input: { path: "a" } },
      ],
      stop_reason: "tool_use",
      usage: { input_tokens: 100, output_tokens: 20 },
    },
  ],
  [
    "responses",
    {
      object: "response",
      status: "completed",
      output: [
        { type: "reasoning", id: "rs_1", summary: [{ type: "summary_text", text: "Hm." }] },
        { type: "message", id: "msg_1", content: [{ type: "output_text", text: "Grüße" }] },
        { type: "function_call", id: "fc_1", call_id: "c1", name: "read", arguments: '{"path":"a"}' },
      ],
      usage: { input_tokens: 100, output_tokens: 20 },
    },
  ],
  [
    "google",
    [
      { candidates: [{ content: { parts: [{ text: "Hm.", thought: true }, { text: "Grüße" }] } }] },
      {
        candidates: [
          {
            content: { parts: [{ functionCall: { id: "c1", name: "read", args: { path: "a" } } }] },
            finishReason: "STOP",
          },
        ],
        usageMetadata: { promptTokenCount: 100, candidatesTokenCount: 20 },
      },
    ],
  ],
];
test.each(whole)("a whole JSON answer by the wire %s is understood", async (wire, answer) => {
  for (const body of [JSON.stringify(answer), JSON.stringify(answer, null, 2)]) {
    const { error, text, reasoning, calls, finished } = await askRaw(wire, { body });
    expect(error).toBeUndefined();
    expect({ text, reasoning }).toEqual({ text: "Grüße", reasoning: "Hm." });
    expect(calls).toEqual([{ id: "c1", name: "read", arguments: '{"path":"a"}' }]);
    expect(finished).toMatchObject({ end: "stop", usage: { input_tokens: 100, output_tokens: 20 } });
  }
});
