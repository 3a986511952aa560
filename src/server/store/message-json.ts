import type { Message, Part } from "../../protocol/message.ts";

/** A shorter one is written sooner than it is looked for. */
const KEPT_CHARS_MIN = 4096;

/**
 * Messages and parts as JSON. A call may be asked with megabytes, and its message is written and told again whenever
 * something happens to it: what it was asked with is encoded once, and kept until its message is settled.
 */
export function createMessageJson() {
  const kept = new WeakMap<object, string>();

  /** Undefined where it cannot be said in JSON. */
  function inputJson(input: unknown): string | undefined {
    if (typeof input !== "object" || input === null) return JSON.stringify(input);
    const known = kept.get(input);
    if (known !== undefined) return known;
    const made = JSON.stringify(input);
    if (made.length >= KEPT_CHARS_MIN) kept.set(input, made);
    return made;
  }

  /** `rest`: all of the call that is told, but what it was asked with. */
  function callJson(rest: object, input: unknown): string {
    const json = JSON.stringify(rest);
    const asked = inputJson(input);
    return asked === undefined ? json : `${json.slice(0, -1)},"input":${asked}}`;
  }

  function partJson(part: Part): string {
    if (part.type !== "tool_call") return JSON.stringify(part);
    const { input, ...rest } = part;
    return callJson(rest, input);
  }

  return {
    /** The part without its text that streams, which has a column of its own. */
    data(part: Part): string {
      if (part.type !== "tool_call") return JSON.stringify({ ...part, text: undefined });
      const { input, output: _, ...rest } = part;
      return callJson(rest, input);
    },
    message({ parts, ...head }: Message): string {
      const json = `${JSON.stringify(head).slice(0, -1)},"parts":[${parts.map(partJson).join(",")}]}`;
      if (head.completed_at !== null)
        for (const part of parts)
          if (part.type === "tool_call" && typeof part.input === "object" && part.input !== null)
            kept.delete(part.input);
      return json;
    },
  };
}
