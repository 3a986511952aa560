import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { retryAfterOf } from "../../src/agent/native/retry-after.ts";
import {
  lastPrompt,
  type ModelServer,
  type Piece,
  type Reply,
  refuse,
  type Script,
  say,
  sentText,
  silence,
  startModelServer,
} from "../support/model-server.ts";
import { callsOf, echoTool, oneProvider, openNative, textOf } from "./native-host.ts";

let server: ModelServer;
beforeEach(async () => {
  server = await startModelServer();
});
afterEach(() => server.close());

/** Says this, and then the connection breaks: what was said is on its way by then. */
const broken =
  (how: "cut" | "reset", ...pieces: Piece[]): Script =>
  () =>
    say(...pieces, { until: new Promise((resolve) => setTimeout(resolve, 1)) }, { stop: how });

/** What one turn came to when the server answers so. */
async function turnWith(replies: (Reply | Script)[], options: Parameters<typeof openNative>[0] = {}) {
  server.enqueue(...replies);
  const waits: number[] = [];
  const native = await openNative({ config: oneProvider(server.baseUrl), waits, ...options });
  const turn = native.start("Do it");
  const result = await turn.result;
  const notices = turn.events.flatMap((event) => (event.type === "notice" ? [event] : []));
  await native.close();
  return {
    result,
    events: turn.events,
    notices,
    waits,
    transcript: native.transcript,
    requests: server.requests.length,
  };
}

describe("a provider that fails before it answers is asked again, visibly", () => {
  test.each([
    [408, "timeout"],
    [409, "conflict"],
    [429, "rate limited"],
    [500, "internal error"],
    [502, "bad gateway"],
    [503, "unavailable"],
    [529, "overloaded"],
  ])("status %i", async (status, brief) => {
    const { result, notices, requests } = await turnWith([refuse(status, "not now"), say("Done.")]);
    expect(result).toEqual({ outcome: "end_turn" });
    expect(requests).toBe(2);
    expect(notices).toEqual([
      {
        type: "notice",
        level: "warning",
        code: "retry",
        text: `local: ${status} ${brief} · retry 1/6 in 2 s`,
      },
    ]);
  });

  test("an HTML page of a proxy", async () => {
    const { result, notices } = await turnWith([
      { status: 502, body: "<html><h1>Bad Gateway</h1></html>" },
      say("Done."),
    ]);
    expect(result).toEqual({ outcome: "end_turn" });
    expect(notices[0]?.text).toContain("502 bad gateway");
  });

  test("an error event in a stream that began well", async () => {
    const event = `data: ${JSON.stringify({ error: { message: "upstream is overloaded", type: "overloaded_error" } })}\n\n`;
    const { result, notices } = await turnWith([say({ raw: event }), say("Done.")]);
    expect(result).toEqual({ outcome: "end_turn" });
    expect(notices[0]?.text).toContain("529 overloaded");
  });

  test("a connection that is reset", async () => {
    const { result, notices } = await turnWith([say({ stop: "reset" }), say("Done.")]);
    expect(result).toEqual({ outcome: "end_turn" });
    expect(notices).toHaveLength(1);
  });

  test("the delays double, and what the provider says is a lower bound", async () => {
    const { waits } = await turnWith([
      refuse(500, "a"),
      refuse(500, "b"),
      refuse(429, "c", { "retry-after": "30" }),
      refuse(429, "d", { "retry-after-ms": "1500" }),
      refuse(500, "e"),
      say("Done."),
    ]);
    expect(waits).toEqual([2000, 4000, 30_000, 16_000, 32_000]);
  });

  test("after the last try the turn ends with the provider's words", async () => {
    const { result, requests } = await turnWith(
      Array.from({ length: 8 }, () => refuse(503, "we are down")),
      { limits: { max_retries: 3 } },
    );
    expect(result).toEqual({
      outcome: "error",
      error: { code: "provider_error", message: "local answered 503: we are down.", retryable: true },
    });
    expect(requests).toBe(4);
  });

  test("a provider that asks for an hour is not waited for", async () => {
    const { result, requests } = await turnWith([refuse(429, "slow down", { "retry-after": "3600" })]);
    expect(requests).toBe(1);
    expect(result).toMatchObject({
      error: { code: "provider_rate_limited", retryable: true, retry_after_ms: 3_600_000 },
    });
    expect(result).toMatchObject({ error: { message: expect.stringContaining("60 min") } });
  });

  test("cancel ends the wait at once", async () => {
    const abort = new AbortController();
    server.enqueue(refuse(503, "down"));
    const native = await openNative({
      config: oneProvider(server.baseUrl),
      wait: (_ms, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason), { once: true });
          abort.abort();
        }),
    });
    const turn = native.start("Do it", { signal: abort.signal });
    expect(await turn.result).toEqual({ outcome: "canceled" });
    expect(server.requests).toHaveLength(1);
    await native.close();
  });
});

