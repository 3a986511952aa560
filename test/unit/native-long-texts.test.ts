import { expect, test } from "vitest";
import { openAnthropic } from "../../src/agent/native/models/families/anthropic.ts";
import { openGoogle } from "../../src/agent/native/models/families/google.ts";
import { openOpenAi } from "../../src/agent/native/models/families/openai.ts";
import { openOpenAiCompatible } from "../../src/agent/native/models/families/openai-compatible.ts";
import type { ModelRequest, PromptMessage } from "../../src/agent/native/models/model.ts";
import type { ModelFetch } from "../../src/agent/native/models/network/model-fetch.ts";
import { type ModelSpec, unknownFigures } from "../../src/agent/native/models/spec.ts";

const long = (name: string): string => `${name} "quoted" \\n $& $1 \u0001 é 𝄞 \ud800\n`.repeat(200);

const called = (id: string, text: string): PromptMessage[] => [
  { role: "assistant", content: [{ type: "tool-call", toolCallId: id, toolName: "read", input: {} }] },
  {
    role: "tool",
    content: [
      { type: "tool-result", toolCallId: id, toolName: "read", output: { type: "text", value: text } },
    ],
  },
];
const messages: PromptMessage[] = [
  { role: "user", content: [{ type: "text", text: "read both" }] },
  ...called("call_1", long("first")),
  ...called("call_2", long("second")),
  ...called("call_3", "short"),
];

const openers = {
  "openai-compatible": [openOpenAiCompatible, "http://127.0.0.1/v1"],
  openai: [openOpenAi, "https://api.openai.com/v1"],
  anthropic: [openAnthropic, "http://127.0.0.1/v1"],
  google: [openGoogle, "http://127.0.0.1/v1beta"],
} as const;

/** What a body says, every string of it. */
const stringsOf = (value: unknown): string[] =>
  typeof value === "string"
    ? [value]
    : typeof value === "object" && value !== null
      ? Object.values(value).flatMap(stringsOf)
      : [];

test.each(["openai-compatible", "openai", "anthropic", "google"] as const)(
  "long outputs are written once and reach a model of type %s as they are, in every request",
  async (type) => {
    const [open, baseUrl] = openers[type];
    const bodies: string[] = [];
    const fetch = (async (_url: string, init?: RequestInit) => {
      bodies.push(String(init?.body));
      return new Response("{}", { status: 500 });
    }) as ModelFetch;
    const spec: ModelSpec = {
      ...{ id: "some/model", label: "some", type, model: "model", addressFrom: "a test", keyFrom: null },
      ...{ ...unknownFigures, baseUrl, apiKey: null, headers: {} },
      cost: { input: 0, output: 0, cache_read: 0, cache_write: 0 },
    };
    const model = open(spec, fetch);
    const ask = async (request: ModelRequest) => {
      const stream = model.stream(request, new AbortController().signal)[Symbol.asyncIterator]();
      await expect(stream.next()).rejects.toThrow("500");
    };
    const request = { system: "Be brief.", tools: [], messages, conversation: "ses_1" };
    await ask(request);
    await ask(request);
    expect(bodies).toHaveLength(2);
    const strings = stringsOf(JSON.parse(bodies[0] ?? ""));
    for (const text of [long("first"), long("second"), "short"])
      expect(strings.filter((each) => each === text)).toHaveLength(1);
    expect(bodies[0]).not.toContain("long-text:");
    expect(bodies[1]).toBe(bodies[0]);
  },
);
