// How hard a model is told to think: named anywhere as model@effort, told to each provider in its own way.
import { describe, expect, test } from "vitest";
import { resolveModel } from "../../src/agent/native/models/choice/resolve.ts";
import { openAnthropic } from "../../src/agent/native/models/families/anthropic.ts";
import { openGoogle } from "../../src/agent/native/models/families/google.ts";
import { openOpenAi } from "../../src/agent/native/models/families/openai.ts";
import { openOpenAiCompatible } from "../../src/agent/native/models/families/openai-compatible.ts";
import type { ModelRequest } from "../../src/agent/native/models/model.ts";
import type { ModelFetch } from "../../src/agent/native/models/network/model-fetch.ts";
import { wireOf } from "../../src/agent/native/models/traits.ts";
import type { Agent } from "../../src/protocol/agent.ts";
import { type Config, limitDefaults } from "../../src/protocol/config.ts";
import { changedModel, splitEffort, withEffort } from "../../src/protocol/model-effort.ts";
import { commands, runCommand } from "../../src/tui/commands/table.ts";
import { effortItems } from "../../src/tui/state/overlay-items.ts";
import { acceptItem } from "../../src/tui/steps/overlay.ts";
import { connected } from "../support/tui-state.ts";

const openers = {
  anthropic: openAnthropic,
  google: openGoogle,
  openai: openOpenAi,
  "openai-compatible": openOpenAiCompatible,
};
const keys = {
  ...{ ANTHROPIC_API_KEY: "k", OPENAI_API_KEY: "k", GEMINI_API_KEY: "k", OPENROUTER_API_KEY: "k" },
  ...{ DEEPSEEK_API_KEY: "k", XAI_API_KEY: "k", GROQ_API_KEY: "k", MISTRAL_API_KEY: "k" },
};
const own: Config = {
  providers: {
    own: { type: "openai-compatible", base_url: "http://127.0.0.1:8080/v1" },
    qwen: { type: "openai-compatible", base_url: "https://dashscope-intl.aliyuncs.com/compatible-mode/v1" },
    mine: {
      type: "openai-compatible",
      base_url: "https://example.com/v1",
      models: { "a@b": {}, plain: { efforts: ["low", "high"] } },
    },
  },
};
const specOf = async (asked: string | null, config: Config = own, env: Record<string, string> = keys) => {
  const settings = { config, providerEnv: env, limits: limitDefaults };
  const resolved = await resolveModel(asked, settings, async () => undefined);
  if (resolved.kind !== "spec") throw new Error("the demo");
  return resolved.spec;
};

const request: ModelRequest = {
  ...{ system: "s", tools: [], conversation: "ses_1" },
  messages: [{ role: "user", content: [{ type: "text", text: "hi" }] }],
};
type Json = { [key: string]: unknown };

/** The bodies that are sent, the first one refused with `refusal`, if there is one. */
async function bodiesOf(asked: string, refusal?: string): Promise<Json[]> {
  const spec = await specOf(asked);
  const bodies: Json[] = [];
  const fetch = (async (_url: string, init?: RequestInit) => {
    bodies.push(JSON.parse(String(init?.body)) as Json);
    const isFirst = bodies.length === 1 && refusal !== undefined;
    return new Response(isFirst ? refusal : '{"error":{"message":"enough"}}', {
      status: isFirst ? 400 : 418,
    });
  }) as ModelFetch;
  const model = openers[wireOf(spec)](spec, fetch);
  for (let turn = 0; turn < (refusal === undefined ? 1 : 2); turn += 1)
    await model
      .stream(request, new AbortController().signal)
      [Symbol.asyncIterator]()
      .next()
      .catch(() => {});
  return bodies;
}

