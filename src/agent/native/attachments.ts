import { realpathSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import type { FilePart } from "../../protocol/message.ts";
import { hearthNote, inOneLine, textInside } from "../hearth-note.ts";
import { contains } from "../workspace-path.ts";
import { type Beginning, decodeText, readBeginning } from "./read-beginning.ts";

/** An attached file as a model gets it. */
export type LoadedFile =
  | { kind: "media"; name: string; mediaType: string; base64: string }
  | { kind: "text"; text: string };

const TEXT_BYTES_MAX = 50_000;
/** Of a PDF; pictures have the bound of their model. */
const PDF_BYTES_MAX = 20_000_000;
const imageTypes = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);

const note = (part: FilePart, why: string): LoadedFile => ({
  kind: "text",
  text: hearthNote(
    inOneLine(`The user attached ${part.name} (${part.media_type}, ${part.size} bytes)${why}`),
  ),
});

/** What a model takes of attachments. */
export type MediaTaken = {
  images: boolean;
  pdf: boolean;
  /** Of one image as base64. */
  charsMax: number;
  /** It was refused once. */
  isLeftOut(part: FilePart): boolean;
};

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
export function createFileLoader(root: string, takes: MediaTaken) {
  return (part: FilePart): LoadedFile => {
    const isImage = imageTypes.has(part.media_type);
    const isPdf = part.media_type === "application/pdf";
    if (isImage && !takes.images) return note(part, "; this model cannot see images");
    if (takes.isLeftOut(part)) return note(part, "; the provider refused it, so it is left out");
    if (isPdf && !takes.pdf) return note(part, `; this model cannot read PDFs${whereOf(part)}`);
    const bytesMax = isImage ? Math.floor(takes.charsMax / 4) * 3 : isPdf ? PDF_BYTES_MAX : TEXT_BYTES_MAX;
    const content = contentOf(part, root, bytesMax);
    if (typeof content === "string") return note(part, content);
    const { bytes, size } = content;
    if (isImage || isPdf) {
      if (size > bytesMax)
        return note(part, `; it is too large to be shown: at most ${inMegabytes(bytesMax)}${whereOf(part)}`);
      return { kind: "media", name: part.name, mediaType: part.media_type, base64: bytes.toString("base64") };
    }
    const text = decodeText(bytes.subarray(0, TEXT_BYTES_MAX));
    if (text === undefined) return note(part, `; it is a binary file${whereOf(part)}`);
    const cut =
      size > TEXT_BYTES_MAX ? `\n${hearthNote(`Cut at ${TEXT_BYTES_MAX} bytes${whereOf(part)}`)}` : "";
    const name = inOneLine(part.path ?? part.name);
    return {
      kind: "text",
      text: `<file path=${JSON.stringify(name)}>\n${textInside("file", text)}${cut}\n</file>`,
    };
  };
}

const whereOf = ({ path }: FilePart): string =>
  path === undefined ? "" : `; read it at ${path} if you need it`;
const inMegabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(1)} MB`;
