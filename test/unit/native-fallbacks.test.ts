// When the chosen model keeps failing, the next one of fallback_models answers, and everybody sees it.
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Config } from "../../src/protocol/config.ts";
import { type ModelServer, refuse, say, startModelServer } from "../support/model-server.ts";
import { openNative } from "./native-host.ts";

let server: ModelServer;
beforeEach(async () => {
  server = await startModelServer();
});
afterEach(() => server.close());

const config = (fallback_models: string[]): Config => ({
  model: "local/first",
  fallback_models,
  providers: {
    local: { type: "openai-compatible", base_url: server.baseUrl },
    keyless: { type: "anthropic", api_key: "env:NOT_THERE" },
  },
});
const askedFor = () => server.requests.map(({ body }) => body["model"]);
const byModel = (answers: Record<string, () => ReturnType<typeof say>>) =>
  server.script(({ body }) => answers[String(body["model"])]?.() ?? say("Done."));

test("after its retries; what cannot be used is passed over, and the rest of the turn stays with it", async () => {
  byModel({ first: () => refuse(529, "Overloaded"), second: () => refuse(402, "Insufficient credits") });
  const native = await openNative({
    config: config(["local/first", "keyless/x", "local/second", "local/third@high"]),
    limits: { max_retries: 2 },
  });
  const run = native.start("Go");
  expect(await run.result).toEqual({ outcome: "end_turn" });
  expect(askedFor()).toEqual(["first", "first", "first", "second", "third"]);
  expect(server.requests.at(-1)?.body).toMatchObject({ reasoning_effort: "high" });
  const notices = run.events.flatMap((event) =>
    event.type === "notice" && event.code === "fallback" ? [event.text] : [],
  );
  expect(notices).toEqual([
    "local: 529 overloaded · local/second answers instead of local/first",
    expect.stringMatching(/^local: 402 .* · local\/third answers instead of local\/second$/),
  ]);
  const steps = run.events.flatMap((event) => (event.type === "step_started" ? [event.model] : []));
  expect(steps).toEqual(["local/first", "local/second", "local/third"]);
  await native.close();
});

test("not for what another model would refuse as well, and not without end", async () => {
  byModel({ first: () => refuse(401, "Invalid API key") });
  const native = await openNative({ config: config(["local/second"]), limits: { max_retries: 0 } });
  expect(await native.start("Go").result).toMatchObject({
    outcome: "error",
    error: { code: "provider_auth" },
  });
  byModel({ first: () => refuse(529, "Overloaded"), second: () => refuse(503, "Unavailable") });
  expect(await native.start("Again").result).toMatchObject({
    outcome: "error",
    error: { code: "provider_error", message: expect.stringContaining("503") },
  });
  await native.close();
});