describe("each provider is told in its own words", () => {
  test.for<[string, Json]>([
    [
      "anthropic/claude-opus-5-5@xhigh",
      { thinking: expect.objectContaining({ type: "adaptive" }), output_config: { effort: "xhigh" } },
    ],
    [
      "anthropic/claude-sonnet-4-5@high",
      { thinking: { type: "enabled", budget_tokens: 24_000 }, max_tokens: 64_000 },
    ],
    [
      "anthropic/claude-sonnet-4-5@low",
      { thinking: { type: "enabled", budget_tokens: 4_000 }, max_tokens: 64_000 },
    ],
    ["anthropic/claude-sonnet-4-5@max", { thinking: { type: "enabled", budget_tokens: 48_000 } }],
    ["openai/gpt-5.5@none", { reasoning: { effort: "none", summary: "auto" } }],
    ["openai/gpt-6-astra@max", { reasoning: { effort: "max", summary: "auto" } }],
    [
      "google/gemini-3.8-flash@low",
      { generationConfig: { thinkingConfig: { includeThoughts: true, thinkingLevel: "low" } } },
    ],
    [
      "google/gemini-2.5-flash@none",
      { generationConfig: { thinkingConfig: { includeThoughts: true, thinkingBudget: 0 } } },
    ],
    [
      "google/gemini-2.5-pro@max",
      { generationConfig: { thinkingConfig: { includeThoughts: true, thinkingBudget: 32_768 } } },
    ],
    ["openrouter/anthropic/claude-opus-4.8@high", { reasoning: { effort: "high" } }],
    ["openrouter/anthropic/claude-opus-4.8@none", { reasoning: { enabled: false } }],
    ["deepseek/deepseek-v4-pro@max", { thinking: { type: "enabled" }, reasoning_effort: "max" }],
    ["deepseek/deepseek-v4-pro@none", { thinking: { type: "disabled" } }],
    ["groq/openai/gpt-oss-120b@low", { reasoning_effort: "low" }],
    ["xai/grok-4.5@high", { reasoning_effort: "high" }],
    ["own/qwen3.8-27b@none", { chat_template_kwargs: { enable_thinking: false } }],
    ["own/gpt-oss-20b@high", { reasoning_effort: "high" }],
    ["qwen/whatever@none", { enable_thinking: false }],
  ])("%s", async ([asked, expected]) => {
    const [body] = await bodiesOf(asked);
    expect(body).toMatchObject(expected);
  });

  test("and without one nothing is said of it", async () => {
    for (const asked of [
      "openai/gpt-5.5",
      "xai/grok-4.5",
      "deepseek/deepseek-v4-pro",
      "google/gemini-3.8-flash",
    ])
      expect(JSON.stringify(await bodiesOf(asked))).not.toMatch(/effort|thinkingLevel|"thinking"/);
  });
});

test.for([
  ["anthropic/claude-opus-5-5@max", "output_config.effort: Extra inputs are not permitted", /output_config/],
  ["openai/gpt-5.5@xhigh", "Unsupported value: 'reasoning.effort' does not support 'xhigh'", /"effort"/],
  ["google/gemini-3.8-flash@low", "Thinking level is not supported for this model.", /thinkingLevel/],
  ["google/gemini-2.5-flash@high", "The thinking_budget 24000 is invalid", /thinkingBudget/],
  ["openrouter/openai/gpt-5.5@high", "reasoning: unknown field", /"reasoning"/],
  ["deepseek/deepseek-v4-pro@max", "unknown field `thinking`", /"thinking"/],
  ["groq/openai/gpt-oss-120b@low", "property 'reasoning_effort' is unsupported", /reasoning_effort/],
  ["own/qwen3.8-27b@none", "chat_template_kwargs: extra fields not permitted", /chat_template_kwargs/],
  ["qwen/whatever@none", "enable_thinking is not a known parameter", /enable_thinking/],
] as const)("%s: what is refused once is left out from then on", async ([asked, words, field]) => {
  const [first, ...later] = await bodiesOf(asked, JSON.stringify({ error: { message: words } }));
  expect(JSON.stringify(first)).toMatch(field);
  expect(later.length).toBeGreaterThanOrEqual(2);
  for (const body of later) expect(JSON.stringify(body)).not.toMatch(field);
});

