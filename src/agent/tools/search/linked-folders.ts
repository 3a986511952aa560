import { opendir, stat } from "node:fs/promises";
import { join } from "node:path";
import { readIgnoreRules } from "./ignore-rules.ts";
import { printableName } from "./searched-folder.ts";

/** Folders read, nearest first. More would take too long for a mere remark. */
const FOLDERS_MAX = 1000;
const LINKS_MAX = 20;
const LINKS_NAMED_MAX = 8;

/**
 * Links to folders below a folder, relative to it. Searches do not follow them, because they may lead anywhere and form
 * cycles. Ignored folders are skipped.
 */
export async function linkedFolders(folder: string, signal: AbortSignal): Promise<string[]> {
  const links: string[] = [];
  const queue = [{ below: "", rules: await readIgnoreRules(folder) }];
  for (let at = 0; at < queue.length && at < FOLDERS_MAX && links.length < LINKS_MAX; at++) {
    const { below, rules } = queue[at] ?? { below: "", rules: await readIgnoreRules(folder) };
    signal.throwIfAborted();
    try {
      for await (const entry of await opendir(join(folder, below))) {
        const name = join(below, entry.name);
        const path = join(folder, name);
        if (rules.isIgnored(path, entry.isDirectory())) continue;
        if (entry.isDirectory()) queue.push({ below: name, rules: await rules.enter(path) });
        else if (entry.isSymbolicLink() && (await isFolder(path))) links.push(name);
      }
    } catch {
      // gone or unreadable: skip it
    }
  }
  return links.sort().slice(0, LINKS_MAX);
}

/** A remark at the end of a result. `shown`: the folder's displayed path. */
export function linkedText(links: readonly string[], shown: string): string {
  if (links.length === 0) return "";
  const named = links
    .slice(0, LINKS_NAMED_MAX)
    .map((name) => printableName(shown === "." ? name : join(shown, name)));
  const more = links.length > named.length ? " and others" : "";
  return `\n\n(Folders behind links were not looked into: ${named.join(", ")}${more}. Name one as path to search it.)`;
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (stats) => stats.isDirectory(),
    () => false, // a dangling link
  );
