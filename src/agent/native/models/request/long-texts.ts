import { randomBytes } from "node:crypto";
import type { PromptMessage } from "../model.ts";

type ToolMessage = Extract<PromptMessage, { role: "tool" }>;
type ToolContent = ToolMessage["content"][number];

/** Shorter texts are cheaper to write out than to look up. */
const LONG_CHARS_MIN = 512;

/**
 * Tool results are most of a long conversation and are the same in every request. Each long text is serialized to JSON
 * once. The provider packages get a placeholder, and the text is put into the finished body. So a 2 MB request costs
 * only its new text and one copy. Figures: decision 017.
 */
export function createLongTexts() {
  const secret = randomBytes(16).toString("hex");
  const pattern = new RegExp(`long-text:${secret}:(\\d+):`);
  const written = new Map<number, Buffer>();
  const shortened = new WeakMap<ToolMessage, ToolMessage>();
  const forgotten = new FinalizationRegistry<readonly number[]>((numbers) => {
    for (const number of numbers) written.delete(number);
  });
  let last = 0;

  function keep(text: string): number {
    last += 1;
    written.set(last, Buffer.from(JSON.stringify(text).slice(1, -1)));
    return last;
  }

  function shorten(message: PromptMessage): PromptMessage {
    if (message.role !== "tool") return message;
    const known = shortened.get(message);
    if (known) return known;
    const numbers: number[] = [];
    const content = message.content.map((part): ToolContent => {
      if (part.type !== "tool-result") return part;
      const { output } = part;
      if (output.type !== "text" && output.type !== "error-text") return part;
      if (output.value.length < LONG_CHARS_MIN) return part;
      const number = keep(output.value);
      numbers.push(number);
      return { ...part, output: { ...output, value: `long-text:${secret}:${number}:` } };
    });
    const made = numbers.length === 0 ? message : { ...message, content };
    if (numbers.length > 0) forgotten.register(message, numbers);
    shortened.set(message, made);
    return made;
  }

  /** A body, or a piece of one, with all placeholders replaced. */
  function lengthen(body: string): string | Buffer<ArrayBuffer> {
    // Split alternates: text, number, text, …, text.
    const pieces = body.split(pattern);
    if (pieces.length === 1) return body;
    return Buffer.concat(
      pieces.map((piece, index) => {
        if (index % 2 === 0) return Buffer.from(piece);
        const text = written.get(Number(piece));
        if (text === undefined) throw new Error("a text of the conversation was forgotten too soon");
        return text;
      }),
    );
  }

  return { shorten, lengthen };
}
