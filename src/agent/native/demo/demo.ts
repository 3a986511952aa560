import { demoModelId } from "../models/choice/resolve.ts";
import {
  type Model,
  type ModelChunk,
  type ModelRequest,
  noCost,
  type PromptMessage,
} from "../models/model.ts";
import { traitsOf } from "../models/traits.ts";
import { type DemoStep, type DemoView, demoMove } from "./demo-script.ts";

/** A pace at which a person can read along. */
const WORD_MS = 12;
const CHARS_PER_TOKEN = 4;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

const textIn = (message: PromptMessage): string =>
  message.content.map((part) => (part.type === "text" ? part.text : "")).join("\n");

/** The text that a person typed, without what hearth adds for real models. */
function promptIn(message: PromptMessage): string {
  return textIn(message)
    .replace(/<(hearth|environment|project_instructions|user_instructions|agent|file)\b[\s\S]*?<\/\1>/g, "")
    .trim();
}

/** What the demo sees: the prompt and the results that a model would see. */
export function demoView(request: ModelRequest): DemoView {
  const { messages } = request;
  const at = messages.findLastIndex((message) => message.role === "user" && promptIn(message) !== "");
  const prompt = messages[at];
  const inputs = new Map<string, Record<string, unknown>>();
  const steps: DemoStep[] = [];
  for (const message of messages.slice(at + 1)) {
    if (message.role === "assistant")
      for (const part of message.content)
        if (part.type === "tool-call") inputs.set(part.toolCallId, isObject(part.input) ? part.input : {});
    if (message.role !== "tool") continue;
    for (const part of message.content) {
      if (part.type !== "tool-result") continue;
      const { output } = part;
      const result = output.type === "text" || output.type === "error-text" ? output.value : "";
      steps.push({
        name: part.toolName,
        input: inputs.get(part.toolCallId) ?? {},
        result,
        isError: output.type === "error-text",
      });
    }
  }
  const names = new Set(request.tools.map((tool) => tool.name));
  return {
    prompt: prompt === undefined ? "" : promptIn(prompt),
    steps,
    hasTool: (name) => names.has(name),
    isFirstTurn: !messages.slice(0, Math.max(at, 0)).some((message) => message.role === "assistant"),
  };
}

const tokensIn = (request: ModelRequest): number =>
  Math.ceil((request.system.length + JSON.stringify(request.messages).length) / CHARS_PER_TOKEN);

type Wait = (ms: number, signal: AbortSignal) => Promise<unknown>;

async function* playDemo(wait: Wait, request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelChunk> {
  const view = demoView(request);
  const { say, calls } = demoMove(view);
  for (const word of say.split(/(?<=\s)/)) {
    await wait(WORD_MS, signal);
    yield { type: "text", text: word };
  }
  yield { type: "part_ended" };
  for (const [at, call] of calls.entries()) {
    const id = `demo_${view.steps.length + at + 1}`;
    yield { type: "tool_started", id, name: call.name };
    yield { type: "tool_call", id, name: call.name, arguments: JSON.stringify(call.input) };
  }
  const usage = {
    input_tokens: tokensIn(request),
    output_tokens: Math.ceil((say.length + JSON.stringify(calls).length) / CHARS_PER_TOKEN),
    reasoning_tokens: 0,
    cache_read_tokens: 0,
    cache_write_tokens: 0,
  };
  yield { type: "finished", end: "stop", usage };
}

/**
 * The built-in model: a script that works on the user's real files with the real tools. It needs no key and no network,
 * and says what it is. It uses the same loop, permissions and screen as a real model. `wait` must end at once when its
 * signal aborts, so that a cancel is not delayed.
 */
export const createDemoModel = (wait: Wait): Model => ({
  id: demoModelId,
  providerLabel: "Demo",
  family: "open",
  isPrivate: false,
  traits: traitsOf({ type: "openai-compatible", baseUrl: "", model: demoModelId }),
  abilities: null,
  cost: noCost,
  contextWindow: null,
  outputTokensMax: null,
  stream: (request, signal) => playDemo(wait, request, signal),
});
