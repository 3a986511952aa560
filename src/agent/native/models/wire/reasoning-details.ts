import { type Loose, textOf } from "./loose.ts";

/** Merges two pieces of one OpenRouter detail: texts are joined, other fields take the last value. */
function joined(before: Loose, more: Loose): Loose {
  const made: { [key: string]: unknown } = { ...before };
  for (const [key, value] of Object.entries(more)) {
    if (value === null || value === undefined) continue;
    const isText = key === "text" || key === "summary";
    made[key] = isText ? textOf(before[key]) + textOf(value) : value;
  }
  return made;
}

/** Collects the thinking, readable or encrypted, that a gateway wants back verbatim. */
export function createReasoningDetails() {
  const details: Loose[] = [];
  return {
    add(detail: Loose) {
      const last = details.at(-1);
      const isMore =
        last !== undefined &&
        detail["type"] !== "reasoning.encrypted" &&
        last["type"] === detail["type"] &&
        last["index"] === detail["index"];
      if (isMore) details[details.length - 1] = joined(last, detail);
      else details.push(detail);
    },
    /** Undefined if there is nothing to send back. */
    all: (): Record<string, unknown> | undefined =>
      details.length === 0 ? undefined : { compatible: { reasoningDetails: details } },
  };
}
