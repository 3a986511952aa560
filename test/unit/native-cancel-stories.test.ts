// A turn is canceled in each phase on each wire, and the next prompt works against a server that is strict.
import { afterEach, describe, expect, test } from "vitest";
import type { BackendEvent } from "../../src/agent/backend.ts";
import {
  type ModelServer,
  type Reply,
  refuse,
  say,
  silence,
  startModelServer,
} from "../support/model-server.ts";
import { responsesFaults } from "../support/strict-provider.ts";
import { echoTool, nativeWires, onWire, openNative } from "./native-host.ts";

let server: ModelServer;
afterEach(() => server.close());

/** Begins when the call has, and ends when the turn is canceled. */
const slowTool = {
  ...echoTool,
  name: "slow",
  prepare: async (_input: unknown, { signal }: { signal: AbortSignal }) => ({
    run: () =>
      new Promise<never>((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      }),
  }),
};

type Phase = [string, Reply, (event: BackendEvent) => boolean];
const never = new Promise(() => {});
const phases: Phase[] = [
  ["after the headers", say({ raw: ": nothing yet\n\n" }, { until: never }), () => false],
  ["in the text", say("Some text", { stop: "hang" }), ({ type }) => type === "text_delta"],
  ["in the reasoning", say({ reasoning: "Hm" }, { stop: "hang" }), ({ type }) => type === "reasoning_delta"],
  [
    "in the arguments of a call",
    say("I call.", { call_begin: "echo" }, { args: '{"te' }, { stop: "hang" }),
    ({ type }) => type === "text_delta",
  ],
  [
    "while a tool runs",
    say("I run.", { call: "slow", input: { text: "x" } }),
    (event) => event.type === "tool_call_updated" && event.status === "running",
  ],
];

describe.each(nativeWires)("a turn with a model of type %s", (type) => {
  async function story(reply: Reply, isThere: (event: BackendEvent) => boolean, abortAtRequest: boolean) {
    // Its checks are those of the other two wires.
    server = await startModelServer({ isStrict: type !== "google" && type !== "openai" });
    server.enqueue(reply);
    const abort = new AbortController();
    const { config, env } = onWire(server, type);
    const native = await openNative({
      config,
      tools: [echoTool, slowTool],
      wait: (_ms, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason), { once: true });
          abort.abort();
        }),
    });
    const turn = native.start("Do it", {
      env,
      signal: abort.signal,
      onEvent: (event) => {
        if (isThere(event)) abort.abort();
      },
    });
    if (abortAtRequest) {
      await server.request(0);
      abort.abort();
    }
    expect(await turn.result).toEqual({ outcome: "canceled" });
    expect((await (await server.request(0)).closed).by).toBeDefined();
    server.enqueue(say("Fine."));
    const next = native.start("And now?", { env });
    expect(await next.result).toEqual({ outcome: "end_turn" });
    expect(JSON.stringify((await server.request(1)).body)).toContain("And now?");
    expect(server.requests).toHaveLength(2);
    expect(server.violations).toEqual([]);
    if (type === "google") {
      const { contents } = (await server.request(1)).body as unknown as { contents: { role: string }[] };
      expect(contents.filter(({ role }, at) => role === contents[at - 1]?.role)).toEqual([]);
    }
    if (type === "openai") expect(responsesFaults((await server.request(1)).body)).toEqual([]);
    await native.close();
  }

  test("canceled before the headers goes on with the next prompt", () => story(silence(), () => false, true));
  test("canceled while it waits to ask again goes on with the next prompt", () =>
    story(refuse(503, "down"), () => false, false));
  test.each(phases)("canceled %s goes on with the next prompt", (name, reply, isThere) =>
    story(reply, isThere, name === "after the headers"),
  );
});
