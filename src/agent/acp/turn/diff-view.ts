import type { FileChange } from "../../../protocol/change.ts";
import type { ToolView } from "../../../protocol/message.ts";
import { diffTexts, namedDiff, shortDiff } from "../../tools/files/unified-diff.ts";
import { textOf, type Wire } from "../wire.ts";

const DIFF_CHARS_MAX = 64 * 1024;
/** Diffs run on the event loop; of a call with more text than this the rest is only named. */
const DIFFED_CHARS_MAX = 1024 * 1024;

type Shown = { path: string; unified: string; additions: number; deletions: number; file: FileChange[] };

/**
 * What a call's diffs show together, each file with its path; undefined without any. An agent may send several for one
 * file, one for each place. `isDeleting`: the protocol has no word for a deleted file, only the kind of the call says it.
 */
export function diffViewOf(
  diffs: readonly Wire[],
  isDeleting: boolean,
  shownPath: (path: string) => string,
): ToolView | undefined {
  let charsLeft = DIFFED_CHARS_MAX;
  const shown = diffs.flatMap((item): Shown[] => {
    const named = textOf(item["path"]);
    const made = textOf(item["newText"]);
    const before = textOf(item["oldText"]);
    if (named === undefined || made === undefined) return [];
    const path = shownPath(named);
    charsLeft -= made.length + (before?.length ?? 0);
    const kind = before === undefined ? "added" : isDeleting && made === "" ? "deleted" : undefined;
    const file = kind === undefined ? [] : [{ path, kind } as const];
    if (charsLeft < 0) return [{ path, unified: "", additions: 0, deletions: 0, file }];
    return [{ path, ...diffTexts(before ?? "", made), file }];
  });
  const [first] = shown;
  if (first === undefined || shown.every(({ unified }) => unified === "")) return undefined;
  const sum = (of: "additions" | "deletions") => shown.reduce((all, diff) => all + diff[of], 0);
  const texts =
    shown.length === 1 ? [first.unified] : shown.map(({ path, unified }) => namedDiff(path, unified));
  const left = charsLeft < 0 ? ["\\ 1 more lines"] : [];
  const whole = {
    unified: [...texts, ...left].join("\n"),
    additions: sum("additions"),
    deletions: sum("deletions"),
  };
  const others = [...new Set(shown.map(({ path }) => path))].filter((path) => path !== first.path);
  const files = shown.flatMap(({ file }) => file);
  return {
    ...{ kind: "diff", path: first.path, ...(others.length > 0 && { more_paths: others }) },
    ...(files.length > 0 && { files }),
    ...shortDiff(whole, DIFF_CHARS_MAX),
  };
}
