import { expect, test } from "vitest";
import { openAnthropic } from "../../src/agent/native/models/families/anthropic.ts";
import { openGoogle } from "../../src/agent/native/models/families/google.ts";
import { openOpenAi } from "../../src/agent/native/models/families/openai.ts";
import { openOpenAiCompatible } from "../../src/agent/native/models/families/openai-compatible.ts";
import type { ModelRequest, PromptMessage } from "../../src/agent/native/models/model.ts";
import type { ModelFetch } from "../../src/agent/native/models/network/model-fetch.ts";
import { SLICE_MESSAGES } from "../../src/agent/native/models/request/slices.ts";
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

type Wire = keyof typeof openers;
const listOf = {
  "openai-compatible": "messages",
  openai: "input",
  anthropic: "messages",
  google: "contents",
};

/** Asks a model of that type; its server answers 500. Returns the bodies that were sent, as texts. */
async function bodiesOf(type: Wire, requests: readonly ModelRequest[], address: string = openers[type][1]) {
  const bodies: string[] = [];
  const headers: Headers[] = [];
  const fetch = (async (_url: string, init?: RequestInit) => {
    bodies.push(String(init?.body));
    headers.push(new Headers(init?.headers));
    return new Response("{}", { status: 500 });
  }) as ModelFetch;
  const spec: ModelSpec = {
    ...{
      id: "some/model",
      label: "some",
      type,
      model: "anthropic/model",
      addressFrom: "a test",
      keyFrom: null,
    },
    ...{ ...unknownFigures, effort: null, baseUrl: address, apiKey: null, headers: {} },
    cost: { input: 0, output: 0, cache_read: 0, cache_write: 0 },
  };
  const model = openers[type][0](spec, fetch);
  for (const request of requests) {
    const stream = model.stream(request, new AbortController().signal)[Symbol.asyncIterator]();
    await expect(stream.next()).rejects.toThrow("500");
  }
  return { bodies, headers };
}

test.each(["openai-compatible", "openai", "anthropic", "google"] as const)(
  "long outputs are written once and reach a model of type %s as they are, in every request",
  async (type) => {
    const request = { system: "Be brief.", tools: [], messages, conversation: "ses_1" };
    const { bodies } = await bodiesOf(type, [request, request]);
    expect(bodies).toHaveLength(2);
    const strings = stringsOf(JSON.parse(bodies[0] ?? ""));
    for (const text of [long("first"), long("second"), "short"])
      expect(strings.filter((each) => each === text)).toHaveLength(1);
    expect(bodies[0]).not.toContain("long-text:");
    expect(bodies[1]).toBe(bodies[0]);
  },
);

/** A prompt, an answer with a call, its result and an answer. */
const exchange = (number: number): PromptMessage[] => [
  { role: "user", content: [{ type: "text", text: `prompt ${number}.` }] },
  ...called(`call_${number}.`, `${long("result")}${number}.`),
  { role: "assistant", content: [{ type: "text", text: `answer ${number}. ` }] },
];
type Body = Record<string, unknown>;

test.each(["openai-compatible", "openai", "anthropic", "google"] as const)(
  "a conversation that is written slice by slice reaches a model of type %s as one that is not",
  async (type) => {
    const count = SLICE_MESSAGES;
    const prompt = exchange(0).slice(0, 1);
    const request = (numbers: readonly number[], tools: ModelRequest["tools"] = []) => ({
      messages: [...numbers.flatMap(exchange), ...prompt],
      ...{ system: "Be brief.", tools, conversation: "ses_1" },
    });
    const tool = { name: "read", description: "Reads.", input_schema: { type: "object" } };
    const { bodies } = await bodiesOf(type, [
      request([12345, 0, 0], [tool]),
      request(
        Array.from({ length: count }, (_, at) => at),
        [tool],
      ),
    ]);
    const [short, whole] = bodies.map((body) => JSON.parse(body) as Body);
    const list = listOf[type];
    const itemsOf = (body: Body | undefined) => body?.[list] as unknown[];
    expect({ ...whole, [list]: [] }).toEqual({ ...short, [list]: [] });
    expect(Object.keys(whole ?? {})).toEqual(Object.keys(short ?? {}));
    const isSystem = (item: unknown) => /^"?(system|developer)/.test(String((item as Body)["role"]));
    const heads = itemsOf(short).filter(isSystem);
    const perExchange = (itemsOf(short).length - heads.length - 1) / 3;
    const template = JSON.stringify(itemsOf(short).slice(heads.length, heads.length + perExchange));
    const expected = Array.from({ length: count }, (_, at) =>
      JSON.parse(template.replaceAll("12345.", `${at}.`)),
    );
    // What ends the cached prefix stands at the end, and is compared by its number below.
    const all = itemsOf(whole);
    const isPlain = (item: unknown) => !JSON.stringify(item).includes("cache_control");
    expect(all.slice(0, heads.length)).toEqual(heads);
    expect(all.slice(heads.length).filter(isPlain)).toEqual(
      [...expected.flat(), ...itemsOf(short).slice(-1)].filter((_, at) => isPlain(all[heads.length + at])),
    );
    expect(bodies[1]?.match(/cache_control/g)?.length).toBe(bodies[0]?.match(/cache_control/g)?.length);
    expect(bodies[1]).not.toMatch(/long-text:|messages-of-all/);
  },
);

test("a long conversation ends its cached prefix at the same places, and a PDF in it asks for its beta", async () => {
  const turns = (first: number) =>
    Array.from({ length: SLICE_MESSAGES / 2 }, (_, at) => exchange(first + at)).flat();
  const pdf = {
    type: "file",
    mediaType: "application/pdf",
    data: { type: "data", data: "JVBERi0=" },
  } as const;
  const messages: PromptMessage[] = [
    ...turns(0),
    { role: "user", content: [pdf] },
    ...turns(1_000),
    ...exchange(0).slice(0, 1),
  ];
  const request = { system: "Be brief.", tools: [], messages, conversation: "ses_1" };
  const { bodies } = await bodiesOf("openai-compatible", [request], "https://openrouter.ai/api/v1");
  const marked = (JSON.parse(bodies[0] ?? "") as { messages: unknown[] }).messages.flatMap(
    (message, at, all) => (JSON.stringify(message).includes("cache_control") ? [at - all.length] : []),
  );
  expect(marked).toEqual([-1 * (messages.length + 1), -3, -1]);
  const { headers } = await bodiesOf("anthropic", [request]);
  expect(headers[0]?.get("anthropic-beta")).toContain("pdfs");
});
