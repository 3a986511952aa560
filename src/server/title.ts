const titleCharsMax = 60;

/** A session is named by the first line of its first prompt until a person or an agent names it better. */
export function titleOf(prompt: string): string {
  const line = prompt.trim().split("\n", 1)[0]?.replace(/\s+/g, " ").trim() ?? "";
  if (line.length <= titleCharsMax) return line;
  const cut = line.slice(0, titleCharsMax);
  const space = cut.lastIndexOf(" ");
  return `${space > titleCharsMax / 2 ? cut.slice(0, space) : cut}…`;
}
