// Providers as strict as the published rules of their requests, over real HTTP, reached as a proxy so that a request
// may be addressed to the provider's own name.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { createGeminiWire, createResponsesWire } from "./agent-wires.ts";
import { createAnthropicWire, createOpenAiWire, type ModelWire } from "./model-wire.ts";
import { endsPaused, searchFaults, searchItemFaults, searchPartFaults } from "./search-rules.ts";
import { tunnelToItself } from "./tunnel.ts";

export type Json = { [key: string]: unknown };
const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const listOf = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isObject) : []);
const isBlank = (text: unknown): boolean => typeof text !== "string" || text.trim() === "";
const unknownIn = (value: Json, known: readonly string[], at: string): string[] =>
  Object.keys(value)
    .filter((key) => !known.includes(key))
    .map((key) => `${at}.${key}: extra inputs are not permitted`);

/** Its call came without its details: the answer was stopped in between. */
const wasCut = (message: Json): boolean => JSON.stringify(message["tool_calls"]).includes('"arguments":"{}"');

/** Texts in a request that are not well-formed. */
function illFormed(value: unknown): string[] {
  if (typeof value === "string") return value.isWellFormed() ? [] : ["a lone surrogate"];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(illFormed) : [];
}

type ChatRules = {
  callId: RegExp;
  userAfterTool: boolean;
  /** Fields of an answer beside content and calls. */
  answerFields: readonly string[];
  /** Every answer must have it, and not blank to the empty string. */
  required?: string;
  /** Answers that this server made with calls need their details. */
  needsDetails?: boolean;
  bodyFields?: readonly string[];
};

const plainId = /^[a-zA-Z0-9_-]{1,64}$/;
export const chatRules = {
  deepseek: {
    callId: plainId,
    userAfterTool: true,
    answerFields: ["reasoning_content"],
    required: "reasoning_content",
  },
  mistral: { callId: /^[a-zA-Z0-9]{9}$/, userAfterTool: false, answerFields: [] },
  groq: { callId: plainId, userAfterTool: true, answerFields: [] },
  openrouter: {
    callId: plainId,
    userAfterTool: true,
    answerFields: ["reasoning_details"],
    needsDetails: true,
    bodyFields: ["reasoning"],
  },
} satisfies Record<string, ChatRules>;

const chatBody = ["model", "messages", "tools", "tool_choice", "stream", "stream_options", "max_tokens"];

export function chatFaults(body: Json, rules: ChatRules): string[] {
  const faults = [...unknownIn(body, [...chatBody, ...(rules.bodyFields ?? [])], "body"), ...illFormed(body)];
  const [system, ...messages] = listOf(body["messages"]);
  if (system?.["role"] !== "system") faults.push("the first message is not the system prompt");
  const seen = new Set<string>();
  let open: string[] = [];
  let before = "system";
  for (const [at, message] of messages.entries()) {
    const role = String(message["role"]);
    const { content } = message;
    if (open.length > 0 && role !== "tool") faults.push(`${at}: no results for ${open.join(", ")}`);
    if (role === "user") {
      faults.push(...unknownIn(message, ["role", "content"], `messages.${at}`));
      if (before === "user") faults.push(`${at}: a second user message in a row`);
      if (before === "tool" && !rules.userAfterTool)
        faults.push(`${at}: unexpected role 'user' after role 'tool'`);
      if (Array.isArray(content) ? content.length === 0 : isBlank(content)) faults.push(`${at}: is empty`);
    } else if (role === "assistant") {
      const known = ["role", "content", "tool_calls", ...rules.answerFields];
      faults.push(...unknownIn(message, known, `messages.${at}`));
      if (before === "assistant" || before === "system") faults.push(`${at}: an answer to nothing`);
      if (rules.required !== undefined && !message[rules.required])
        faults.push(`${at}: the ${rules.required} in the thinking mode must be passed back to the API`);
      const calls = listOf(message["tool_calls"]);
      if (calls.length === 0 && isBlank(content)) faults.push(`${at}: says nothing`);
      if (rules.needsDetails && calls.length > 0) {
        const [detail] = listOf(message["reasoning_details"]);
        const isOwn = calls.some(({ id }) => String(id).startsWith("or_"));
        if (detail === undefined) faults.push(`${at}: reasoning details must be preserved in each request`);
        else if (isOwn && detail["data"] !== "sealed" && !wasCut(message))
          faults.push(`${at}: reasoning details are not as they were`);
      }
      for (const call of calls) {
        const id = String(call["id"]);
        const called = isObject(call["function"]) ? call["function"] : {};
        if (!rules.callId.test(id) || seen.has(id)) faults.push(`${at}: bad or repeated id ${id}`);
        if (!plainId.test(String(called["name"]))) faults.push(`${at}: calls ${String(called["name"])}`);
        if (!isObject(JSON.parse(String(called["arguments"])))) faults.push(`${at}: arguments are no object`);
        seen.add(id);
        open.push(id);
      }
    } else if (role === "tool") {
      const id = String(message["tool_call_id"]);
      if (open[0] !== id) faults.push(`${at}: answers ${id} where ${open[0] ?? "nothing"} is asked`);
      if (isBlank(content)) faults.push(`${at}: an empty result`);
      open = open.slice(1);
    } else faults.push(`${at}: the role ${role}`);
    before = role;
  }
  if (open.length > 0) faults.push(`no results for ${open.join(", ")}`);
  if (before !== "user" && before !== "tool") faults.push(`the last message is of the role ${before}`);
  return faults;
}

