import { readFileSync, realpathSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { resolve } from "node:path";
import { environmentNamesIn, splitEnvironment } from "../protocol/environment.ts";
import { type Paths, resolvePaths } from "../protocol/paths.ts";

type ProcessEnv = Readonly<Record<string, string | undefined>>;

/** The paths of this user's hearth. A relative HEARTH_HOME is relative to the current directory. */
export function pathsHere(env: ProcessEnv): Paths {
  const home = env["HEARTH_HOME"];
  return resolvePaths({
    env: home ? { ...env, HEARTH_HOME: resolve(home) } : env,
    platform: process.platform,
    homeDir: env["HOME"] || homedir(),
    tempDir: tmpdir(),
    uid: process.getuid?.() ?? 0,
  });
}

/** The variables that this client sends to the daemon: what commands and agents need, and providers' keys. */
export function environmentToSend(env: ProcessEnv, paths: Paths): Record<string, string> {
  const { tool, agent, provider } = splitEnvironment(env, environmentNamesIn(userConfigText(paths)));
  return { ...tool, ...agent, ...provider };
}

function userConfigText(paths: Paths): string {
  try {
    return readFileSync(paths.configFile, "utf8");
  } catch {
    return ""; // missing or unreadable: the daemon reports it when it needs the file
  }
}

/** The launcher that this process was started with. It starts a daemon of the same build. */
export const launcherHere = (): string => realpathSync(process.argv[1] ?? "");
