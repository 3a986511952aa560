import { isAbsolute, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Attachment } from "../../protocol/routes/runs.ts";
import type { Turn } from "../backend.ts";
import type { ModelChoice } from "./named-model.ts";

type Place = { message_id: string | null; root: string; model: ModelChoice | null; mode: string | null };

/** The request body of a prompt. */
export function promptBody(turn: Turn, { message_id: messageID, root, model, mode }: Place) {
  const text = (words: string) => ({ type: "text", text: words });
  return {
    messageID,
    parts: [
      ...(turn.handover === null ? [] : [text(turn.handover)]),
      ...(turn.prompt === "" ? [] : [text(turn.prompt)]),
      ...turn.attachments.map((attachment) => filePart(attachment, root)),
    ],
    ...(model === null ? {} : { model }),
    ...(mode === null ? {} : { agent: mode }),
  };
}

function filePart({ name, media_type, path, data }: Attachment, root: string) {
  const url =
    data !== undefined
      ? `data:${media_type};base64,${data}`
      : pathToFileURL(path !== undefined && isAbsolute(path) ? path : join(root, path ?? name)).href;
  // opencode's media type for a folder: its model then gets the folder's listing.
  const mime = media_type === "inode/directory" ? "application/x-directory" : media_type;
  return { type: "file", mime, filename: name, url };
}
