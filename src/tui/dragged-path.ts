import { fileURLToPath } from "node:url";
import { isImage } from "./media-type.ts";

/**
 * The path that a terminal pastes when a file is dragged onto it: quoted, with backslashes, or as a URL. Undefined
 * for anything that is no path of one image.
 */
export function draggedPath(text: string): string | undefined {
  const line = text.trim();
  if (line === "" || line.includes("\n") || line.length > 4096) return undefined;
  const path = unquoted(line);
  return path !== undefined && isImage(path) && /^[~/.]|[/\\]/.test(path) ? path : undefined;
}

function unquoted(line: string): string | undefined {
  if (line.startsWith("file://")) {
    try {
      return fileURLToPath(line);
    } catch {
      return undefined; // a URL of another machine
    }
  }
  const quoted = /^(['"])(.*)\1$/.exec(line);
  return quoted?.[2] ?? line.replace(/\\(.)/g, "$1");
}
