import { randomBytes } from "node:crypto";

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** Message ids in opencode's format. They must rise: opencode orders messages by them. */
export function createMessageIds(now: () => number): () => string {
  let last = 0n;
  return () => {
    const at = BigInt(now()) * 4096n;
    last = at > last ? at : last + 1n;
    const time = (last & 0xffffffffffffn).toString(16).padStart(12, "0");
    const random = [...randomBytes(14)].map((byte) => base62[byte % 62]).join("");
    return `msg_${time}${random}`;
  };
}
