// What servers make of a call in pieces, and what models write out as text (providers.md 16, 17).
import { describe, expect, test } from "vitest";
import { askRaw, type RawJson, sse } from "../support/raw-model.ts";

const text = (content: string, more: RawJson = {}): RawJson => ({
  choices: [{ index: 0, delta: { content }, ...more }],
});
const finish = (reason: string | null, more: RawJson = {}): RawJson => ({
  choices: [{ index: 0, delta: {}, finish_reason: reason, ...more }],
});

describe("calls in chat chunks", () => {
  const call = (fields: RawJson): RawJson => ({ choices: [{ index: 0, delta: { tool_calls: [fields] } }] });
  const fn = (name: string | null, args: unknown) => ({
    ...(name === null ? {} : { name }),
    arguments: args,
  });
  const one = [{ id: "a", name: "read", arguments: '{"path":"x"}' }];
  test.each<[string, RawJson[], unknown[]]>([
    [
      "that begin at index 1",
      [
        call({ index: 1, id: "a", function: fn("read", '{"path":') }),
        call({ index: 1, function: fn(null, '"x"}') }),
      ],
      one,
    ],
    [
      "whose tail has another index",
      [
        call({ index: 0, id: "a", function: fn("read", "") }),
        call({ index: 1, function: fn(null, '{"path":') }),
        call({ index: 1, function: fn(null, '"x"}') }),
      ],
      one,
    ],
    [
      "without indexes",
      [call({ id: "a", function: fn("read", '{"path":') }), call({ function: fn(null, '"x"}') })],
      one,
    ],
    [
      "with empty ids and names after the head",
      [
        call({ index: 0, id: "a", function: fn("read", '{"path":') }),
        call({ index: 0, id: "", function: fn("", '"x"}') }),
      ],
      one,
    ],
    [
      "whose arguments are an object",
      [call({ index: 0, id: "a", function: fn("read", { path: "x" }) })],
      one,
    ],
    [
      "whose arguments are repeated whole",
      [
        call({ index: 0, id: "a", function: fn("read", '{"path":') }),
        call({ index: 0, function: fn(null, '"x"}') }),
        call({ index: 0, function: fn(null, '{"path":"x"}') }),
      ],
      one,
    ],
    [
      "whose arguments begin with {}",
      [
        call({ index: 0, id: "a", function: fn("read", "{}") }),
        call({ index: 0, function: fn(null, '{"path":"x"}') }),
      ],
      one,
    ],
    [
      "whose pieces each say all so far",
      [
        call({ index: 0, id: "a", function: fn("read", '{"pa') }),
        call({ index: 0, function: fn(null, '{"path":"x') }),
        call({ index: 0, function: fn(null, '{"path":"x"}') }),
      ],
      one,
    ],
    [
      "that say the name before the id",
      [
        call({ index: 0, function: fn("read", "") }),
        call({ index: 0, id: "a", function: fn(null, '{"path":"x"}') }),
      ],
      one,
    ],
    [
      "that are two at one index",
      [
        call({ index: 0, id: "a", function: fn("read", '{"path":"x"}') }),
        call({ index: 0, id: "b", function: fn("echo", '{"text":"y"}') }),
      ],
      [...one, { id: "b", name: "echo", arguments: '{"text":"y"}' }],
    ],
    [
      "that are interleaved",
      [
        call({ index: 0, id: "a", function: fn("read", '{"path":') }),
        call({ index: 1, id: "b", function: fn("echo", '{"text":') }),
        call({ index: 0, function: fn(null, '"x"}') }),
        call({ index: 1, function: fn(null, '"y"}') }),
      ],
      [...one, { id: "b", name: "echo", arguments: '{"text":"y"}' }],
    ],
    [
      "of the old kind",
      [{ choices: [{ index: 0, delta: { function_call: { name: "read", arguments: '{"path":"x"}' } } }] }],
      [{ ...one[0], id: "" }],
    ],
  ])("%s", async (_name, events, expected) => {
    const { calls, error } = await askRaw("chat", { body: sse([...events, finish("stop")], { done: true }) });
    expect(error).toBeUndefined();
    expect(calls).toEqual(expected);
  });
});

