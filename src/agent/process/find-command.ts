import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

export type FoundCommand = { path: string; mtimeMs: number };

/**
 * Finds a command as the client's shell would; undefined when it is missing or not executable. Skips relative folders
 * in PATH, so that the result does not depend on the current directory.
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
    return undefined; // missing or not executable for this user
  }
}
