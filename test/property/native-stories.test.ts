// Sessions as people have them: models switched in the middle, turns stopped in every phase, prompts that failed,
// steering; every request in them is taken by providers as strict as the real ones.
import type { ServerResponse } from "node:http";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Config } from "../../src/protocol/config.ts";
import { limitDefaults } from "../../src/protocol/config.ts";
import type { Message } from "../../src/protocol/message.ts";
import type { ModelWire } from "../support/model-wire.ts";
import { type StrictRequest, startStrictProviders } from "../support/strict-provider.ts";
import { openNative } from "../unit/native-host.ts";

const models = [
  "deepseek/deepseek-v4-pro",
  "mistral/devstral-latest",
  "groq/openai/gpt-oss-120b",
  "openrouter/google/gemini-3.8-flash",
  "anthropic/claude-sonnet-4-5",
  "anthropic/claude-opus-5-5",
  "google/gemini-3.8-flash",
  "openai/gpt-6.1-sol",
] as const;
type ModelName = (typeof models)[number];

const chat = (base_url: string, model: string) => ({
  type: "openai-compatible" as const,
  base_url,
  api_key: "key",
  models: { [model]: {} },
});
const config: Config = {
  providers: {
    deepseek: chat("http://api.deepseek.com/v1", "deepseek-v4-pro"),
    mistral: chat("http://api.mistral.ai/v1", "devstral-latest"),
    groq: chat("http://api.groq.com/openai/v1", "openai/gpt-oss-120b"),
    openrouter: chat("http://openrouter.ai/api/v1", "google/gemini-3.8-flash"),
    anthropic: {
      ...{ type: "anthropic", base_url: "http://api.anthropic.com/v1", api_key: "key" },
      models: { "claude-sonnet-4-5": {}, "claude-opus-5-5": {} },
    },
    google: {
      ...{ type: "google", base_url: "http://generativelanguage.googleapis.com/v1beta", api_key: "key" },
      models: { "gemini-3.8-flash": {} },
    },
    openai: {
      ...{ type: "openai", base_url: "http://api.openai.com/v1", api_key: "key" },
      models: { "gpt-6.1-sol": {} },
    },
  },
};

type Step = "call" | "say" | "hang" | "fail" | "nothing" | "half";
const usage = { input: 10, output: 5, reasoning: 1, cache_read: 0, cache_write: 0 };

/** What the providers do next, in order; they say "Done." when there is nothing more to do. */
let steps: Step[];
let calls: number;
let providers: Awaited<ReturnType<typeof startStrictProviders>>;

/** OpenRouter's reasoning, which comes beside the words. */
const sealed = `data: ${JSON.stringify({
  id: "x",
  choices: [
    { index: 0, delta: { reasoning_details: [{ type: "reasoning.encrypted", data: "sealed", index: 0 }] } },
  ],
})}\n\n`;

function idFor({ host }: StrictRequest): string {
  calls += 1;
  if (host === "openrouter.ai") return `or_${calls}`;
  return host === "api.mistral.ai" ? `mistral${String(calls).padStart(2, "0")}` : `call_${calls}`;
}

