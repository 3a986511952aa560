/** How hard a model may be told to think, from little to much: what providers call it, all of them together. */
export const efforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max"] as const;
export type Effort = (typeof efforts)[number];

/** The word for an effort that nobody has chosen. */
export const DEFAULT_EFFORT = "default";

/**
 * `provider/model@effort` in its parts. "@high" alone is the default model with that effort: `model` is null. What
 * stands behind an @ and is no plain word belongs to the model's name (`claude@20250514`, `@cf/meta/llama`).
 */
export function splitEffort(name: string): { model: string | null; effort: string | null } {
  const [, model = "", effort = null] = /^(.*)@([a-z]+)$/.exec(name) ?? [null, name];
  return { model: model === "" ? null : model, effort: effort === DEFAULT_EFFORT ? null : effort };
}

/** The name of a model with an effort; null: the default model with its own effort. */
export function withEffort(model: string | null, effort: string | null): string | null {
  return effort === null || effort === DEFAULT_EFFORT ? model : `${model ?? ""}@${effort}`;
}

/** What is asked for, where an effort alone ("@high") means another effort for the model that is there. */
export function changedModel(before: string | null, asked: string | null): string | null {
  if (asked === null || !asked.startsWith("@") || !/^@[a-z]+$/.test(asked)) return asked;
  return withEffort(before === null ? null : splitEffort(before).model, asked.slice(1));
}
