import type { ModelRequest } from "./model-server.ts";
import { endsPaused, searchFaults } from "./search-rules.ts";

type Loose = { [field: string]: unknown };
const record = (value: unknown): Loose =>
  typeof value === "object" && value !== null ? (value as Loose) : {};
const list = (value: unknown): Loose[] => (Array.isArray(value) ? value.map(record) : []);

/**
 * What a strict provider would turn down in a request (design.md G16: every tool call has exactly one result, no
 * empty text, roles as the provider demands).
 */
export function checkRequest({ api, body }: Pick<ModelRequest, "api" | "body">): string[] {
  const wrong = api === "openai" ? checkOpenAi(body) : checkAnthropic(body);
  return wrong.map((text) => `${text}\n${JSON.stringify(body.messages).slice(0, 2000)}`);
}

function checkOpenAi(body: Loose): string[] {
  const messages = list(body["messages"]);
  const wrong: string[] = [];
  const seen = new Set<string>();
  let open: string[] = [];
  for (const [index, message] of messages.entries()) {
    const role = String(message["role"]);
    const at = `message ${index} (${role})`;
    if (role === "system" && index > 0) wrong.push(`${at}: a system message that is not the first`);
    if (role !== "tool" && open.length > 0) wrong.push(`${at}: no result yet for ${open.join(", ")}`);
    if (role === "tool") {
      const id = String(message["tool_call_id"]);
      if (!open.includes(id)) wrong.push(`${at}: a result for ${id}, which was not just called`);
      open = open.filter((other) => other !== id);
      if (isEmpty(message["content"])) wrong.push(`${at}: an empty result`);
      continue;
    }
    open = [];
    const calls = list(message["tool_calls"]);
    for (const call of calls) {
      const id = String(call["id"]);
      if (seen.has(id)) wrong.push(`${at}: the call id ${id} for the second time`);
      seen.add(id);
      open.push(id);
      const text = record(call["function"])["arguments"];
      if (typeof text !== "string" || !isObjectText(text))
        wrong.push(`${at}: arguments that are no JSON object: ${String(text)}`);
    }
    if (role === "assistant" && calls.length === 0 && isEmpty(message["content"]))
      wrong.push(`${at}: says nothing`);
    if (role === "user" && isEmpty(message["content"])) wrong.push(`${at}: says nothing`);
    if (hasEmptyText(message["content"])) wrong.push(`${at}: an empty text block`);
    if (!["system", "user", "assistant"].includes(role)) wrong.push(`${at}: no such role`);
  }
  if (open.length > 0) wrong.push(`no result for ${open.join(", ")} at the end`);
  const last = String(messages.at(-1)?.["role"]);
  if (last !== "user" && last !== "tool") wrong.push(`the last message is ${last}'s`);
  return wrong;
}

function checkAnthropic(body: Loose): string[] {
  const messages = list(body["messages"]);
  const wrong: string[] = [];
  if (typeof body["max_tokens"] !== "number") wrong.push("max_tokens is missing");
  const seen = new Set<string>();
  let expected: string[] = [];
  for (const [index, message] of messages.entries()) {
    const role = String(message["role"]);
    const at = `message ${index} (${role})`;
    if (role !== (index % 2 === 0 ? "user" : "assistant")) wrong.push(`${at}: roles do not take turns`);
    const content = message["content"];
    if (isEmpty(content)) wrong.push(`${at}: says nothing`);
    if (hasEmptyText(content)) wrong.push(`${at}: an empty text block`);
    const blocks = list(content);
    const results = blocks
      .filter((block) => block["type"] === "tool_result")
      .map((block) => String(block["tool_use_id"]));
    if (results.toSorted().join() !== expected.toSorted().join()) {
      wrong.push(`${at}: results for [${results.join(", ")}] where [${expected.join(", ")}] were called`);
    }
    const firstOther = blocks.findIndex((block) => block["type"] !== "tool_result");
    if (firstOther >= 0 && blocks.slice(firstOther).some((block) => block["type"] === "tool_result")) {
      wrong.push(`${at}: a result after other content`);
    }
    expected = [];
    for (const block of blocks.filter((candidate) => candidate["type"] === "tool_use")) {
      const id = String(block["id"]);
      if (seen.has(id)) wrong.push(`${at}: the call id ${id} for the second time`);
      seen.add(id);
      expected.push(id);
      if (typeof block["input"] !== "object" || block["input"] === null)
        wrong.push(`${at}: an input that is no object`);
    }
  }
  if (expected.length > 0) wrong.push(`no result for ${expected.join(", ")} at the end`);
  if (messages.at(-1)?.["role"] !== "user" && !endsPaused(body))
    wrong.push("the last message is not the user's");
  return [...wrong, ...searchFaults(body)];
}

const isEmpty = (content: unknown): boolean =>
  content === undefined ||
  content === null ||
  (typeof content === "string" && content.trim() === "") ||
  (Array.isArray(content) && content.length === 0);

const hasEmptyText = (content: unknown): boolean =>
  list(content).some((block) => block["type"] === "text" && String(block["text"]).trim() === "");

function isObjectText(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}