const anthropicBody = [
  ...["model", "messages", "system", "tools", "tool_choice", "stream", "max_tokens", "thinking"],
];

export function anthropicFaults(body: Json): string[] {
  const faults = [...unknownIn(body, anthropicBody, "body"), ...illFormed(body), ...searchFaults(body)];
  const thinking = isObject(body["thinking"]) ? body["thinking"] : {};
  const budget = thinking["budget_tokens"];
  if (
    thinking["type"] === "enabled" &&
    !(Number(budget) >= 1024 && Number(budget) < Number(body["max_tokens"]))
  )
    faults.push(`thinking.budget_tokens ${String(budget)} of max_tokens ${String(body["max_tokens"])}`);
  const messages = listOf(body["messages"]);
  let asked: string[] = [];
  const seen = new Set<string>();
  for (const [at, { role, content }] of messages.entries()) {
    if (role !== (at % 2 === 0 ? "user" : "assistant")) faults.push(`${at}: the role ${String(role)}`);
    const blocks = listOf(content);
    if (blocks.length === 0) faults.push(`${at}: is empty`);
    for (const block of blocks)
      if (block["type"] === "text" && isBlank(block["text"])) faults.push(`${at}: blank`);
    const results = blocks.filter(({ type }) => type === "tool_result");
    if (results.map((block) => String(block["tool_use_id"])).join() !== asked.join())
      faults.push(`${at}: results where [${asked.join()}] were asked`);
    if (results.length > 0 && results.length < blocks.length) faults.push(`${at}: text beside tool results`);
    if (role === "assistant" && /thinking$/.test(String(blocks.at(-1)?.["type"])))
      faults.push(`${at}: the final block in an assistant message cannot be thinking`);
    for (const block of blocks)
      if (block["type"] === "thinking" && isBlank(block["signature"])) faults.push(`${at}: no signature`);
    asked = blocks.filter(({ type }) => type === "tool_use").map(({ id }) => String(id));
    for (const id of asked) {
      if (!plainId.test(id) || seen.has(id)) faults.push(`${at}: bad or repeated id ${id}`);
      seen.add(id);
    }
  }
  if (asked.length > 0) faults.push(`no results for ${asked.join()}`);
  if (messages.at(-1)?.["role"] !== "user" && !endsPaused(body))
    faults.push("the last message is not the user's");
  return faults;
}

