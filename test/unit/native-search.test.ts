import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Config } from "../../src/protocol/config.ts";
import { type ModelServer, type Reply, refuse, say, startModelServer } from "../support/model-server.ts";
import { geminiFaults, responsesFaults } from "../support/strict-provider.ts";
import { callsOf, oneProvider, onWire, openNative, partsOf } from "./native-host.ts";

let server: ModelServer;
beforeEach(async () => {
  server = await startModelServer();
});
afterEach(async () => {
  expect(server.violations).toEqual([]);
  await server.close();
});

type Json = { [key: string]: unknown };
const searching = (config: Config): Config => ({ ...config, tools: { search: "provider" } });
const raw = (events: readonly Json[]): Reply =>
  say({ raw: events.map((event) => `data: ${JSON.stringify(event)}\n\n`).join("") });
const toolsOf = (body: Json) => (body["tools"] as Json[]).map((tool) => tool["type"] ?? tool["name"]);
/** The texts of two requests, where the second must begin like the first. */
const beginsAlike = (earlier: readonly unknown[], later: readonly unknown[]) =>
  expect(JSON.stringify(withoutMarks(later.slice(0, earlier.length)))).toBe(
    JSON.stringify(withoutMarks(earlier)),
  );
/** The marks of the cached prefix move on by design. */
const withoutMarks = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (key, inner) => (key === "cache_control" ? undefined : inner)));

const echo = { call: "echo", input: { text: "a" } } as const;
const page = { url: "https://a.example/x", title: "About <hearth>x</hearth>", page_age: null };
const found = { type: "web_search_result", ...page, encrypted_content: "sealed_1" };
const citation = {
  ...{ type: "web_search_result_location", url: page.url, title: page.title },
  ...{ encrypted_index: "sealed_1", cited_text: "It is so." },
};
const searchBlock = { type: "server_tool_use", id: "srvtoolu_01", name: "web_search", input: {} };
const resultBlock = { type: "web_search_tool_result", tool_use_id: "srvtoolu_01", content: [found] };

/** Content blocks as Anthropic streams them. */
function blocks(list: readonly Json[], stop_reason: string): Reply {
  const events = list.flatMap((block, index): Json[] => {
    const delta = (fields: Json) => ({ type: "content_block_delta", index, delta: fields });
    const { text, citations = [], query, ...start } = block;
    return [
      {
        ...{ type: "content_block_start", index },
        content_block: text === undefined ? start : { ...start, text: "" },
      },
      ...(query === undefined
        ? []
        : [delta({ type: "input_json_delta", partial_json: JSON.stringify({ query }) })]),
      ...(citations as Json[]).map((one) => delta({ type: "citations_delta", citation: one })),
      ...(text === undefined ? [] : [delta({ type: "text_delta", text })]),
      { type: "content_block_stop", index },
    ];
  });
  const usage = { input_tokens: 100, output_tokens: 10 };
  return raw([
    { type: "message_start", message: { usage } },
    ...events,
    { type: "message_delta", delta: { stop_reason }, usage },
    { type: "message_stop" },
  ]);
}
const answered = [
  { type: "text", text: "I look." },
  { ...searchBlock, query: "is it so" },
  resultBlock,
  { type: "text", text: "It is " },
  { type: "text", text: "so", citations: [citation] },
  { type: "text", text: " " },
  { type: "text", text: "Now." },
];

