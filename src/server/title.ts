import { startOf } from "../protocol/cut-text.ts";

const TITLE_CHARS_MAX = 60;

/** A session's title is the first line of its first prompt, until a person or an agent sets another. */
export function titleOf(prompt: string): string {
  const line = prompt.trim().split("\n", 1)[0]?.replace(/\s+/g, " ").trim() ?? "";
  if (line.length <= TITLE_CHARS_MAX) return line.toWellFormed();
  const cut = startOf(line, TITLE_CHARS_MAX);
  const space = cut.lastIndexOf(" ");
  return `${space > TITLE_CHARS_MAX / 2 ? cut.slice(0, space) : cut}…`;
}
