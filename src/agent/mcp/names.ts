import { createHash } from "node:crypto";

/** What every provider takes as the name of a tool. */
const NAME_CHARS_MAX = 64;

const plain = (text: string): string => text.replace(/[^A-Za-z0-9_-]/g, "_");

/** A server's tool as the model and the permission rules name it. A name that is too long is cut and told apart. */
export function toolName(server: string, tool: string): string {
  const name = `mcp__${plain(server)}__${plain(tool)}`;
  if (name.length <= NAME_CHARS_MAX) return name;
  const hash = createHash("sha1").update(tool).digest("hex").slice(0, 8);
  return `${name.slice(0, NAME_CHARS_MAX - 9)}_${hash}`;
}