describe("Anthropic's search of the web", () => {
  const config = (model = "claude-sonnet-5-5") => oneProvider(server.baseUrl, "anthropic", model);
  const open = (more: Parameters<typeof openNative>[0] = {}) =>
    openNative({ config: searching(config()), ...more });

  test("is offered only where it is switched on, beside tools, to models that have it", async () => {
    for (const each of [config(), searching(config()), searching(config("glm-5"))]) {
      const native = await openNative({ config: each });
      await native.start("Go").result;
      await native.close();
    }
    expect(server.requests.map(({ body }) => toolsOf(body))).toEqual([
      ["echo"],
      ["web_search_20250305", "echo"],
      ["echo"],
    ]);
  });

  test("is shown like a call with its sources, is not asked about, and its text is one text", async () => {
    server.enqueue(blocks(answered, "end_turn"));
    const native = await open({ verdict: async () => ({ decision: "deny", message: "never" }) });
    const turn = native.start("Is it so?");
    expect(await turn.result).toEqual({ outcome: "end_turn" });
    expect(callsOf(native.transcript)).toMatchObject([
      {
        ...{ tool_call_id: "srvtoolu_01", name: "web_search", title: "is it so", status: "completed" },
        ...{ provider_run: true, input: { query: "is it so" } },
        output: "About ‹hearth>x‹/hearth> · https://a.example/x",
      },
    ]);
    const texts = partsOf(native.transcript).flatMap((part) => (part.type === "text" ? part.text : []));
    expect(texts).toEqual(["Is it so?", "I look.", "It is so Now."]);
    await native.close();
  });

  test("goes back as it was, with its id and citations, also after a restart, and the beginning stays", async () => {
    server.enqueue(blocks(answered, "end_turn"), say(echo), say("Done."), say("Again."));
    const native = await open();
    await native.start("Is it so?").result;
    await native.start("Go").result;
    const first = (await server.request(0)).body.messages;
    const second = (await server.request(1)).body.messages;
    const third = (await server.request(2)).body.messages;
    expect(withoutMarks(second[1]?.content)).toEqual([
      { type: "text", text: "I look." },
      { ...searchBlock, input: { query: "is it so" } },
      resultBlock,
      { type: "text", text: "It is " },
      { type: "text", text: "so ", citations: [citation] },
      { type: "text", text: "Now." },
    ]);
    beginsAlike(first, second);
    beginsAlike(second, third);
    const later = await open({ kept: native.kept(), said: native.transcript });
    await later.start("And?").result;
    beginsAlike(third, (await server.request(3)).body.messages);
    await native.close();
    await later.close();
  });

  test("keeps its id where hearth's own calls beside it get other ones", async () => {
    const call = { type: "tool_use", name: "echo", input: { text: "a" } };
    const other = [
      { ...searchBlock, id: "srvtoolu_02", query: "y" },
      { ...resultBlock, tool_use_id: "srvtoolu_02" },
    ];
    server.enqueue(
      blocks([...answered.slice(0, 3), { ...call, id: "a.b" }], "tool_use"),
      blocks([...other, { ...call, id: "a_b" }], "tool_use"),
    );
    const native = await open();
    expect(await native.start("Go").result).toEqual({ outcome: "end_turn" });
    const sent = JSON.stringify((await server.request(2)).body.messages);
    expect(sent.match(/"(tool_use_)?id":"[^"]+"/g)).toEqual([
      ...['"id":"srvtoolu_01"', '"tool_use_id":"srvtoolu_01"', '"id":"a_b"', '"tool_use_id":"a_b"'],
      ...['"id":"srvtoolu_02"', '"tool_use_id":"srvtoolu_02"', '"id":"a_b_2"', '"tool_use_id":"a_b_2"'],
    ]);
    await native.close();
  });

  test("that it pauses for goes on in the same answer, and both requests are paid for", async () => {
    const [, , , ...end] = answered;
    server.enqueue(
      blocks(answered.slice(0, 2), "pause_turn"),
      blocks([resultBlock, ...end], "end_turn"),
      say("Done."),
    );
    const native = await open();
    const turn = native.start("Is it so?");
    expect(await turn.result).toEqual({ outcome: "end_turn" });
    expect(turn.recorder.usage).toMatchObject({ input_tokens: 200, output_tokens: 20 });
    const again = (await server.request(1)).body.messages;
    expect(withoutMarks(again.at(-1))).toEqual({
      role: "assistant",
      content: [
        { type: "text", text: "I look." },
        { ...searchBlock, input: { query: "is it so" } },
      ],
    });
    expect(callsOf(native.transcript)).toMatchObject([{ title: "is it so", status: "completed" }]);
    await native.start("Go").result;
    const later = (await server.request(2)).body.messages;
    beginsAlike((await server.request(0)).body.messages, later);
    expect(later.map(({ role }) => role)).toEqual(["user", "assistant", "user"]);
    await native.close();
  });

  test("that failed or never ended is no search for the model, and the turn goes on", async () => {
    const error = { type: "web_search_tool_result_error", error_code: "max_uses_exceeded" };
    server.enqueue(
      blocks(
        [
          { ...searchBlock, query: "x" },
          { ...resultBlock, content: error },
          { type: "text", text: "No." },
        ],
        "end_turn",
      ),
      blocks(
        [
          { type: "text", text: "I look." },
          { ...searchBlock, id: "srvtoolu_02", query: "y" },
        ],
        "end_turn",
      ),
      say("Done."),
    );
    const native = await open();
    for (const prompt of ["One", "Two", "Three"])
      expect(await native.start(prompt).result).toEqual({ outcome: "end_turn" });
    expect(callsOf(native.transcript)).toMatchObject([
      { status: "failed", output: "no more searches in this answer" },
      { status: "canceled" },
    ]);
    const { messages } = (await server.request(2)).body;
    expect(messages[1]?.content).toMatchObject([searchType, { content: error }, { text: "No." }]);
    expect(withoutMarks(messages[3]?.content)).toEqual([{ type: "text", text: "I look." }]);
    await native.close();
  });

  test("is text to every other model, and to the same one when it is switched off", async () => {
    server.enqueue(blocks(answered, "end_turn"));
    const native = await open();
    await native.start("Is it so?").result;
    const others = [config(), searching(config("glm-5")), searching(oneProvider(server.baseUrl))];
    for (const each of others) {
      const other = await open({ config: each, kept: native.kept(), said: native.transcript });
      expect(await other.start("Go").result).toEqual({ outcome: "end_turn" });
      await other.close();
      const sent = JSON.stringify(server.requests.at(-1)?.body.messages);
      expect(sent).toContain("https://a.example/x");
      expect(sent).toMatch(/<hearth>The provider of the model that answered here searched the web/);
      expect(sent).toContain("About ‹hearth>x‹/hearth>");
      expect(sent).not.toMatch(/srvtoolu|sealed|citations/);
    }
    await native.close();
  });

  test("that is refused is left out from then on, of the history too, and the turn goes on", async () => {
    server.enqueue(blocks(answered, "end_turn"));
    const native = await open();
    await native.start("Is it so?").result;
    server.enqueue(refuse(400, "web_search is not enabled for this organization."));
    expect(await native.start("Go").result).toEqual({ outcome: "end_turn" });
    expect(await native.start("Again").result).toEqual({ outcome: "end_turn" });
    const bodies = server.requests.map(({ body }) => body);
    expect(bodies.map((body) => toolsOf(body).length)).toEqual([2, 2, 1, 1]);
    expect(JSON.stringify(bodies[3])).not.toMatch(/srvtoolu|citations/);
    expect(JSON.stringify(bodies[3])).toContain("Found on the web:\\nhttps://a.example/x");
    await native.close();
  });
});
const searchType = { type: "server_tool_use" };