describe("what asking again cannot mend ends the turn", () => {
  test.each<[string, Reply, string, RegExp]>([
    [
      "a refused key",
      refuse(401, "Incorrect API key provided."),
      "provider_auth",
      /refused the request \(401: Incorrect API key provided\); the key came from providers\.local\.api_key/,
    ],
    ["a forbidden model", refuse(403, "not for you"), "provider_auth", /403/],
    [
      "a model that is not there",
      refuse(404, "The model `big` does not exist"),
      "model_unavailable",
      /does not serve the model local\/big/,
    ],
    ["a wrong address", refuse(404, "no route"), "provider_error", /Check providers\.local\.base_url/],
    [
      "an empty account",
      refuse(429, "You exceeded your current quota, please check your plan and billing details."),
      "provider_rate_limited",
      /no credit left/,
    ],
    [
      "a prompt that is too long",
      refuse(400, "This model's maximum context length is 8192 tokens."),
      "context_overflow",
      /no longer fits the context window of local\/big/,
    ],
    ["a body that is too large", refuse(413, "request too large"), "context_overflow", /no longer fits/],
    [
      "a redirect, which a key must not follow",
      { status: 307, headers: { location: "http://127.0.0.1:1/v1/chat/completions" }, body: "" },
      "provider_error",
      /somewhere else.*providers\.local\.base_url/,
    ],
    [
      "anything else that is wrong with the request",
      refuse(400, "unknown field"),
      "provider_error",
      /400: unknown field/,
    ],
  ])("%s", async (_name, reply, code, message) => {
    const { result, requests, notices } = await turnWith([reply]);
    expect(result).toMatchObject({
      outcome: "error",
      error: { code, retryable: false, message: expect.stringMatching(message) },
    });
    expect(requests).toBe(1);
    expect(notices).toEqual([]);
  });

  test("a server that is not there is tried three times", async () => {
    const closed = await startModelServer();
    await closed.close();
    const waits: number[] = [];
    const native = await openNative({ config: oneProvider(closed.baseUrl), waits });
    const result = await native.start("Do it").result;
    expect(result).toMatchObject({
      error: {
        code: "provider_unreachable",
        message: expect.stringMatching(
          /cannot be reached at .*connection refused.*providers\.local\.base_url/,
        ),
      },
    });
    expect(waits).toHaveLength(2);
    await native.close();
  });
});

test("a port that browsers may not use is a port like any other", async () => {
  const native = await openNative({ config: oneProvider("http://127.0.0.1:1/v1"), waits: [] });
  const result = await native.start("Do it").result;
  expect(result).toMatchObject({
    error: {
      code: "provider_unreachable",
      message: expect.stringContaining("cannot be reached at http://127.0.0.1:1/v1: connection refused"),
    },
  });
  await native.close();
});

describe("an answer that is cut off", () => {
  test("keeps its text and is gone on with, told that it was cut", async () => {
    const { result, transcript, events, notices } = await turnWith([
      broken("cut", "The first half"),
      say(" and the second."),
    ]);
    expect(result).toEqual({ outcome: "end_turn" });
    expect(textOf(events)).toBe("The first half and the second.");
    expect(notices[0]?.code).toBe("retry");
    expect(transcript.map((message) => [message.role, message.finish_reason])).toEqual([
      ["user", null],
      ["assistant", "tool_use"],
      ["assistant", "end_turn"],
    ]);
    const second = server.requests[1];
    expect(second?.body.messages.at(-2)).toMatchObject({ role: "assistant", content: "The first half" });
    expect(second === undefined ? "" : lastPrompt(second)).toMatch(/cut off here/);
  });

  test("never runs a call that was cut, even one whose arguments look whole", async () => {
    const { result, transcript } = await turnWith([
      broken("cut", { call_begin: "echo", id: "call_a" }, { args: '{"text":"never"}' }),
      say("Done."),
    ]);
    expect(result).toEqual({ outcome: "end_turn" });
    const [call] = callsOf(transcript);
    expect(call).toMatchObject({ status: "canceled", output: expect.stringContaining("Not run") });
  });

  test("does not repeat calls that were run before it", async () => {
    let ran = 0;
    const counting = {
      ...echoTool,
      async prepare() {
        ran += 1;
        return { text: `ran ${ran}` };
      },
    };
    const { result } = await turnWith(
      [say({ call: "echo", input: { text: "a" } }), broken("reset", "Half"), say("Done.")],
      { tools: [counting] },
    );
    expect(result).toEqual({ outcome: "end_turn" });
    expect(ran).toBe(1);
    expect(sentText(await server.request(2))).toContain("ran 1");
  });

  test("is given up after four more tries", async () => {
    const { result, requests } = await turnWith(Array.from({ length: 9 }, () => broken("cut", "Half")));
    expect(result).toMatchObject({ outcome: "error", error: { code: "provider_error", retryable: true } });
    expect(requests).toBe(5);
  });
});

