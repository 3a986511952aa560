import { readFile, stat } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import type { ContentBlock } from "@agentclientprotocol/sdk/unstable";
import type { Turn } from "../../backend.ts";
import { resolveInside } from "../../workspace-path.ts";
import { at } from "../wire.ts";

/** Every provider accepts images up to this size. */
const IMAGE_BYTES_MAX = 5_000_000;

type Attachment = Turn["attachments"][number];

/** The prompt as content blocks: first what the agent missed, then the prompt, then the attachments. */
export async function promptBlocks(
  turn: Pick<Turn, "prompt" | "handover" | "attachments">,
  root: string,
  capabilities: unknown,
  commands: readonly string[],
): Promise<ContentBlock[]> {
  const words: ContentBlock = { type: "text", text: turn.prompt };
  const missed: ContentBlock[] = turn.handover === null ? [] : [{ type: "text", text: turn.handover }];
  // Agents recognize their commands only at the very beginning.
  const command = /^\/(\S+)/.exec(turn.prompt)?.[1];
  const isCommand = command !== undefined && commands.includes(command);
  const attached = await Promise.all(
    turn.attachments.map((attachment) => attachedBlock(attachment, root, capabilities)),
  );
  return isCommand ? [words, ...missed, ...attached] : [...missed, words, ...attached];
}

async function attachedBlock(
  { name, media_type, path, data }: Attachment,
  root: string,
  capabilities: unknown,
): Promise<ContentBlock> {
  const takesImages = at(capabilities, "promptCapabilities", "image") === true;
  const takesEmbedded = at(capabilities, "promptCapabilities", "embeddedContext") === true;
  const isImage = media_type.startsWith("image/");
  if (data !== undefined) {
    if (isImage && takesImages) return { type: "image", data, mimeType: media_type };
    const uri = `attachment:///${encodeURIComponent(name)}`;
    const bytes = Buffer.from(data, "base64");
    const isText = !bytes.includes(0);
    if (takesEmbedded && isText)
      return { type: "resource", resource: { uri, mimeType: media_type, text: bytes.toString("utf8") } };
    if (takesEmbedded) return { type: "resource", resource: { uri, mimeType: media_type, blob: data } };
    const shown = isText ? bytes.toString("utf8") : "[not text; this agent takes no such files]";
    return { type: "text", text: `<file name=${JSON.stringify(name)}>\n${shown}\n</file>` };
  }
  const real = path === undefined ? undefined : await resolveInside(root, path).catch(() => undefined);
  if (real === undefined) {
    const where = path === undefined || path === name ? "" : ` at ${path}`;
    return { type: "text", text: `[The user attached ${name}${where}, which is not in the workspace]` };
  }
  if (isImage && takesImages) {
    const image = await imageOf(real);
    if (image !== undefined) return { type: "image", data: image, mimeType: media_type };
  }
  return { type: "resource_link", uri: pathToFileURL(real).href, name, mimeType: media_type };
}

/** undefined when it is not a regular file, too large or gone. */
async function imageOf(path: string): Promise<string | undefined> {
  try {
    const found = await stat(path);
    if (!found.isFile() || found.size > IMAGE_BYTES_MAX) return undefined;
    return (await readFile(path)).toString("base64");
  } catch {
    return undefined; // the agent gets a link instead, and sees the error itself
  }
}