export function geminiFaults(body: Json): string[] {
  const known = ["contents", "systemInstruction", "tools", "toolConfig", "generationConfig"];
  const faults = [...unknownIn(body, known, "body"), ...illFormed(body), ...searchPartFaults(body)];
  let before = "";
  let asked = 0;
  for (const [at, { role, parts }] of listOf(body["contents"]).entries()) {
    if (role === before) faults.push(`${at}: two contents of ${String(role)} in a row`);
    if (at === 0 && role !== "user") faults.push("the first content is not the user's");
    const list = listOf(parts);
    if (list.length === 0) faults.push(`${at}: no parts`);
    const calls = list.filter((part) => isObject(part["functionCall"]));
    const answers = list.filter((part) => isObject(part["functionResponse"])).length;
    if (answers !== asked) faults.push(`${at}: ${answers} function responses to ${asked} function calls`);
    if (calls.length > 0 && isBlank(calls[0]?.["thoughtSignature"]))
      faults.push(`${at}: a function call without its thought_signature`);
    asked = calls.length;
    before = String(role);
  }
  if (before !== "user") faults.push("the last content is not the user's");
  return faults;
}

export function responsesFaults(body: Json): string[] {
  const faults = [...illFormed(body), ...searchItemFaults(body)];
  const input = listOf(body["input"]);
  const called = new Set<string>();
  const answered = new Set<string>();
  for (const [at, item] of input.entries()) {
    const next = input[at + 1];
    if (item["type"] === "reasoning") {
      if (next === undefined || next["role"] === "user" || next["type"] === "function_call_output")
        faults.push(`${at}: a reasoning item without its required following item`);
      if (isBlank(item["encrypted_content"])) faults.push(`${at}: reasoning that is not encrypted`);
    }
    if (item["type"] === "function_call") called.add(String(item["call_id"]));
    if (item["type"] === "function_call_output") {
      if (!called.has(String(item["call_id"]))) faults.push(`${at}: an output of no call`);
      answered.add(String(item["call_id"]));
    }
  }
  for (const id of called) if (!answered.has(id)) faults.push(`no output found for function call ${id}`);
  return faults;
}

export type Place = { host: string; faults(body: Json): string[]; wire(model: string): ModelWire };

/** By the host that is asked. */
export const strictPlaces: readonly Place[] = [
  ...Object.entries({
    "api.deepseek.com": chatRules.deepseek,
    "api.mistral.ai": chatRules.mistral,
    "api.groq.com": chatRules.groq,
    "openrouter.ai": chatRules.openrouter,
  }).map(([host, rules]) => ({
    host,
    faults: (body: Json) => chatFaults(body, rules),
    wire: (model: string) => createOpenAiWire(model, true),
  })),
  { host: "api.anthropic.com", faults: anthropicFaults, wire: createAnthropicWire },
  {
    host: "generativelanguage.googleapis.com",
    faults: geminiFaults,
    wire: (model) => createGeminiWire(model),
  },
  { host: "api.openai.com", faults: responsesFaults, wire: createResponsesWire },
];

export type StrictRequest = { host: string; path: string; body: Json; faults: string[] };
/** Writes the answer; the wire is the one of the place that was asked. */
export type StrictAnswer = (request: StrictRequest, wire: ModelWire, response: ServerResponse) => void;

/** A proxy behind which every provider stands, and refuses what it would refuse. */
export async function startStrictProviders(answer: StrictAnswer) {
  const requests: StrictRequest[] = [];
  const sockets = new Set<Socket>();

  async function serve(incoming: IncomingMessage, response: ServerResponse) {
    let text = "";
    for await (const chunk of incoming) text += String(chunk);
    const url = new URL(incoming.url ?? "", `http://${incoming.headers.host}`);
    const place = strictPlaces.find(({ host }) => host === url.hostname);
    if (place === undefined) return void response.writeHead(502).end(`no provider at ${url.host}`);
    const body = JSON.parse(text) as Json;
    const request = { host: place.host, path: url.pathname, body, faults: place.faults(body) };
    requests.push(request);
    const wire = place.wire(String(body["model"] ?? "gemini"));
    if (request.faults.length === 0) return answer(request, wire, response);
    response.writeHead(400, { "content-type": "application/json" });
    response.end(JSON.stringify(wire.error(400, request.faults.join("; "))));
  }

  const server = createServer((incoming, response) => {
    serve(incoming, response).catch((error: unknown) =>
      response.destroy(error instanceof Error ? error : undefined),
    );
  });
  server.on("connection", (socket) => sockets.add(socket));
  const endTunnels = tunnelToItself(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    proxy: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async close() {
      endTunnels();
      for (const socket of sockets) socket.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
