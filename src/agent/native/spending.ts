import { noUsage, type Usage } from "../../protocol/usage.ts";
import type { ModelRequest } from "./models/model.ts";

/** Average characters per token, of prose and code. */
const CHARS_PER_TOKEN = 4;

/** Files are counted differently from text; their bytes would count for far too much. */
function fileChars({ messages }: ModelRequest): number {
  let chars = 0;
  for (const { role, content } of messages) {
    if (role !== "user") continue;
    for (const part of content)
      if (part.type === "file" && part.data.type === "data" && typeof part.data.data === "string")
        chars += part.data.data.length;
  }
  return chars;
}

/**
 * What one answer has used so far. Providers report usage at the end, some the input at the start. A cut-off answer is
 * paid for too, so missing figures are estimated from what was sent and received.
 */
export function createSpending(request: ModelRequest) {
  let reported = noUsage;
  let askedTokens = 0;
  let saidChars = 0;
  return {
    update({ usage, askedBytes }: { usage?: Usage; askedBytes?: number }) {
      reported = usage ?? reported;
      if (askedBytes !== undefined)
        askedTokens = Math.ceil(Math.max(0, askedBytes - fileChars(request)) / CHARS_PER_TOKEN);
    },
    say(chars: number) {
      saidChars += chars;
    },
    get saidChars() {
      return saidChars;
    },
    soFar: (): Usage => ({
      ...reported,
      input_tokens: reported.input_tokens === 0 ? askedTokens : reported.input_tokens,
      output_tokens: Math.max(reported.output_tokens, Math.ceil(saidChars / CHARS_PER_TOKEN)),
    }),
  };
}
