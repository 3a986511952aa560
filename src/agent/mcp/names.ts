import { createHash } from "node:crypto";

/** The tool names that every provider accepts. */
const NAME_CHARS_MAX = 64;

const plain = (text: string): string => text.replace(/[^A-Za-z0-9_-]/g, "_");

/** The name of a server's tool for models and permission rules. A long name is cut and made unique by a hash. */
export function toolName(server: string, tool: string): string {
  const name = `mcp__${plain(server)}__${plain(tool)}`;
  if (name.length <= NAME_CHARS_MAX) return name;
  const hash = createHash("sha1").update(tool).digest("hex").slice(0, 8);
  return `${name.slice(0, NAME_CHARS_MAX - 9)}_${hash}`;
}
