import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

export type FoundCommand = { path: string; mtimeMs: number };

/**
 * Where a command is, as the client's shell would find it; undefined when it is not there or may not be run.
 * Relative folders of PATH are left out: what is started must not depend on the directory.
 */
export function findCommand(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
): FoundCommand | undefined {
  if (name.includes("/")) return isAbsolute(name) ? executable(name) : undefined;
  for (const folder of (env["PATH"] ?? "").split(delimiter)) {
    const found = isAbsolute(folder) ? executable(join(folder, name)) : undefined;
    if (found) return found;
  }
  return undefined;
}

function executable(path: string): FoundCommand | undefined {
  try {
    const stats = statSync(path);
    if (!stats.isFile()) return undefined;
    accessSync(path, constants.X_OK);
    return { path, mtimeMs: stats.mtimeMs };
  } catch {
    return undefined; // not there, or not for this user: the search goes on
  }
}
