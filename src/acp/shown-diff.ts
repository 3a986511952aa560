import { isAbsolute, join } from "node:path";
import type { FileChange } from "../protocol/change.ts";
import { type DiffPiece, diffPieces } from "./diff-pieces.ts";

/** What happened to one file, with absolute paths. `pieces` may lack some of it, or all. */
export type ShownDiff = {
  path: string;
  oldPath: string | undefined;
  kind: FileChange["kind"];
  pieces: readonly DiffPiece[];
};

type Told = { path: string; morePaths?: readonly string[]; files?: readonly FileChange[]; unified: string };

/** The files of a diff. `isCut`: it was shortened, so that not all changes are in the pieces. */
export function shownDiffs(told: Told, root: string): { diffs: ShownDiff[]; isCut: boolean } {
  const { pieces, isCut } = diffPieces(told.path, told.unified);
  const known = new Map((told.files ?? []).map((file) => [file.path, file]));
  const paths = new Set([told.path, ...(told.morePaths ?? []), ...known.keys()]);
  for (const piece of pieces) paths.add(piece.path);
  const diffs = [...paths].map((path): ShownDiff => {
    const mine = pieces.filter((piece) => piece.path === path);
    const file = known.get(path);
    const kind = file?.kind ?? (mine[0]?.isFromNothing ? "added" : "modified");
    return {
      path: absolute(path, root),
      oldPath: file?.old_path === undefined ? undefined : absolute(file.old_path, root),
      kind,
      pieces: mine,
    };
  });
  // Nothing is known of the others but their names, or nothing has changed in them.
  return { diffs: diffs.filter(({ kind, pieces: some }) => kind !== "modified" || some.length > 0), isCut };
}

export const absolute = (path: string, root: string): string => (isAbsolute(path) ? path : join(root, path));
