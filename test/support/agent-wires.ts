// The wire formats that only other people's agents speak: OpenAI's responses (codex) and Gemini's.
import type { ModelWire, ScriptedFinish, ScriptedUsage } from "./model-wire.ts";

type Loose = { [field: string]: unknown };
const list = (value: unknown): Loose[] => (Array.isArray(value) ? (value as Loose[]) : []);

export type Api = "openai" | "anthropic" | "responses" | "gemini";

export function apiOf(path: string): Api | null {
  if (path.endsWith("/chat/completions")) return "openai";
  if (path.endsWith("/messages")) return "anthropic";
  if (path.endsWith("/responses")) return "responses";
  return /:(streamG|g)enerateContent$/.test(path) ? "gemini" : null;
}

/** A request in the words of the others: `model`, `messages`, `stream` and flat `tools`, whatever it calls them. */
export function normalized(api: Api, path: string, body: Loose): Loose {
  if (api === "responses") return { ...body, messages: list(body["input"]).map(responsesMessage) };
  if (api !== "gemini") return body;
  return {
    ...body,
    model: /models\/([^:]+):/.exec(path)?.[1] ?? "",
    stream: path.includes(":stream"),
    messages: list(body["contents"]).map(geminiMessage),
    tools: list(body["tools"]).flatMap((tool) => list(tool["functionDeclarations"])),
  };
}

const responsesMessage = (item: Loose): Loose =>
  item["type"] === "message" || item["role"] !== undefined
    ? { role: item["role"], content: list(item["content"]).map(({ text }) => ({ type: "text", text })) }
    : { role: "tool", ...item };

const geminiMessage = ({ role, parts }: Loose): Loose => ({
  role: role === "model" ? "assistant" : role,
  content: list(parts).map((part) => (typeof part["text"] === "string" ? { type: "text", ...part } : part)),
});

/** Calls are told whole in both formats. */
function createCallBuffer() {
  let open: { id: string; name: string; json: string } | undefined;
  return {
    begin(id: string, name: string) {
      open = { id, name, json: "" };
    },
    add(text: string) {
      if (open) open.json += text;
    },
    take() {
      const call = open && { id: open.id, name: open.name, input: JSON.parse(open.json || "{}") as unknown };
      open = undefined;
      return call;
    },
  };
}