describe("a provider that stalls", () => {
  // Long enough for a busy machine to answer the second try in.
  const limits = { stall_notice_ms: 30, stall_first_byte_ms: 1500, stall_progress_ms: 1500, max_retries: 1 };

  test("before its first byte is shown and asked again", async () => {
    const { result, notices, requests } = await turnWith([silence(), say("Done.")], { limits });
    expect(result).toEqual({ outcome: "end_turn" });
    expect([...new Set(notices.map(({ code }) => code))]).toEqual(["stall", "retry"]);
    expect(requests).toBe(2);
    expect((await (await server.request(0)).closed).by).toBe("client");
  });

  test("after a token keeps the token, keep-alive comments notwithstanding", async () => {
    const pulse: Reply["pieces"] = Array.from({ length: 40 }, () => [
      { until: new Promise((resolve) => setTimeout(resolve, 0)) },
      { raw: ": keep-alive\n\n" },
    ]).flat();
    const { result, events, notices } = await turnWith(
      [say("One ", ...pulse, { stop: "hang" }), say("two.")],
      // On a busy machine the first byte has its time: what is looked at is the silence after it.
      { limits: { ...limits, stall_first_byte_ms: 20_000, stall_progress_ms: 200 } },
    );
    expect(result).toEqual({ outcome: "end_turn" });
    expect(textOf(events)).toBe("One two.");
    expect([...new Set(notices.map(({ code }) => code))]).toEqual(["stall", "retry"]);
  });

  test("for good ends the turn with provider_stalled", async () => {
    const { result } = await turnWith([silence(), silence()], { limits });
    expect(result).toMatchObject({ outcome: "error", error: { code: "provider_stalled", retryable: true } });
  });
});

describe("what a provider says about waiting", () => {
  const now = Date.parse("2026-11-21T12:00:00Z");
  test.each<[string, Record<string, string>, string, number | undefined]>([
    ["seconds", { "retry-after": "3" }, "", 3000],
    ["a fraction of seconds", { "retry-after": "0.5" }, "", 500],
    ["milliseconds, which count more", { "retry-after-ms": "1500", "retry-after": "60" }, "", 1500],
    ["a date", { "retry-after": "Sat, 21 Nov 2026 12:00:10 GMT" }, "", 10_000],
    ["a date that is over", { "retry-after": "Sat, 21 Nov 2026 11:00:00 GMT" }, "", undefined],
    ["a negative number", { "retry-after": "-5" }, "", undefined],
    ["garbage", { "retry-after": "soon, maybe 7" }, "", undefined],
    ["an empty value", { "retry-after": "" }, "", undefined],
    ["nothing", {}, "", undefined],
    ["Google's own field", {}, '{"error":{"details":[{"retryDelay": "34.4s"}]}}', 34_400],
    ["a sentence", {}, "Limit 8000, Used 7433. Please try again in 8.1225s. Need more?", 8_123],
    ["a sentence in minutes", {}, "Please try again in 1m30.5s.", 90_500],
    ["a sentence in milliseconds", {}, "Please retry after 520ms", 520],
    ["a sentence in words", {}, "Please wait 2 minutes before you ask again", 120_000],
    ["a field of the body", {}, '{"detail":"busy","retry_after":20}', 20_000],
    ["a sentence without a time", {}, "Please try again in a moment, 5 apples", undefined],
  ])("%s", (_name, headers, body, expected) => {
    expect(retryAfterOf(headers, body, now)).toBe(expected);
  });
});
