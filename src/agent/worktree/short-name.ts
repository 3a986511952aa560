import { createHash } from "node:crypto";
import type { SessionId } from "../../protocol/ids.ts";

/** Part of the session's id, longer where another session's begins like it. */
export function shortName(sid: SessionId, isTaken: (name: string) => boolean): string {
  const plain = sid.slice("ses_".length);
  const hex = /^[0-9a-f]{32}$/.test(plain) ? plain : createHash("sha256").update(sid).digest("hex");
  const length = [8, 12, 16, 32].find((size) => !isTaken(hex.slice(0, size)));
  return hex.slice(0, length ?? hex.length);
}
