import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/** A list in models.dev's format, with one model that no shipped list has, and things that are no models. */
export const modelsDevList = JSON.stringify({
  anthropic: {
    id: "anthropic",
    env: ["ANTHROPIC_API_KEY"],
    npm: "@ai-sdk/anthropic",
    name: "Anthropic",
    models: {
      "claude-next-9": {
        id: "claude-next-9",
        name: "Claude Next 9",
        release_date: "2027-01-01",
        attachment: true,
        reasoning: true,
        tool_call: true,
        reasoning_options: [{ type: "toggle" }, { type: "effort", values: ["high", null, "low", "odd"] }],
        modalities: { input: ["text", "image", "pdf"], output: ["text"] },
        limit: { context: 2_000_000, output: 128_000 },
        cost: {
          ...{ input: 3, output: 15, cache_read: 0.3 },
          tiers: [{ tier: { type: "context", size: 200_000 }, input: 6, output: 22.5, cache_read: 0.6 }],
        },
      },
      "claude-budget-1": {
        name: "Claude Budget",
        release_date: "2026-01-01",
        reasoning: true,
        tool_call: true,
        reasoning_options: [{ type: "budget_tokens", min: 1024 }],
        modalities: { input: ["text"], output: ["text"] },
        limit: { context: 200_000, output: 64_000 },
      },
      "claude-old": { name: "Old", status: "deprecated", limit: { context: 1, output: 1 } },
      "claude-paint": {
        modalities: { input: ["text"], output: ["image"] },
        limit: { context: 9, output: 9 },
      },
      "claude-broken": { limit: "none" },
      "claude-null": null,
    },
  },
  somebody: { models: { m: { limit: { context: 1000, output: 1000 } } } },
});

/** Serves a text at the address returned, until the test ends. */
export async function serveText(text: string, status = 200): Promise<string> {
  const server = createServer((_, response) => response.writeHead(status).end(text));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/api.json`;
}