describe("OpenAI's search of the web", () => {
  const open = (search = true) => {
    const { config, env } = onWire(server, "openai");
    const models = { "gpt-6.1-sol": {} };
    const local = { ...config.providers?.["local"], type: "openai" as const, models };
    const named: Config = { providers: { local } };
    return { config: search ? searching(named) : named, env };
  };
  const start = async (more: Parameters<typeof openNative>[0] = {}) => {
    const { config, env } = open();
    const native = await openNative({ config, env, ...more });
    return { native, go: (prompt: string) => native.start(prompt, { env }).result };
  };
  const reasoning = { id: "rs_1", type: "reasoning", encrypted_content: "sealed", summary: [] };
  const action = {
    ...{ type: "search", query: "is it so" },
    sources: [{ type: "url", url: "https://a.example/x" }],
  };
  const search = { id: "ws_1", type: "web_search_call", status: "completed", action };
  const opened = { ...search, id: "ws_2", action: { type: "open_page", url: "https://a.example/x" } };
  const message = {
    ...{ id: "msg_1", type: "message", role: "assistant", status: "completed" },
    content: [{ type: "output_text", text: "It is so." }],
  };
  const items = (...list: Json[]): Reply =>
    raw([
      { type: "response.created", response: { id: "resp_1" } },
      ...list.flatMap((item, output_index): Json[] => [
        {
          type: "response.output_item.added",
          output_index,
          item: { ...item, action: undefined, content: [], status: "in_progress" },
        },
        { type: "response.web_search_call.searching", output_index, item_id: item["id"] },
        ...(item["cut"] === true ? [] : [{ type: "response.output_item.done", output_index, item }]),
      ]),
      { type: "response.completed", response: { usage: { input_tokens: 100, output_tokens: 10 } } },
      { type: "done" },
    ]);

  test("is shown with its sources and goes back as an item after its reasoning", async () => {
    server.enqueue(items(reasoning, search, opened, message), say(echo), say("Done."));
    const { native, go } = await start();
    expect(await go("Is it so?")).toEqual({ outcome: "end_turn" });
    expect(callsOf(native.transcript)).toMatchObject([
      { title: "is it so", status: "completed", provider_run: true, output: "https://a.example/x" },
      { title: "https://a.example/x", status: "completed" },
    ]);
    expect(await go("Go")).toEqual({ outcome: "end_turn" });
    const bodies = server.requests.map(({ body }) => body as Json);
    expect(toolsOf(bodies[0] ?? {})).toEqual(["web_search", "function"]);
    expect(bodies[0]?.["include"]).toContain("web_search_call.action.sources");
    const inputs = bodies.map((body) => body["input"] as Json[]);
    expect(inputs[1]?.slice(2, 6)).toMatchObject([
      { type: "reasoning", encrypted_content: "sealed" },
      search,
      opened,
      { role: "assistant" },
    ]);
    for (const body of bodies) expect(responsesFaults(body)).toEqual([]);
    beginsAlike(inputs[0] ?? [], inputs[1] ?? []);
    beginsAlike(inputs[1] ?? [], inputs[2] ?? []);
    await native.close();
  });

  test("that never ended is left out with the reasoning before it", async () => {
    server.enqueue(items(reasoning, { ...search, cut: true }, message));
    const { native, go } = await start();
    await go("Is it so?");
    await go("Go");
    const body = server.requests[1]?.body as Json;
    expect(responsesFaults(body)).toEqual([]);
    expect(JSON.stringify(body["input"])).not.toMatch(/rs_1|ws_1/);
    await native.close();
  });

  test("goes without the reasoning that it needs where that can no longer be verified", async () => {
    server.enqueue(items(reasoning, search, message));
    const { native, go } = await start();
    await go("Is it so?");
    server.enqueue(refuse(400, "The encrypted content for item rs_1 could not be verified."));
    expect(await go("Go")).toEqual({ outcome: "end_turn" });
    const body = server.requests.at(-1)?.body as Json;
    expect(responsesFaults(body)).toEqual([]);
    expect(JSON.stringify(body["input"])).not.toMatch(/rs_1|ws_1/);
    await native.close();
  });

  test("whose sources or whole use is refused is asked without, and the turn goes on", async () => {
    server.enqueue(items(reasoning, search, message));
    const { native, go } = await start();
    await go("Is it so?");
    server.enqueue(refuse(400, "Invalid value: 'web_search_call.action.sources'. Param: include[1]"));
    expect(await go("Go")).toEqual({ outcome: "end_turn" });
    const plain = server.requests.at(-1)?.body as Json;
    expect(toolsOf(plain)).toEqual(["web_search", "function"]);
    expect(plain["include"]).toEqual(["reasoning.encrypted_content"]);
    server.enqueue(refuse(400, "Hosted tool 'web_search' is not supported with this model."));
    expect(await go("Again")).toEqual({ outcome: "end_turn" });
    const without = server.requests.at(-1)?.body as Json;
    expect(toolsOf(without)).toEqual(["function"]);
    expect(JSON.stringify(without["input"])).not.toMatch(/rs_1|ws_1/);
    expect(responsesFaults(without)).toEqual([]);
    await native.close();
  });
});

