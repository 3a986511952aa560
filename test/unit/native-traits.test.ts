import { describe, expect, test } from "vitest";
import { traitsOf, wireOf } from "../../src/agent/native/models/traits.ts";

const at = (
  type: "openai" | "openai-compatible" | "anthropic" | "google",
  baseUrl: string,
  model: string,
) => ({
  type,
  baseUrl,
  model,
});

describe("the table of traits", () => {
  test("knows who refuses an answer without its reasoning, by the server or by the model that is served", () => {
    for (const place of [
      at("openai-compatible", "https://api.deepseek.com/v1", "deepseek-chat"),
      at("openai-compatible", "https://api.moonshot.ai/v1", "kimi-k3"),
      at("openai-compatible", "http://localhost:8000/v1", "deepseek-ai/DeepSeek-V4"),
      at("openai", "http://gateway.example/v1", "kimi-k2-thinking"),
    ])
      expect(traitsOf(place)).toMatchObject({
        reasoningField: "reasoning_content",
        reasoningRequired: "always",
      });
  });

  test("lets the server decide over the model", () => {
    expect(traitsOf(at("openai-compatible", "https://api.groq.com/openai/v1", "kimi-k2.5"))).toMatchObject({
      reasoningField: "none",
      reasoningRequired: "never",
    });
    expect(
      traitsOf(at("openai-compatible", "https://openrouter.ai/api/v1", "deepseek/deepseek-v4")),
    ).toMatchObject({ reasoningField: "reasoning_details", reasoningRequired: "never" });
  });

  test("is not fooled by a host that only looks like one", () => {
    expect(traitsOf(at("openai-compatible", "https://mistral.ai.example.com/v1", "m")).callIds).toBe("plain");
    expect(traitsOf(at("openai-compatible", "https://notmistral.ai/v1", "m")).callIds).toBe("plain");
    expect(traitsOf(at("openai-compatible", "https://api.mistral.ai/v1", "m")).callIds).toBe("nine");
  });

  test("takes OpenAI's own wire only for OpenAI's own address", () => {
    expect(wireOf(at("openai", "https://api.openai.com/v1", "gpt-6"))).toBe("openai");
    expect(wireOf(at("openai", "http://127.0.0.1:4000/v1", "gpt-6"))).toBe("openai-compatible");
  });
});
