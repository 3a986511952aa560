/** How many tokens a scripted answer says it used. */
export type ScriptedUsage = {
  input: number;
  output: number;
  reasoning: number;
  cache_read: number;
  cache_write: number;
};
export type ScriptedFinish = "stop" | "length" | "refusal";

/** One provider's wire format, as text to write into the stream or as one whole body. */
export type ModelWire = {
  begin(usage: ScriptedUsage): string;
  text(text: string): string;
  reasoning(text: string, signature: string): string;
  callBegin(id: string, name: string): string;
  callArguments(text: string): string;
  finish(finish: ScriptedFinish, usage: ScriptedUsage): string;
  whole(answer: WholeAnswer): unknown;
  error(status: number, message: string): unknown;
};

export type WholeAnswer = {
  text: string;
  reasoning: string;
  calls: readonly { id: string; name: string; arguments: string }[];
  finish: ScriptedFinish;
  usage: ScriptedUsage;
};

const sse = (event: string | null, data: unknown): string =>
  `${event === null ? "" : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`;

/** OpenAI chat completions. `wantsUsage` is what the request's stream_options said. */
export function createOpenAiWire(model: string, wantsUsage: boolean): ModelWire {
  const head = { id: "chatcmpl-scripted", created: 1_760_000_000, model };
  const chunk = (choices: unknown[], more: object = {}) =>
    sse(null, { ...head, object: "chat.completion.chunk", choices, ...more });
  const delta = (fields: object, finish: string | null = null) =>
    chunk([{ index: 0, delta: fields, finish_reason: finish }]);
  let calls = 0;
  const usageOf = (usage: ScriptedUsage) => ({
    prompt_tokens: usage.input,
    completion_tokens: usage.output,
    total_tokens: usage.input + usage.output,
    prompt_tokens_details: { cached_tokens: usage.cache_read },
    completion_tokens_details: { reasoning_tokens: usage.reasoning },
  });
  const finishes = { stop: "stop", length: "length", refusal: "content_filter" } as const;
  const finishOf = (finish: ScriptedFinish, count: number) =>
    finish === "stop" && count > 0 ? "tool_calls" : finishes[finish];
  return {
    begin: () => delta({ role: "assistant", content: "" }),
    text: (text) => delta({ content: text }),
    reasoning: (text) => delta({ reasoning_content: text }),
    callBegin(id, name) {
      calls += 1;
      const call = { index: calls - 1, id, type: "function", function: { name, arguments: "" } };
      return delta({ tool_calls: [call] });
    },
    callArguments: (text) => delta({ tool_calls: [{ index: calls - 1, function: { arguments: text } }] }),
    finish: (finish, usage) =>
      delta({}, finishOf(finish, calls)) +
      (wantsUsage ? chunk([], { usage: usageOf(usage) }) : "") +
      "data: [DONE]\n\n",
    whole(answer) {
      const toolCalls = answer.calls.map((call) => ({
        id: call.id,
        type: "function",
        function: { name: call.name, arguments: call.arguments },
      }));
      const message = {
        role: "assistant",
        content: answer.text === "" ? null : answer.text,
        ...(answer.reasoning === "" ? {} : { reasoning_content: answer.reasoning }),
        ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls }),
      };
      const choice = { index: 0, message, finish_reason: finishOf(answer.finish, toolCalls.length) };
      return { ...head, object: "chat.completion", choices: [choice], usage: usageOf(answer.usage) };
    },
    error: (status, message) => ({ error: { message, type: `scripted_${status}`, code: null } }),
  };
}

const anthropicErrors: Readonly<Record<number, string>> = {
  400: "invalid_request_error",
  401: "authentication_error",
  403: "permission_error",
  404: "not_found_error",
  413: "request_too_large",
  429: "rate_limit_error",
  500: "api_error",
  529: "overloaded_error",
};

/** Anthropic Messages. */
export function createAnthropicWire(model: string): ModelWire {
  let blocks = 0;
  let open: "text" | "thinking" | "tool_use" | null = null;
  let hasCalls = false;
  let signature = "";
  const event = (type: string, fields: object) => sse(type, { type, ...fields });
  const delta = (fields: object) => event("content_block_delta", { index: blocks - 1, delta: fields });
  const close = (): string => {
    if (open === null) return "";
    const signed = open === "thinking" ? delta({ type: "signature_delta", signature }) : "";
    open = null;
    return signed + event("content_block_stop", { index: blocks - 1 });
  };
  const start = (type: "text" | "thinking" | "tool_use", block: object): string => {
    const before = close();
    open = type;
    blocks += 1;
    return before + event("content_block_start", { index: blocks - 1, content_block: { type, ...block } });
  };
  const inputUsage = (usage: ScriptedUsage) => ({
    input_tokens: usage.input - usage.cache_read - usage.cache_write,
    cache_read_input_tokens: usage.cache_read,
    cache_creation_input_tokens: usage.cache_write,
  });
  const finishes = { stop: "end_turn", length: "max_tokens", refusal: "refusal" } as const;
  const finishOf = (finish: ScriptedFinish, called: boolean) =>
    finish === "stop" && called ? "tool_use" : finishes[finish];
  const head = { id: "msg_scripted", type: "message", role: "assistant", model, stop_sequence: null };
  return {
    begin: (usage) =>
      event("message_start", {
        message: {
          ...head,
          content: [],
          stop_reason: null,
          usage: { ...inputUsage(usage), output_tokens: 1 },
        },
      }) + event("ping", {}),
    text: (text) =>
      (open === "text" ? "" : start("text", { text: "" })) + delta({ type: "text_delta", text }),
    reasoning(text, sign) {
      const opened = open === "thinking" ? "" : start("thinking", { thinking: "", signature: "" });
      signature = sign;
      return opened + delta({ type: "thinking_delta", thinking: text });
    },
    callBegin(id, name) {
      hasCalls = true;
      return start("tool_use", { id, name, input: {} });
    },
    callArguments: (text) => delta({ type: "input_json_delta", partial_json: text }),
    finish: (finish, usage) =>
      close() +
      event("message_delta", {
        delta: { stop_reason: finishOf(finish, hasCalls), stop_sequence: null },
        usage: { output_tokens: usage.output },
      }) +
      event("message_stop", {}),
    whole(answer) {
      const thinking = { type: "thinking", thinking: answer.reasoning, signature: "scripted" };
      const calls = answer.calls.map((call) => ({
        type: "tool_use",
        id: call.id,
        name: call.name,
        input: JSON.parse(call.arguments) as unknown,
      }));
      const content = [
        ...(answer.reasoning === "" ? [] : [thinking]),
        ...(answer.text === "" ? [] : [{ type: "text", text: answer.text }]),
        ...calls,
      ];
      const usage = { ...inputUsage(answer.usage), output_tokens: answer.usage.output };
      return { ...head, content, stop_reason: finishOf(answer.finish, calls.length > 0), usage };
    },
    error: (status, message) => ({
      type: "error",
      error: { type: anthropicErrors[status] ?? "api_error", message },
    }),
  };
}