describe("Google's search of the web", () => {
  const open = async (model = "gemini-3-pro") => {
    const native = await openNative({
      config: searching(oneProvider(`${server.origin}/v1beta`, "google", model)),
    });
    return { native, go: (prompt: string) => native.start(prompt).result };
  };
  const chunk = (parts: Json[], more: Json = {}) => ({
    candidates: [{ index: 0, content: { role: "model", parts }, ...more }],
    usageMetadata: { promptTokenCount: 100, candidatesTokenCount: 10 },
  });
  const asked = {
    toolCall: { toolType: "GOOGLE_SEARCH_WEB", args: { queries: ["is it so", "really"] }, id: "abc" },
    thoughtSignature: "sig_1",
  };
  const given = {
    toolResponse: { toolType: "GOOGLE_SEARCH_WEB", response: { search_suggestions: "<div>" }, id: "abc" },
    thoughtSignature: "sig_2",
  };
  const grounding = {
    webSearchQueries: ["is it so"],
    groundingChunks: [{ web: { uri: "https://a.example/x", title: "a.example" } }],
  };
  const answered = raw([
    chunk([asked]),
    chunk([given]),
    chunk([{ text: "It is so." }], { finishReason: "STOP", groundingMetadata: grounding }),
  ]);
  const contentsOf = (at: number) => server.requests[at]?.body["contents"] as Json[];

  test("is there beside functions, goes back with its signatures, and its sources are shown at the end", async () => {
    server.enqueue(
      answered,
      raw([
        chunk([{ functionCall: { name: "echo", args: { text: "a" } }, thoughtSignature: "s" }], {
          finishReason: "STOP",
        }),
      ]),
    );
    const { native, go } = await open();
    expect(await go("Is it so?")).toEqual({ outcome: "end_turn" });
    expect(callsOf(native.transcript)).toMatchObject([
      { title: "is it so · really", status: "completed", provider_run: true, output: "" },
      { title: "is it so", status: "completed", output: "a.example · https://a.example/x" },
    ]);
    expect(await go("Go")).toEqual({ outcome: "end_turn" });
    for (const { asSent } of server.requests) expect(geminiFaults(asSent)).toEqual([]);
    expect(contentsOf(1)[1]).toEqual({ role: "model", parts: [asked, given, { text: "It is so." }] });
    beginsAlike(contentsOf(0), contentsOf(1));
    beginsAlike(contentsOf(1), contentsOf(2));
    await native.close();
  });

  test("is not there for models that refuse it beside functions, and left out where it is refused", async () => {
    server.enqueue(answered);
    const { native, go } = await open();
    await go("Is it so?");
    server.enqueue(refuse(400, "Built-in tools ({google_search}) and Function Calling cannot be combined."));
    expect(await go("Go")).toEqual({ outcome: "end_turn" });
    const { asSent = {} } = server.requests.at(-1) ?? {};
    expect(JSON.stringify(asSent)).not.toMatch(/googleSearch|toolCall|toolResponse|ServerSide/);
    expect(geminiFaults(asSent)).toEqual([]);
    await native.close();
    const older = await open("gemini-2.5-pro");
    await older.go("Go");
    expect(JSON.stringify(server.requests.at(-1)?.asSent)).not.toContain("googleSearch");
    await older.native.close();
  });
});

