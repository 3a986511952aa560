// Long because each row is an error that a provider has been seen to send.
// Errors say their kind by code, type and status; words come last, and nobody is shown JSON (providers.md 10, 11).
import { describe, expect, test } from "vitest";
import { askRaw, rawWires } from "../support/raw-model.ts";

type Row = [
  string,
  number,
  unknown,
  { code: string; isRetryable: boolean; retryAfterMs?: number; status?: number },
  RegExp,
];
const openai = (message: string, more: object = {}) => ({
  error: { message, type: "invalid_request_error", param: null, code: null, ...more },
});
const google = (code: number, message: string, status: string, details: unknown[] = []) => ({
  error: { code, message, status, details },
});

const rows: Row[] = [
  [
    "Groq's rate limit that mentions billing",
    429,
    openai(
      "Rate limit reached for model `x` on tokens per minute (TPM): Limit 8000, Used 7433, Requested 1650. Please try again in 8.1225s. Need more tokens? Visit https://console.groq.com/settings/billing",
      { type: "tokens", code: "rate_limit_exceeded" },
    ),
    { code: "provider_rate_limited", isRetryable: true, retryAfterMs: 8123 },
    /limits the rate/,
  ],
  [
    "Gemini's rate limit that mentions the quota",
    429,
    google(
      429,
      "You exceeded your current quota, please check your plan and billing details.",
      "RESOURCE_EXHAUSTED",
      [{ "@type": "x.RetryInfo", retryDelay: "34.4s" }],
    ),
    { code: "provider_rate_limited", isRetryable: true, retryAfterMs: 34_400 },
    /limits the rate/,
  ],
  [
    "Gemini's quota of the day",
    429,
    google(429, "You exceeded your current quota.", "RESOURCE_EXHAUSTED", [
      { violations: [{ quotaId: "GenerateRequestsPerDayPerProjectPerModel-FreeTier" }] },
      { retryDelay: "34s" },
    ]),
    { code: "provider_rate_limited", isRetryable: false },
    /no more requests of this key today/,
  ],
  [
    "an empty account of OpenAI",
    429,
    openai("You exceeded your current quota, please check your plan and billing details.", {
      type: "insufficient_quota",
      code: "insufficient_quota",
    }),
    { code: "provider_rate_limited", isRetryable: false },
    /no credit left/,
  ],
  [
    "an empty account of Anthropic",
    400,
    {
      type: "error",
      error: {
        type: "invalid_request_error",
        message: "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing.",
      },
    },
    { code: "provider_error", isRetryable: false },
    /no credit left/,
  ],
  [
    "an empty account of xAI",
    403,
    {
      code: "The caller does not have permission",
      error: "Your newly created team doesn't have any credits or licenses yet.",
    },
    { code: "provider_error", isRetryable: false },
    /no credit left.*any credits/,
  ],
  [
    "a request larger than the minute's limit, as 413",
    413,
    openai(
      "Request too large for model `x` on tokens per minute (TPM): Limit 8000, Requested 12815, please reduce your message size.",
      { type: "tokens", code: "rate_limit_exceeded" },
    ),
    { code: "provider_rate_limited", isRetryable: false },
    /larger than what Raw allows/,
  ],
  [
    "a request larger than the minute's limit, as 429",
    429,
    openai(
      "Request too large for gpt-4 in organization o on tokens per min (TPM): Limit 30,000, Requested 40,000.",
      { type: "tokens", code: "rate_limit_exceeded" },
    ),
    { code: "provider_rate_limited", isRetryable: false },
    /larger than what Raw allows/,
  ],
  [
    "a wrong key of Gemini",
    400,
    google(400, "API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT", [
      { reason: "API_KEY_INVALID" },
    ]),
    { code: "provider_auth", isRetryable: false },
    /Set a valid key in RAW_API_KEY/,
  ],
  [
    "a wrong key in an array",
    400,
    [
      {
        error: {
          code: 400,
          message: "API key not valid. Please pass a valid API key.",
          status: "INVALID_ARGUMENT",
        },
      },
    ],
    { code: "provider_auth", isRetryable: false },
    /\(400: API key not valid/,
  ],
  [
    "a wrong key of xAI",
    400,
    { code: "Client specified an invalid argument", error: "Incorrect API key provided: na***ys." },
    { code: "provider_auth", isRetryable: false },
    /Incorrect API key/,
  ],
  [
    "Unauthorized in `detail`",
    401,
    { detail: "Unauthorized" },
    { code: "provider_auth", isRetryable: false },
    /\(401: Unauthorized\)/,
  ],
  [
    "a model that the key may not use",
    403,
    openai("Project `p` does not have access to model `m`", { code: "model_not_found" }),
    { code: "model_unavailable", isRetryable: false },
    /does not serve the model/,
  ],
  [
    "the wrong part of the world",
    403,
    openai("Country, region, or territory not supported", {
      type: "request_forbidden",
      code: "unsupported_country_region_territory",
    }),
    { code: "provider_error", isRetryable: false },
    /is not available where /,
  ],
  [
    "the wrong part of the world, as 400",
    400,
    google(400, "User location is not supported for the API use.", "FAILED_PRECONDITION"),
    { code: "provider_error", isRetryable: false },
    /is not available where /,
  ],
  [
    "moderation",
    403,
    { error: { code: 403, message: "Your input was flagged", metadata: { reasons: ["violence"] } } },
    { code: "provider_error", isRetryable: false },
    /refused what the conversation contains/,
  ],
  [
    "something else that is forbidden",
    403,
    openai("not for you"),
    { code: "provider_auth", isRetryable: false },
    /does not allow this request.*Check what this key may do/,
  ],
  [
    "Anthropic's unknown model",
    404,
    { type: "error", error: { type: "not_found_error", message: "model: claude-sonet" } },
    { code: "model_unavailable", isRetryable: false },
    /model: claude-sonet/,
  ],
  [
    "Gemini's unknown model",
    404,
    google(
      404,
      "models/gemini-9 is not found for API version v1beta, or is not supported for generateContent.",
      "NOT_FOUND",
    ),
    { code: "model_unavailable", isRetryable: false },
    /does not serve/,
  ],
  [
    "Mistral's unknown model",
    400,
    { object: "error", message: "Invalid model: devstral-9", type: "invalid_model", code: "1500" },
    { code: "model_unavailable", isRetryable: false },
    /Invalid model/,
  ],
  [
    "Ollama's unknown model",
    404,
    openai('model "gemma3:4b" not found, try pulling it first'),
    { code: "model_unavailable", isRetryable: false },
    /try pulling it/,
  ],
  [
    "a wrong path",
    404,
    openai("Not Found"),
    { code: "provider_error", isRetryable: false },
    /Check RAW_BASE_URL/,
  ],
  [
    "a full window of OpenAI",
    400,
    openai("Your input exceeds the context window of this model.", { code: "context_length_exceeded" }),
    { code: "context_overflow", isRetryable: false },
    /no longer fits/,
  ],
  [
    "a full window of Anthropic",
    400,
    {
      type: "error",
      error: {
        type: "invalid_request_error",
        message: "input length and `max_tokens` exceed context limit: 188240 + 32000 > 200000",
      },
    },
    { code: "context_overflow", isRetryable: false },
    /no longer fits/,
  ],
  [
    "a full window of LM Studio, as a text",
    400,
    { error: "Trying to keep the first 9120 tokens when context the overflows." },
    { code: "context_overflow", isRetryable: false },
    /no longer fits/,
  ],
  [
    "a body that is too large",
    413,
    {
      type: "error",
      error: { type: "request_too_large", message: "Request exceeds the maximum allowed number of bytes." },
    },
    { code: "context_overflow", isRetryable: false },
    /no longer fits/,
  ],
  [
    "a call that Groq refuses",
    400,
    openai("Tool call validation failed", { code: "tool_use_failed", failed_generation: '{"name":"read"}' }),
    { code: "provider_error", isRetryable: true },
    /refused a tool call that/,
  ],
  [
    "objects in `message`",
    422,
    {
      object: "error",
      message: {
        detail: [
          {
            type: "extra_forbidden",
            loc: ["body", "max_completion_tokens"],
            msg: "Extra inputs are not permitted",
            input: 32000,
          },
        ],
      },
    },
    { code: "provider_error", isRetryable: false },
    /422: body\.max_completion_tokens: Extra inputs are not permitted/,
  ],
  [
    "what a gateway passes on",
    429,
    {
      error: {
        code: 429,
        message: "Provider returned error",
        metadata: {
          raw: "x is temporarily rate-limited upstream. Please retry shortly",
          provider_name: "Google",
        },
      },
    },
    { code: "provider_rate_limited", isRetryable: true },
    /429: x is temporarily rate-limited/,
  ],
  [
    "JSON in what a gateway passes on",
    400,
    {
      error: {
        code: 400,
        message: "Provider returned error",
        metadata: { raw: '{"error":{"message":"Thinking is required","type":"invalid_request_error"}}' },
      },
    },
    { code: "provider_error", isRetryable: false },
    /400: Thinking is required/,
  ],
  [
    "a model that loads",
    503,
    { error: { message: "Loading model", type: "unavailable_error", code: 503 } },
    { code: "provider_error", isRetryable: true },
    /Loading model/,
  ],
  [
    "what cannot be done here",
    501,
    { error: "Not implemented" },
    { code: "provider_error", isRetryable: false },
    /501/,
  ],
];

/** Every form of a body that a person must never see. */
const raw = /[{[]"|"type":|<html|\\"/;

describe("an error before the answer", () => {
  test.each(rows)("%s", async (_name, status, body, expected, message) => {
    const { error } = await askRaw("chat", {
      status,
      body: JSON.stringify(body),
      headers: { "content-type": "application/json" },
    });
    expect(error).toMatchObject({ ...expected, message: expect.stringMatching(message) });
    expect((error as Error).message).not.toMatch(raw);
  });

  test.each(rawWires)("is read alike by the wire %s", async (wire) => {
    const { error } = await askRaw(wire, {
      status: 429,
      body: JSON.stringify(google(429, "Slow down.", "RESOURCE_EXHAUSTED", [{ retryDelay: "3s" }])),
    });
    expect(error).toMatchObject({ code: "provider_rate_limited", isRetryable: true, retryAfterMs: 3000 });
  });

  test("a key that the server repeats is not shown", async () => {
    const { error } = await askRaw("chat", {
      status: 401,
      body: JSON.stringify(openai("Wrong key key-for-tests.")),
    });
    expect((error as Error).message).toContain("Wrong key [redacted]");
  });
});

describe("an error inside the answer", () => {
  test.each<[string, (typeof rawWires)[number], unknown, object]>([
    [
      "Anthropic's",
      "anthropic",
      { type: "error", error: { type: "overloaded_error", message: "Overloaded" } },
      { brief: "529 overloaded", isRetryable: true },
    ],
    [
      "OpenRouter's with a number",
      "chat",
      {
        error: { code: 502, message: "Provider disconnected" },
        choices: [{ index: 0, delta: { content: "" }, finish_reason: "error" }],
      },
      { brief: "502 bad gateway", isRetryable: true },
    ],
    [
      "OpenRouter's with a word",
      "chat",
      {
        error: { code: "rate_limit_exceeded", message: "Rate limit exceeded" },
        choices: [{ index: 0, delta: {}, finish_reason: "error" }],
      },
      { code: "provider_rate_limited", isRetryable: true },
    ],
    [
      "Groq's refused call",
      "chat",
      {
        error: {
          message: "Failed to call a function.",
          type: "invalid_request_error",
          code: "tool_use_failed",
          failed_generation: "{",
        },
      },
      { brief: "a tool call was refused", isRetryable: true },
    ],
    ["a text", "chat", { error: "it broke" }, { brief: "it broke", isRetryable: true }],
    [
      "OpenAI's own",
      "responses",
      { type: "error", code: "server_is_overloaded", message: "Try later." },
      { brief: "529 overloaded", isRetryable: true },
    ],
    [
      "OpenAI's failed response",
      "responses",
      {
        type: "response.failed",
        response: { status: "failed", error: { code: "context_length_exceeded", message: "Too long." } },
      },
      { code: "context_overflow", isRetryable: false },
    ],
    [
      "Gemini's",
      "google",
      google(503, "The model is overloaded.", "UNAVAILABLE"),
      { brief: "503 unavailable", isRetryable: true },
    ],
  ])("%s is told apart", async (_name, wire, event, expected) => {
    const { error } = await askRaw(wire, { body: `data: ${JSON.stringify(event)}\n\n` });
    expect(error).toMatchObject(expected);
    expect((error as Error).message).not.toMatch(raw);
  });
});
