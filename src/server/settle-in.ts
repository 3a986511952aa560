import { statSync } from "node:fs";
import type { Store } from "./store/open.ts";
import type { WorkspaceRow } from "./store/workspaces.ts";

/**
 * Takes note of which directory stands at a workspace's path. What was allowed in one is not allowed in another that
 * has taken its place (attacks.md A26).
 */
export function settleIn(store: Store, { id, path, identity: before }: WorkspaceRow): void {
  const { dev, ino } = statSync(path, { bigint: true });
  const identity = `${dev}:${ino}`;
  if (identity === before) return;
  store.transaction("relaxed", () => {
    if (before !== "") store.grants.forgetWorkspace(id);
    store.workspaces.setIdentity(id, identity);
  });
}
