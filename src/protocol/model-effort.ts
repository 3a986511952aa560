/** All providers' words for reasoning effort, from little to much. */
export const efforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max"] as const;
export type Effort = (typeof efforts)[number];

/** The word for a model's default effort. */
export const DEFAULT_EFFORT = "default";

/**
 * Splits `provider/model@effort`. "@high" alone is the default model with that effort: `model` is null. Text after an @
 * that is no effort belongs to the model's name (`claude@20250514`, `@cf/meta/llama`).
 */
export function splitEffort(name: string): { model: string | null; effort: string | null } {
  const [, model = "", effort = null] = /^(.*)@([a-z]+)$/.exec(name) ?? [null, name];
  return { model: model === "" ? null : model, effort: effort === DEFAULT_EFFORT ? null : effort };
}

/** The name of a model with an effort; null: the default model with its own effort. */
export function withEffort(model: string | null, effort: string | null): string | null {
  return effort === null || effort === DEFAULT_EFFORT ? model : `${model ?? ""}@${effort}`;
}

/** The model to use for a choice: an effort alone ("@high") keeps the present model. */
export function changedModel(before: string | null, asked: string | null): string | null {
  if (asked === null || !asked.startsWith("@") || !/^@[a-z]+$/.test(asked)) return asked;
  return withEffort(before === null ? null : splitEffort(before).model, asked.slice(1));
}
