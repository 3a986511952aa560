import { realpathSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import type { FilePart } from "../../protocol/message.ts";
import { contains } from "../workspace-path.ts";
import { type Beginning, readBeginning } from "./read-beginning.ts";

/** An attached file as a model gets it. */
export type LoadedFile =
  | { kind: "media"; name: string; mediaType: string; base64: string }
  | { kind: "text"; text: string };

const TEXT_BYTES_MAX = 50_000;
/** Anthropic's bound for one image; the others take more. */
const MEDIA_BYTES_MAX = 5_000_000;
const imageTypes = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);

const note = (part: FilePart, why: string): LoadedFile => ({
  kind: "text",
  text: `[The user attached ${part.name} (${part.media_type}, ${part.size} bytes)${why}]`,
});

/** The real path when it lies inside the root. */
function insidePath(root: string, path: string): string | undefined {
  const realRoot = realpathSync(root);
  const real = realpathSync(isAbsolute(path) ? path : join(realRoot, path));
  return contains(realRoot, real) ? real : undefined;
}

function contentOf(part: FilePart, root: string, bytesMax: number): Beginning | string {
  if (part.data !== undefined) {
    const bytes = Buffer.from(part.data, "base64");
    return { bytes, size: bytes.length };
  }
  if (part.path === undefined) return "; its content is not kept";
  try {
    const path = insidePath(root, part.path);
    if (path === undefined) return ` at ${part.path}, which is outside the workspace; it was not read`;
    return readBeginning(path, bytesMax) ?? ` at ${part.path}, which is not a regular file`;
  } catch {
    return ` at ${part.path}; it cannot be read`; // gone or forbidden by now: the model is told, the turn goes on
  }
}

/** Reads attachments from below `root`: what the model takes as it is, text within bounds, the rest by name. */
export function createFileLoader(root: string, takes: { images: boolean; pdf: boolean }) {
  return (part: FilePart): LoadedFile => {
    const isImage = imageTypes.has(part.media_type);
    if (isImage && !takes.images) return note(part, "; this model cannot see images");
    const isMedia = isImage || (takes.pdf && part.media_type === "application/pdf");
    const content = contentOf(part, root, isMedia ? MEDIA_BYTES_MAX : TEXT_BYTES_MAX);
    const where = part.path === undefined ? "" : `; read it at ${part.path} if you need it`;
    if (typeof content === "string") return note(part, content);
    const { bytes, size } = content;
    if (isMedia) {
      if (size > MEDIA_BYTES_MAX) return note(part, `; it is too large to be shown${where}`);
      return {
        kind: "media",
        name: part.name,
        mediaType: part.media_type,
        base64: bytes.toString("base64"),
      };
    }
    if (bytes.includes(0)) return note(part, `; it is a binary file${where}`);
    const text = new TextDecoder().decode(bytes.subarray(0, TEXT_BYTES_MAX));
    const cut = size > TEXT_BYTES_MAX ? `\n[Cut at ${TEXT_BYTES_MAX} bytes${where}]` : "";
    const name = part.path ?? part.name;
    return { kind: "text", text: `<file path=${JSON.stringify(name)}>\n${text}${cut}\n</file>` };
  };
}
