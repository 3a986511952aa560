export type Page = {
  /** Keys of the front matter; empty if there is none, or if it is broken. */
  fields: Readonly<Record<string, unknown>>;
  body: string;
  /** What is wrong with the front matter, as the end of a sentence. */
  problem?: string;
};

/** YAML may refer to a part again and again: more than this is no honest file. */
const ALIASES_MAX = 50;

/** A Markdown file with YAML between two lines of dashes at its top. Never throws. */
export async function readPage(text: string): Promise<Page> {
  const match = /^---[ \t]*\r?\n([\s\S]*?)(?:^|\r?\n)---[ \t]*(?:\r?\n|$)/m.exec(text);
  if (match === null || match.index !== 0) return { fields: {}, body: text.trim() };
  const body = text.slice(match[0].length).trim();
  const { parse } = await import("./yaml.ts");
  try {
    const fields: unknown = parse(match[1] ?? "", { maxAliasCount: ALIASES_MAX, logLevel: "error" });
    if (fields === null) return { fields: {}, body };
    if (typeof fields === "object" && !Array.isArray(fields)) return { fields: { ...fields }, body };
    return { fields: {}, body, problem: "its front matter is no list of keys" };
  } catch (error) {
    const why = error instanceof Error ? error.message.split("\n")[0] : String(error);
    return { fields: {}, body, problem: `its front matter is broken: ${why}` };
  }
}

/** A key's text in one line; undefined if it has none. */
export function fieldText(page: Page, name: string): string | undefined {
  const value = page.fields[name];
  if (typeof value !== "string" && typeof value !== "number") return undefined;
  const text = String(value).replace(/\s+/g, " ").trim();
  return text === "" ? undefined : text;
}

/** A key's words: a list, or a text with commas. */
export function fieldWords(page: Page, name: string): string[] | undefined {
  const value = page.fields[name];
  const words = typeof value === "string" ? value.split(",") : value;
  if (!Array.isArray(words)) return undefined;
  return words.filter((word) => typeof word === "string").map((word) => word.trim());
}
