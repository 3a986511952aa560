import { type Loose, textOf } from "../loose.ts";

/** How OpenRouter's pieces of one detail become one: texts are joined, everything else is said last. */
function joined(before: Loose, more: Loose): Loose {
  const made: { [key: string]: unknown } = { ...before };
  for (const [key, value] of Object.entries(more)) {
    if (value === null || value === undefined) continue;
    const isText = key === "text" || key === "summary";
    made[key] = isText ? textOf(before[key]) + textOf(value) : value;
  }
  return made;
}

/** Gathers what a gateway wants back verbatim of a model's thinking, readable or sealed. */
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
    /** Undefined where there is nothing to send back. */
    all: (): Record<string, unknown> | undefined =>
      details.length === 0 ? undefined : { compatible: { reasoningDetails: details } },
  };
}
