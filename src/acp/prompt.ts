import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { FOLDER_TYPE, mediaTypeOf } from "../client/media-type.ts";
import { HearthError } from "../protocol/errors.ts";
import type { Attachment } from "../protocol/routes/runs.ts";

/** What an editor may put into a prompt; the same in all versions of the protocol. */
export type PromptBlock =
  | { type: "text"; text: string }
  | { type: "image"; data: string; mimeType: string; uri?: string | null | undefined }
  | { type: "audio" }
  | { type: "resource_link"; uri: string; name: string; mimeType?: string | null | undefined }
  | {
      type: "resource";
      resource:
        | { uri: string; mimeType?: string | null | undefined; text: string }
        | { uri: string; mimeType?: string | null | undefined; blob: string };
    };

export type Prompt = { text: string; attachments: Attachment[] };

/** An editor's blocks as a prompt of hearth: what they refer to stands in the text as `@name` and is attached. */
export function promptOf(blocks: readonly PromptBlock[], root: string): Prompt {
  let text = "";
  const attachments: Attachment[] = [];
  const attach = (attachment: Attachment) => {
    const isAttached =
      attachment.path !== undefined && attachments.some(({ path }) => path === attachment.path);
    if (!isAttached) attachments.push(attachment);
  };
  for (const block of blocks) {
    switch (block.type) {
      case "text":
        text += block.text;
        break;
      case "image": {
        const type = block.mimeType.split("/")[1] ?? "image";
        attach({ name: nameIn(block.uri) ?? `image.${type}`, media_type: block.mimeType, data: block.data });
        break;
      }
      case "resource_link": {
        const path = pathIn(block.uri, root);
        if (path === undefined) {
          text += block.uri;
          break;
        }
        text += `@${path}${linesIn(block.uri)}`;
        const isFolder = block.uri.endsWith("/") || block.mimeType === FOLDER_TYPE;
        attach({
          name: nameIn(block.uri) ?? (block.name || path),
          media_type: isFolder ? FOLDER_TYPE : (block.mimeType ?? mediaTypeOf(path)),
          path,
        });
        break;
      }
      case "resource": {
        const { resource } = block;
        const name = nameIn(resource.uri) ?? resource.uri;
        text += `@${pathIn(resource.uri, root) ?? name}${linesIn(resource.uri)}`;
        const isText = "text" in resource;
        attach({
          name,
          media_type: resource.mimeType ?? (isText ? "text/plain" : mediaTypeOf(name)),
          data: isText ? Buffer.from(resource.text, "utf8").toString("base64") : resource.blob,
        });
        break;
      }
      case "audio":
        throw new HearthError("invalid_request", "prompt: hearth does not take audio; send text or images.");
    }
  }
  return { text, attachments };
}

const NAME_CHARS_MAX = 255;

function urlOf(uri: string | null | undefined): URL | undefined {
  return uri && URL.canParse(uri) ? new URL(uri) : undefined;
}

/** A file's path, relative to the workspace where it is inside; undefined for what is no file. */
function pathIn(uri: string, root: string): string | undefined {
  const url = urlOf(uri);
  if (url?.protocol !== "file:") return undefined;
  let path: string;
  try {
    path = fileURLToPath(new URL(url.pathname, "file://"));
  } catch {
    return undefined; // an escaped slash or NUL
  }
  const inside = relative(root, path);
  if (inside === "") return ".";
  return inside.startsWith("..") ? path : inside;
}

/** The lines that an editor means, such as `#L10:20`. */
const linesIn = (uri: string): string => /#L\d+(?:[:-]L?\d+)?$/.exec(uri)?.[0] ?? "";

function nameIn(uri: string | null | undefined): string | undefined {
  const url = urlOf(uri);
  const last = url?.pathname.replace(/\/+$/, "").split("/").at(-1);
  if (!last) return undefined;
  try {
    return decodeURIComponent(last).slice(0, NAME_CHARS_MAX).toWellFormed();
  } catch {
    return last.slice(0, NAME_CHARS_MAX);
  }
}
