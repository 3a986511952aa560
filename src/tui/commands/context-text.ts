import type { ContextFill, RequestParts } from "../../protocol/request.ts";

const names: readonly (readonly [keyof RequestParts, string])[] = [
  ["system", "system prompt"],
  ["tools", "tools"],
  ["instructions", "environment and instructions"],
  ["summary", "summary of compacted messages"],
  ["messages", "messages"],
  ["tool_results", "results of tools"],
  ["files", "images and files"],
];
const BAR_CELLS = 20;

const count = (tokens: number): string => tokens.toLocaleString("en-US");
const percent = (part: number, whole: number): string => `${Math.round((100 * part) / whole)} %`;

/** The answer to `/context`: what fills the window. */
export function contextText({ is_own, model, used, window, parts, cache_hit, alarm }: ContextFill): string {
  const size =
    used === null
      ? undefined
      : window === null
        ? `${count(used)} tokens; the size of the window is not known`
        : `${count(used)} of ${count(window)} tokens (${percent(used, window)})`;
  if (!is_own)
    return `${size ?? "How full its window is, the agent has not said."}\nThis agent keeps its conversation itself and compacts it by itself.`;
  if (parts === null) return "Nothing has been sent to a model yet.";
  const total = Object.values(parts).reduce((sum, tokens) => sum + tokens, 0);
  const width = Math.max(...names.map(([, name]) => name.length));
  const rows = names
    .filter(([part]) => parts[part] > 0)
    .map(([part, name]) => {
      const bar = "#".repeat(Math.round((BAR_CELLS * parts[part]) / Math.max(1, total)));
      return `${name.padEnd(width)}  ${count(parts[part]).padStart(9)}  ${percent(parts[part], Math.max(1, total)).padStart(5)}  ${bar}`.trimEnd();
    });
  return [
    `${model ?? ""} · ${size ?? `${count(total)} tokens in the last request`}`,
    ...rows,
    ...(cache_hit === null
      ? []
      : [`from the provider's cache: ${percent(cache_hit, 1)} of the last request`]),
    ...(alarm === null ? [] : [alarm]),
    "/compact summarises older messages",
  ].join("\n");
}
