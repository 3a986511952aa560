import { openAnthropic } from "../../src/agent/native/models/families/anthropic.ts";
import { openOpenAiCompatible } from "../../src/agent/native/models/families/openai-compatible.ts";
import type { Model, ModelRequest } from "../../src/agent/native/models/model.ts";
import { noCost } from "../../src/agent/native/models/model.ts";
import type { ModelFetch } from "../../src/agent/native/models/network/model-fetch.ts";
import { type ModelSpec, unknownFigures } from "../../src/agent/native/models/spec.ts";

type Json = { [key: string]: unknown };
const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const listOf = (value: unknown): Json[] => (Array.isArray(value) ? value.filter(isObject) : []);

const spec = (type: ModelSpec["type"], model: string): ModelSpec => ({
  id: `strict/${model}`,
  label: "strict",
  type,
  model,
  baseUrl: "http://127.0.0.1:9/v1",
  addressFrom: "a test",
  apiKey: "key",
  keyFrom: "a test",
  headers: {},
  ...unknownFigures,
  effort: null,
  search: true,
  cost: noCost,
});

/** The body that a provider package would send. */
export async function bodyOf(api: "openai" | "anthropic", request: ModelRequest): Promise<Json> {
  let body: Json | undefined;
  const capture = (async (_url: string, init?: RequestInit) => {
    body = JSON.parse(String(init?.body)) as Json;
    return new Response("{}", { status: 400 });
  }) as ModelFetch;
  const model: Model =
    api === "openai"
      ? openOpenAiCompatible(spec("openai-compatible", "strict-model"), capture)
      : openAnthropic(spec("anthropic", "claude-sonnet-5-5"), capture);
  const chunks = model.stream(request, new AbortController().signal)[Symbol.asyncIterator]();
  await chunks.next().catch(() => {}); // the answer is a refusal: only the question counts
  if (body === undefined) throw new Error("nothing was sent");
  return body;
}

export const modelIdOf = (api: "openai" | "anthropic"): string =>
  api === "openai" ? "strict/strict-model" : "strict/claude-sonnet-5-5";

const idPattern = /^[a-zA-Z0-9_-]{1,64}$/;
const isBlank = (text: unknown): boolean => typeof text !== "string" || text.trim() === "";

/** What OpenAI and the strictest servers of its kind refuse; empty when nothing. */
export function openAiFaults(body: Json): string[] {
  const faults: string[] = [];
  const [system, ...messages] = listOf(body["messages"]);
  if (system?.["role"] !== "system") faults.push("the first message is not the system prompt");
  const seen = new Set<string>();
  let open: string[] = [];
  let before = "system";
  for (const [at, message] of messages.entries()) {
    const role = String(message["role"]);
    const { content } = message;
    if (open.length > 0 && role !== "tool")
      faults.push(`message ${at} comes before the results of ${open.join(", ")}`);
    if (role === "user") {
      if (before === "user") faults.push(`message ${at} is a second user message in a row`);
      if (typeof content === "string" ? isBlank(content) : listOf(content).length === 0)
        faults.push(`message ${at} is empty`);
      for (const part of listOf(content))
        if (part["type"] === "text" && isBlank(part["text"])) faults.push(`message ${at} has an empty part`);
    } else if (role === "assistant") {
      const calls = listOf(message["tool_calls"]);
      if (before === "assistant" || before === "system") faults.push(`message ${at} is an answer to nothing`);
      if (calls.length === 0 && isBlank(content)) faults.push(`message ${at} says nothing`);
      if (typeof content === "string" && content !== "" && isBlank(content))
        faults.push(`message ${at} is blank`);
      for (const call of calls) {
        const id = String(call["id"]);
        const called = isObject(call["function"]) ? call["function"] : {};
        if (!idPattern.test(id) || seen.has(id)) faults.push(`message ${at} has a bad or repeated id ${id}`);
        if (!idPattern.test(String(called["name"])))
          faults.push(`message ${at} calls ${String(called["name"])}`);
        if (!isObject(JSON.parse(String(called["arguments"]))))
          faults.push(`message ${at} has no object for arguments`);
        seen.add(id);
        open.push(id);
      }
    } else if (role === "tool") {
      const id = String(message["tool_call_id"]);
      if (open[0] !== id) faults.push(`message ${at} answers ${id}, but ${open[0] ?? "nothing"} is asked`);
      if (isBlank(content)) faults.push(`the result ${id} is empty`);
      open = open.slice(1);
    } else faults.push(`message ${at} has the role ${role}`);
    before = role;
  }
  if (open.length > 0) faults.push(`no results for ${open.join(", ")}`);
  if (before !== "user" && before !== "tool") faults.push(`the last message is of the role ${before}`);
  return faults;
}

/** What Anthropic's Messages API refuses; empty when nothing. */
export function anthropicFaults(body: Json): string[] {
  const faults: string[] = [];
  const messages = listOf(body["messages"]);
  const seen = new Set<string>();
  let asked: string[] = [];
  let breakpoints = 0;
  const countBreakpoints = (value: unknown) => {
    if (Array.isArray(value)) for (const item of value) countBreakpoints(item);
    else if (isObject(value)) {
      if ("cache_control" in value) breakpoints += 1;
      for (const inner of Object.values(value)) countBreakpoints(inner);
    }
  };
  countBreakpoints({ ...body });
  if (breakpoints > 4) faults.push(`${breakpoints} cache breakpoints`);
  for (const [at, message] of messages.entries()) {
    const role = String(message["role"]);
    if (role !== (at % 2 === 0 ? "user" : "assistant")) faults.push(`message ${at} is of the role ${role}`);
    const blocks = listOf(message["content"]);
    if (blocks.length === 0) faults.push(`message ${at} has no content`);
    const answered: string[] = [];
    let hasOther = false;
    const asks: string[] = [];
    for (const block of blocks) {
      if (block["type"] === "text" && isBlank(block["text"])) faults.push(`message ${at} has an empty text`);
      if (block["type"] === "thinking" && isBlank(block["signature"]))
        faults.push(`message ${at} has unsigned thinking`);
      if (block["type"] === "tool_result") {
        if (hasOther) faults.push(`message ${at} has a result after something else`);
        answered.push(String(block["tool_use_id"]));
        if (
          typeof block["content"] === "string"
            ? isBlank(block["content"])
            : listOf(block["content"]).length === 0
        )
          faults.push(`message ${at} has an empty result`);
      } else hasOther = true;
      if (block["type"] === "tool_use") {
        const id = String(block["id"]);
        if (!idPattern.test(id) || seen.has(id)) faults.push(`message ${at} has a bad or repeated id ${id}`);
        if (!isObject(block["input"])) faults.push(`message ${at} has a call without an object`);
        seen.add(id);
        asks.push(id);
      }
    }
    if (answered.join() !== asked.join())
      faults.push(`message ${at} answers [${answered.join()}] to [${asked.join()}]`);
    asked = asks;
  }
  if (messages.length % 2 === 0) faults.push("the last message is not the user's");
  return faults;
}
