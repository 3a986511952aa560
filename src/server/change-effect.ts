import type { ChangeRow } from "../agent/worktree/change-row.ts";
import type { Decision } from "../agent/worktree/decide.ts";
import { HearthError } from "../protocol/errors.ts";
import type { SessionId } from "../protocol/ids.ts";

/** What is stored with a set of files that is being written: what it leads to. `tree`: null for changes in place. */
export type Effect = {
  decision: Decision;
  tree: "base" | "tip" | null;
  oid: string;
  rows: (Omit<ChangeRow, "path" | "old_path"> & Paths)[];
};
type Paths = { path: string; old_path: string | null };

export function oneSession(rows: readonly ChangeRow[]): SessionId {
  const [first, ...others] = rows;
  if (first === undefined || others.some(({ session_id }) => session_id !== first.session_id))
    throw new HearthError("invalid_request", "ids: all must be changes of one session.", {
      details: { field: "ids" },
    });
  return first.session_id;
}

export const withPlainPaths = (row: ChangeRow): Effect["rows"][number] => ({
  ...row,
  path: row.path.toString("base64"),
  old_path: row.old_path?.toString("base64") ?? null,
});

export const withRawPaths = (row: Effect["rows"][number]): ChangeRow => ({
  ...row,
  path: Buffer.from(row.path, "base64"),
  old_path: row.old_path === null ? null : Buffer.from(row.old_path, "base64"),
});