/** OpenAI responses. A call whose input is a text is one of a tool that takes no JSON. */
export function createResponsesWire(model: string): ModelWire {
  const calls = createCallBuffer();
  const items: Loose[] = [];
  const said = { text: "", reasoning: "" };
  let open: "message" | "reasoning" | null = null;
  const event = (type: string, fields: object) =>
    `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
  const head = { id: "resp_scripted", object: "response", created_at: 1_760_000_000, model };
  const itemOf = (type: "message" | "reasoning"): Loose =>
    type === "message"
      ? {
          ...{ type, id: `msg_${items.length}`, role: "assistant", status: "completed" },
          content: [{ type: "output_text", text: said.text, annotations: [] }],
        }
      : { type, id: `rs_${items.length}`, summary: [{ type: "summary_text", text: said.reasoning }] };
  const done = (item: Loose): string => {
    items.push(item);
    return event("response.output_item.done", { output_index: items.length - 1, item });
  };
  function close(): string {
    if (open !== null) {
      const item = itemOf(open);
      open = null;
      said.text = "";
      said.reasoning = "";
      return done(item);
    }
    const call = calls.take();
    if (call === undefined) return "";
    const { id: call_id, name, input } = call;
    const base = { id: `fc_${items.length}`, call_id, name, status: "completed" };
    return done(
      typeof input === "string"
        ? { ...base, type: "custom_tool_call", input }
        : { ...base, type: "function_call", arguments: JSON.stringify(input) },
    );
  }
  function start(type: "message" | "reasoning"): string {
    if (open === type) return "";
    const before = close();
    open = type;
    const empty = type === "message" ? { content: [] } : { summary: [] };
    const item = { ...itemOf(type), ...empty, status: "in_progress" };
    return before + event("response.output_item.added", { output_index: items.length, item });
  }
  const usageOf = (usage: ScriptedUsage) => ({
    input_tokens: usage.input,
    input_tokens_details: { cached_tokens: usage.cache_read },
    output_tokens: usage.output,
    output_tokens_details: { reasoning_tokens: usage.reasoning },
    total_tokens: usage.input + usage.output,
  });
  return {
    begin: () => event("response.created", { response: { ...head, status: "in_progress" } }),
    text(delta) {
      const begun = start("message");
      said.text += delta;
      const place = { item_id: `msg_${items.length}`, output_index: items.length, content_index: 0 };
      return begun + event("response.output_text.delta", { ...place, delta });
    },
    reasoning(delta) {
      const begun = start("reasoning");
      said.reasoning += delta;
      const place = { item_id: `rs_${items.length}`, output_index: items.length, summary_index: 0 };
      return begun + event("response.reasoning_summary_text.delta", { ...place, delta });
    },
    callBegin(id, name) {
      const before = close();
      calls.begin(id, name);
      return before;
    },
    callArguments(text) {
      calls.add(text);
      return "";
    },
    finish(_finish, usage) {
      const before = close();
      const response = { ...head, status: "completed", output: items, usage: usageOf(usage) };
      return before + event("response.completed", { response });
    },
    whole: ({ text, usage }) => ({
      ...head,
      status: "completed",
      output: [{ type: "message", id: "msg_0", role: "assistant", content: [{ type: "output_text", text }] }],
      usage: usageOf(usage),
    }),
    error: (status, message) => ({ error: { message, type: `scripted_${status}`, code: null } }),
  };
}

const geminiFinishes: Readonly<Record<ScriptedFinish, string>> = {
  stop: "STOP",
  length: "MAX_TOKENS",
  refusal: "SAFETY",
};

/** Gemini's generateContent. */
export function createGeminiWire(model: string): ModelWire {
  const calls = createCallBuffer();
  const answer = (parts: Loose[], more: object = {}, ending: object = {}) => ({
    candidates: [{ index: 0, content: { role: "model", parts }, ...more }],
    modelVersion: model,
    responseId: "scripted",
    ...ending,
  });
  const chunk = (...parts: Loose[]) => `data: ${JSON.stringify(answer(parts))}\n\n`;
  const close = (): string => {
    const call = calls.take();
    return call === undefined
      ? ""
      : chunk({ functionCall: { id: call.id, name: call.name, args: call.input } });
  };
  const usageOf = (usage: ScriptedUsage) => ({
    promptTokenCount: usage.input,
    candidatesTokenCount: usage.output - usage.reasoning,
    thoughtsTokenCount: usage.reasoning,
    cachedContentTokenCount: usage.cache_read,
    totalTokenCount: usage.input + usage.output,
  });
  return {
    begin: () => "",
    text: (text) => close() + chunk({ text }),
    reasoning: (text) => close() + chunk({ text, thought: true }),
    callBegin(id, name) {
      const before = close();
      calls.begin(id, name);
      return before;
    },
    callArguments(text) {
      calls.add(text);
      return "";
    },
    finish: (finish, usage) =>
      close() +
      `data: ${JSON.stringify(
        answer([{ text: "" }], { finishReason: geminiFinishes[finish] }, { usageMetadata: usageOf(usage) }),
      )}\n\n`,
    whole: ({ text, calls: asked, finish, usage }) =>
      answer(
        [
          ...(text === "" ? [] : [{ text }]),
          ...asked.map(({ id, name, arguments: json }) => ({
            functionCall: { id, name, args: JSON.parse(json) as unknown },
          })),
        ],
        { finishReason: geminiFinishes[finish] },
        { usageMetadata: usageOf(usage) },
      ),
    error: (status, message) => ({ error: { code: status, message, status: `SCRIPTED_${status}` } }),
  };
}
