// What an answer that never became whole has said and cost is in what the run says at its end.
import { afterEach, expect, test } from "vitest";
import { limitDefaults } from "../../src/protocol/config.ts";
import { type ModelServer, say, startModelServer } from "../support/model-server.ts";
import { nativeWires, onWire, openNative } from "./native-host.ts";

let server: ModelServer;
afterEach(() => server?.close());

test.each(nativeWires)(
  "a try that broke off counts beside the one after it, on the wire of %s",
  async (type) => {
    server = await startModelServer({ isStrict: false });
    const { config, env } = onWire(server, type);
    const native = await openNative({ config, limits: { ...limitDefaults, max_retries: 2 } });
    const heard = Promise.withResolvers<void>();
    server.enqueue(say("I begin. ".repeat(40), { until: heard.promise }, { stop: "cut" }), {
      ...say("And I end."),
      usage: { input: 1_000, output: 7 },
    });
    const turn = native.start("Go", {
      env,
      onEvent: ({ type: event }) => event === "text_delta" && heard.resolve(),
    });
    expect(await turn.result).toEqual({ outcome: "end_turn" });
    const { usage, cost } = turn.recorder;
    // 360 characters, four to a token, and the request that was made twice.
    expect(usage.output_tokens).toBeGreaterThanOrEqual(90 + 7);
    expect(usage.input_tokens).toBeGreaterThan(1_000 + 50);
    expect(cost).toBeCloseTo((usage.input_tokens + 2 * usage.output_tokens) / 1_000_000, 9);
    const message = native.transcript.at(-1);
    const text = message && turn.recorder.answerText(message);
    expect(text).toContain("I begin. I begin.");
    expect(text?.endsWith("And I end.")).toBe(true);
    await native.close();
  },
);

test.each(nativeWires)(
  "a turn that is canceled in the middle has cost what came, on the wire of %s",
  async (type) => {
    server = await startModelServer({ isStrict: false });
    const { config, env } = onWire(server, type);
    const native = await openNative({ config });
    server.enqueue(say("I begin. ".repeat(400), { stop: "hang" }));
    const abort = new AbortController();
    const turn = native.start("Go", {
      ...{ env, signal: abort.signal },
      onEvent: ({ type: event }) => event === "text_delta" && abort.abort(),
    });
    expect(await turn.result).toEqual({ outcome: "canceled" });
    expect(turn.recorder.usage.output_tokens).toBeGreaterThanOrEqual(900);
    expect(turn.recorder.usage.input_tokens).toBeGreaterThan(50);
    expect(turn.recorder.cost).toBeGreaterThan(0);
    await native.close();
  },
);
