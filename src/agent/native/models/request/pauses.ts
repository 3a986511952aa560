import type { ModelChunk, ModelRequest, PromptMessage } from "../model.ts";
import { citedTexts, searchCall, searchParts } from "../searches.ts";

type AssistantContent = Extract<PromptMessage, { role: "assistant" }>["content"];

/** A provider pauses after about ten searches. */
const PAUSES_MAX = 5;

/** Gathers an answer in the form in which it is sent back, from its chunks. */
function createGathered() {
  const content: AssistantContent = [];
  const inputs = new Map<string, unknown>();
  let open: { type: "text" | "reasoning"; text: string } | undefined;

  function end(of: "text" | "reasoning", provider: Record<string, unknown> | undefined) {
    const { type, text } = open ?? { type: of, text: "" };
    open = undefined;
    const options = provider === undefined ? {} : { providerOptions: provider as never };
    if (type === "reasoning") content.push({ type, text, ...options });
    else if (text.trim() !== "")
      content.push(...(citedTexts({ text, provider }) ?? [{ type, text, ...options }]));
  }

  return {
    content: (): AssistantContent => {
      if (open !== undefined) end(open.type, undefined);
      return [...content];
    },
    add(chunk: ModelChunk) {
      switch (chunk.type) {
        case "text":
        case "reasoning":
          open ??= { type: chunk.type, text: "" };
          open.text += chunk.text;
          return;
        case "part_ended":
          return end(chunk.of ?? "reasoning", chunk.provider);
        case "search_started":
          inputs.set(chunk.id, { query: chunk.query });
          content.push(searchCall(chunk.id, { query: chunk.query }));
          return;
        case "search_ended": {
          const { record, id } = chunk;
          const parts = searchParts({ input: inputs.get(id), provider: record }, record.form) ?? [];
          content.push(...parts.filter(({ type }) => type === "tool-result"));
        }
      }
    },
  };
}

/**
 * A provider that runs tools of its own pauses a long answer and waits to be sent it back as it is. For everybody else
 * it is one answer.
 */
export async function* throughPauses(
  request: ModelRequest,
  send: (request: ModelRequest) => AsyncIterable<ModelChunk>,
): AsyncGenerator<ModelChunk> {
  const gathered = createGathered();
  let asked = request;
  for (let pauses = 0; ; pauses += 1) {
    let isPaused = false;
    let hasCalls = false;
    for await (const chunk of send(asked)) {
      gathered.add(chunk);
      hasCalls ||= chunk.type === "tool_call";
      const waits = chunk.type === "finished" && chunk.isPaused === true;
      if (waits && !hasCalls && pauses < PAUSES_MAX && gathered.content().length > 0) {
        isPaused = true;
        yield { type: "paused", usage: chunk.usage };
      } else yield chunk;
    }
    if (!isPaused) return;
    const content = gathered.content();
    asked = { ...request, messages: [...request.messages, { role: "assistant", content }] };
  }
}
