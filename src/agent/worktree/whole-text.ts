import type { ChangeRow } from "./change-row.ts";
import type { TreeStore } from "./tree-store.ts";

/** A person does not read longer files through a review. */
const BYTES_MAX = 1024 * 1024;

/** The file as the agent left it, whole; null with the reason if it is not to be shown. */
export async function wholeText(
  store: TreeStore,
  row: ChangeRow,
  signal: AbortSignal,
): Promise<{ text: string; reason: null } | { text: null; reason: string }> {
  const none = (reason: string) => ({ text: null, reason });
  if (row.new === null) return none("The file was deleted.");
  if (row.binary) return none("It is a binary file.");
  const content = (await store.read([row.new.oid], signal)).get(row.new.oid);
  if (content === undefined) return none("Its content is gone from hearth's store.");
  if (content.length > BYTES_MAX) return none("It is too large to be shown whole.");
  return { text: content.toString("utf8"), reason: null };
}