describe("a model is named with its effort", () => {
  test("wherever it is named, the nearest one counts", async () => {
    const config: Config = { ...own, model: "anthropic/claude-opus-5-5@low" };
    const env = { ...keys, HEARTH_MODEL: "openai/gpt-5.5@medium" };
    expect(await specOf(null, config)).toMatchObject({ id: "anthropic/claude-opus-5-5", effort: "low" });
    expect(await specOf("@high", config)).toMatchObject({ id: "anthropic/claude-opus-5-5", effort: "high" });
    expect(await specOf("@xhigh", config, env)).toMatchObject({ id: "openai/gpt-5.5", effort: "xhigh" });
    expect(await specOf("@high", {}, { OPENAI_API_KEY: "k" })).toMatchObject({ effort: "high" });
    expect(await specOf("openai/gpt-5.5", config)).toMatchObject({ effort: null });
    expect(await specOf("mine/a@b")).toMatchObject({ model: "a@b", effort: null });
    expect(await specOf("own/claude@20250514")).toMatchObject({ model: "claude@20250514", effort: null });
    // Its server has to say: nobody has described it.
    expect(await specOf("own/zzz@high")).toMatchObject({ model: "zzz", effort: "high" });
  });

  test.for([
    ["openai/gpt-5.5@max", "openai/gpt-5.5 has none, low, medium, high, xhigh."],
    ["mine/plain@xhigh", "mine/plain has low, high."],
    ["mistral/mistral-medium-latest@max", /mistral-medium-latest (has|cannot)/],
    ["own/zzz@hihg", "there are none, minimal, low, medium, high, xhigh, max."],
  ] as const)("%s: an effort that it lacks is refused with those that it has", async ([asked, sentence]) => {
    const error = await specOf(asked).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "model_unavailable" });
    expect((error as Error).message).toMatch(sentence);
  });

  test("an effort alone changes the effort of the model that is there", () => {
    expect(splitEffort("a/b@high")).toEqual({ model: "a/b", effort: "high" });
    expect(splitEffort("@low")).toEqual({ model: null, effort: "low" });
    expect(splitEffort("@cf/meta/llama")).toEqual({ model: "@cf/meta/llama", effort: null });
    expect(withEffort("a/b", "default")).toBe("a/b");
    expect(withEffort(null, "default")).toBeNull();
    expect(changedModel("a/b@low", "@high")).toBe("a/b@high");
    expect(changedModel("a/b@low", "@default")).toBe("a/b");
    expect(changedModel(null, "@high")).toBe("@high");
    expect(changedModel("a/b@low", "c/d")).toBe("c/d");
    expect(changedModel("a/b", null)).toBeNull();
  });
});

test("/effort lists what the model has, takes one, and says what is wrong with another", () => {
  const models = [
    { id: "local/big", name: "big", context_window: null, efforts: ["low", "high"] },
    { id: "local/small", name: "small", context_window: null },
  ];
  const withModel = (model: string | null) => {
    const state = connected({}, {});
    const { replica } = state;
    if (replica === undefined) throw new Error("no replica");
    const agents: Agent[] = [
      {
        ...{ name: "hearth", backend: "native", status: "ready", reason: null, fix: null, version: null },
        ...{ model: "local/big", models, modes: [], commands: [] },
      },
    ];
    const sessions = replica.sessions.map((session) => ({ ...session, model }));
    return { ...state, replica: { ...replica, agents, sessions } };
  };
  const ran = (text: string, model: string | null) => {
    const step = runCommand(withModel(model), text);
    if (step === undefined) throw new Error("no command");
    return step;
  };
  expect(commands.map(({ name }) => name)).toContain("effort");
  const opened = ran("/effort", "local/big@low").state;
  if (opened.overlay?.kind !== "efforts") throw new Error("no list");
  expect(effortItems(opened, opened.overlay)).toMatchObject([
    { effort: "default", isCurrent: false },
    { effort: "low", isCurrent: true },
    { effort: "high" },
  ]);
  const change = (model: string | null) => [{ do: "change_session", changes: { model } }];
  expect(acceptItem(opened, opened.overlay, 2).effects).toEqual(change("local/big@high"));
  expect(ran("/effort high", null).effects.slice(-1)).toEqual(change("@high"));
  expect(ran("/effort default", "local/big@low").effects.slice(-1)).toEqual(change("local/big"));
  expect(ran("/effort max", null).state.flash?.text).toBe('local/big has no effort "max"; it has low, high.');
  expect(ran("/effort low", "local/small").state.flash?.text).toContain("cannot be told how hard to think");
  expect(ran("/model small@low", null).effects.slice(-1)).toEqual(change("local/small@low"));
});