function answer(request: StrictRequest, wire: ModelWire, response: ServerResponse): void {
  const step = steps.shift() ?? "say";
  if (step === "fail") {
    response.writeHead(400, { "content-type": "application/json" });
    return void response.end(JSON.stringify(wire.error(400, "The prompt was flagged by moderation.")));
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  const write = (text: string) => void response.write(text);
  write(wire.begin(usage));
  write(wire.reasoning("I think. ", "c2ln"));
  if (step === "call") {
    if (request.host === "openrouter.ai") write(sealed);
    write(wire.callBegin(idFor(request), "echo") + wire.callArguments('{"text":"a \\ud83d b"}'));
  } else if (step !== "nothing") write(wire.text(step === "say" ? "Done." : "I begin with"));
  if (step === "hang") return;
  if (step === "half") return void response.destroy();
  response.end(wire.finish("stop", usage));
}

beforeEach(async () => {
  steps = [];
  calls = 0;
  providers = await startStrictProviders(answer);
});
afterEach(() => providers.close());

async function openStory() {
  const native = await openNative({ config, limits: { ...limitDefaults, max_retries: 1 } });
  const env = { HTTP_PROXY: providers.proxy };
  return {
    native,
    ask: (model: ModelName, prompt: string, script: Step[] = []) => {
      steps = [...script];
      return native.start(prompt, { model, env }).result;
    },
    /** Stops the turn at the first event of that type. */
    async stop(model: ModelName, prompt: string, script: Step[], at: string) {
      steps = [...script];
      const stopping = new AbortController();
      await native.start(prompt, {
        ...{ model, env, signal: stopping.signal },
        onEvent: ({ type }) => type === at && stopping.abort(),
      }).result;
    },
    faults: () =>
      providers.requests.flatMap(({ host, faults }) => faults.map((fault) => `${host}: ${fault}`)),
  };
}

/** For a busy machine: each story is some hundred requests. */
const STORY_MS_MAX = 180_000;

describe.each(models)("a session that comes to %s", (model) => {
  test("from every other model goes on there, and back, with nothing refused", {
    timeout: STORY_MS_MAX,
  }, async () => {
    const story = await openStory();
    for (const other of models) {
      expect(await story.ask(other, "Work.", ["call", "say"])).toEqual({ outcome: "end_turn" });
      expect(await story.ask(model, "Go on.", ["call", "call", "say"])).toEqual({ outcome: "end_turn" });
    }
    expect(story.faults()).toEqual([]);
    await story.native.close();
  });

  test("after turns that were stopped, cut or failed in every phase goes on, with nothing refused", {
    timeout: STORY_MS_MAX,
  }, async () => {
    const story = await openStory();
    for (const other of new Set<ModelName>([
      model,
      "anthropic/claude-sonnet-4-5",
      "deepseek/deepseek-v4-pro",
    ])) {
      await story.stop(other, "Stopped while it thinks.", ["hang"], "reasoning_delta");
      await story.ask(model, "Next.");
      await story.stop(other, "Stopped while it says.", ["hang"], "text_delta");
      await story.ask(model, "Next.");
      await story.stop(other, "Stopped at a call.", ["call"], "tool_call");
      await story.ask(model, "Next.");
      await story.stop(other, "Stopped after a call.", ["call", "hang"], "step_finished");
      await story.ask(model, "Next.");
      await story.ask(other, "Failed.", ["fail"]);
      await story.ask(model, "Next.");
      await story.ask(other, "Failed after a call.", ["call", "fail"]);
      await story.ask(model, "Next.", ["nothing", "say"]);
      await story.ask(other, "Cut.", ["half", "say"]);
      await story.ask(model, "Next.", ["call", "half", "call", "say"]);
    }
    expect(story.faults()).toEqual([]);
    await story.native.close();
  });

  test("is steered after a call, with nothing refused", { timeout: STORY_MS_MAX }, async () => {
    const story = await openStory();
    steps = ["call", "say"];
    const turn = story.native.start("Work.", {
      ...{ model, env: { HTTP_PROXY: providers.proxy } },
      onEvent: ({ type }) => {
        if (type === "tool_call") story.native.steer("And this.");
      },
    });
    expect(await turn.result).toEqual({ outcome: "end_turn" });
    expect(JSON.stringify(providers.requests.at(-1)?.body)).toContain("And this.");
    expect(story.faults()).toEqual([]);
    await story.native.close();
  });
});

test("what was sent once is sent again as it was, whatever happens in the session", {
  timeout: STORY_MS_MAX,
}, async () => {
  const story = await openStory();
  const model = "deepseek/deepseek-v4-pro";
  await story.ask(model, "One.", ["call", "say"]);
  await story.stop(model, "Two.", ["call", "hang"], "text_delta");
  await story.ask(model, "Three.", ["nothing", "say"]);
  await story.ask(model, "Four.", ["fail"]);
  await story.ask(model, "Five.", ["half", "half"]);
  await story.ask(model, "Six.");
  const sent = providers.requests.map(({ body }) => body["messages"] as Message[]);
  for (const [at, messages] of sent.entries()) {
    const next = sent[at + 1];
    if (next !== undefined) expect(next.slice(0, messages.length)).toEqual(messages);
  }
  await story.native.close();
});