describe("OpenRouter's search of the web", () => {
  const base = "http://openrouter.ai/api/v1";

  test("is one of its tools; the sources are shown, and nothing else goes back", async () => {
    const env = { HTTP_PROXY: server.origin };
    const native = await openNative({
      config: searching(oneProvider(base, "openai-compatible", "z/glm")),
      env,
    });
    const cited = {
      type: "url_citation",
      url_citation: { url: "https://a.example/x", title: "A", content: "…" },
    };
    const delta = (fields: Json, finish_reason: string | null = null) => ({
      choices: [{ index: 0, delta: fields, finish_reason }],
    });
    server.enqueue(raw([delta({ content: "It is so." }), delta({ annotations: [cited, cited] }, "stop")]));
    const go = (prompt: string) => native.start(prompt, { env }).result;
    expect(await go("Is it so?")).toEqual({ outcome: "end_turn" });
    expect(callsOf(native.transcript)).toMatchObject([
      { title: "the web", status: "completed", provider_run: true, output: "A · https://a.example/x" },
    ]);
    expect(await go("Go")).toEqual({ outcome: "end_turn" });
    const bodies = server.requests.map(({ body }) => body);
    expect(bodies.map(toolsOf)).toEqual([
      ["openrouter:web_search", "function"],
      ["openrouter:web_search", "function"],
    ]);
    expect(bodies[1]?.messages.slice(2, 3)).toEqual([{ role: "assistant", content: "It is so." }]);
    server.enqueue(refuse(400, "Invalid value: 'openrouter:web_search'"));
    expect(await go("Again")).toEqual({ outcome: "end_turn" });
    expect(toolsOf(server.requests.at(-1)?.body ?? {})).toEqual(["function"]);
    await native.close();
  });
});
