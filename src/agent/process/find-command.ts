import { access, constants, stat } from "node:fs/promises";
import { delimiter, dirname, isAbsolute, join } from "node:path";
import { type FolderGate, isUnresponsive } from "../files/folder-gate.ts";

export type FoundCommand = { path: string; mtimeMs: number };

export type CommandSearch = {
  /** undefined if it is missing or not executable. */
  found: FoundCommand | undefined;
  /** Folders before it in PATH that did not respond, and were skipped. */
  silent: readonly string[];
};

/** Searched when there is no PATH. */
const DEFAULT_PATH = "/usr/bin:/bin";

/**
 * Finds a command as the client's shell would, looking in all folders of PATH at once: one on a dead network share costs
 * the folder gate's time limit once, and nothing from then on. Skips relative folders in PATH, so that the result does
 * not depend on the current directory. Never rejects.
 */
export async function findCommand(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
  folders: FolderGate,
): Promise<CommandSearch> {
  const silent: string[] = [];
  for (const [path, look] of candidatesOf(name, env).map(
    (path) => [path, executable(path, folders)] as const,
  )) {
    const found = await look;
    if (found === "silent") silent.push(dirname(path));
    else if (found !== undefined) return { found, silent };
  }
  return { found: undefined, silent };
}

function candidatesOf(name: string, env: Readonly<Record<string, string | undefined>>): string[] {
  if (name.includes("/")) return isAbsolute(name) ? [name] : [];
  const listed = (env["PATH"] ?? DEFAULT_PATH).split(delimiter).filter(isAbsolute);
  return [...new Set(listed)].map((folder) => join(folder, name));
}

async function executable(path: string, folders: FolderGate): Promise<FoundCommand | "silent" | undefined> {
  try {
    return await folders.enter(dirname(path), async () => {
      const stats = await stat(path);
      if (!stats.isFile()) return undefined;
      await access(path, constants.X_OK);
      return { path, mtimeMs: stats.mtimeMs };
    });
  } catch (error) {
    return isUnresponsive(error) ? "silent" : undefined; // missing or not executable for this user
  }
}
