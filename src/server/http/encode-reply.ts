import { createTimeSlice } from "../../async/time-slice.ts";

/** Texts are joined up to this size: one buffer per list entry would cost more than the text. */
const PIECE_CHARS = 64 * 1024;

/**
 * Encodes a reply as JSON. Lists are encoded entry by entry, in short turns of the event loop: a page of messages may
 * hold tens of megabytes.
 */
export async function encodeReply(body: unknown): Promise<Buffer[]> {
  if (typeof body !== "object" || body === null || Array.isArray(body))
    return [Buffer.from(JSON.stringify(body))];
  const slice = createTimeSlice();
  const pieces: Buffer[] = [];
  let text = "{";
  let separator = "";
  for (const [name, value] of Object.entries(body) as [string, unknown][]) {
    if (value === undefined) continue;
    text += `${separator}${JSON.stringify(name)}:`;
    separator = ",";
    if (!Array.isArray(value)) {
      text += JSON.stringify(value);
      continue;
    }
    for (const [at, entry] of (value as unknown[]).entries()) {
      text += `${at === 0 ? "[" : ","}${JSON.stringify(entry) ?? "null"}`;
      if (text.length >= PIECE_CHARS) {
        pieces.push(Buffer.from(text));
        text = "";
      }
      await slice.rest();
    }
    text += value.length === 0 ? "[]" : "]";
  }
  pieces.push(Buffer.from(`${text}}`));
  return pieces;
}