test("Gemini's arguments in pieces at paths become one object", async () => {
  const part = (functionCall: RawJson): RawJson => ({
    candidates: [{ content: { parts: [{ functionCall }] } }],
  });
  const { calls } = await askRaw("google", {
    body: sse([
      part({ name: "read", willContinue: true }),
      part({
        partialArgs: [{ jsonPath: "$.recipe.steps[0]", stringValue: "Mix ", willContinue: true }],
        willContinue: true,
      }),
      part({ partialArgs: [{ jsonPath: "$.recipe.steps[0]", stringValue: "it." }], willContinue: true }),
      part({
        partialArgs: [
          { jsonPath: "$.recipe.steps[1]", stringValue: "Bake." },
          { jsonPath: "$.n", numberValue: 2 },
        ],
        willContinue: true,
      }),
      part({
        partialArgs: [
          { jsonPath: "$.ok", boolValue: true },
          { jsonPath: "$.none", nullValue: "NULL_VALUE" },
        ],
        willContinue: true,
      }),
      { candidates: [{ content: { parts: [{ functionCall: {} }] }, finishReason: "STOP" }] },
    ]),
  });
  expect(calls.map((call) => JSON.parse(call.arguments) as unknown)).toEqual([
    { recipe: { steps: ["Mix it.", "Bake."] }, n: 2, ok: true, none: null },
  ]);
});

describe("what open models write into their text", () => {
  const written = async (content: string, piece = 3) => {
    const pieces = content.match(new RegExp(`[\\s\\S]{1,${piece}}`, "g")) ?? [];
    return askRaw("chat", {
      body: sse([...pieces.map((each) => text(each)), finish("stop")], { done: true }),
    });
  };
  const read = { id: "", name: "read", arguments: '{"path":"x"}' };
  test.each<[string, string, { text: string; reasoning?: string; calls?: unknown[]; isCallLike?: boolean }]>([
    ["thinking first", "<think>\nHm.</think>\n\nYes.", { text: "Yes.", reasoning: "Hm." }],
    ["a tag later is text", "Use <think> in HTML.", { text: "Use <think> in HTML." }],
    [
      "a call in tags",
      'I look.\n<tool_call>\n{"name": "read", "arguments": {"path":"x"}}\n</tool_call>',
      { text: "I look.\n", calls: [read] },
    ],
    [
      "a call in tags of Qwen's coder",
      "<tool_call>\n<function=read>\n<parameter=path>\nx\n</parameter>\n</function>\n</tool_call>",
      { text: "", calls: [read] },
    ],
    [
      "thinking, then a call in a fence",
      '<think>Hm.</think>```json\n{"name":"read","arguments":{"path":"x"}}\n```',
      { text: "", reasoning: "Hm.", calls: [read] },
    ],
    ["a bare call", '{"name": "read", "parameters": {"path":"x"}}', { text: "", calls: [read] }],
    [
      "JSON that is no call of ours",
      '{"name": "Ada Lovelace", "arguments": {"born": 1815}, "more": []}',
      { text: '{"name": "Ada Lovelace", "arguments": {"born": 1815}, "more": []}' },
    ],
    [
      "a fence with something else",
      '```json\n{"a": 1}\n```\nDone.',
      { text: '```json\n{"a": 1}\n```\nDone.' },
    ],
    [
      "a call of a tool that is not there",
      '<tool_call>{"name":"nope","arguments":{}}</tool_call>',
      { text: '<tool_call>{"name":"nope","arguments":{}}</tool_call>', isCallLike: true },
    ],
    [
      "another family's marks",
      '[TOOL_CALLS][{"name":"read"}]',
      { text: '[TOOL_CALLS][{"name":"read"}]', isCallLike: true },
    ],
  ])("%s", async (_name, content, expected) => {
    for (const piece of [1, 3, 1000]) {
      const seen = await written(content, piece);
      expect({ text: seen.text, reasoning: seen.reasoning, calls: seen.calls }).toEqual({
        reasoning: "",
        calls: [],
        ...expected,
        ...(expected.isCallLike ? { isCallLike: undefined } : {}),
      });
      expect(seen.finished?.isCallLike ?? false).toBe(expected.isCallLike ?? false);
    }
  });
});
