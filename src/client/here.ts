import { readFileSync, realpathSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { resolve } from "node:path";
import { environmentNamesIn, splitEnvironment } from "../protocol/environment.ts";
import { type Paths, resolvePaths } from "../protocol/paths.ts";

type ProcessEnv = Readonly<Record<string, string | undefined>>;

/** Where this user's hearth lives, as this process sees the machine. A relative HEARTH_HOME is taken from here. */
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

/** What of this client's environment the daemon is told: what commands and agents need, and the keys of providers. */
export function environmentToSend(env: ProcessEnv, paths: Paths): Record<string, string> {
  const { tool, agent, provider } = splitEnvironment(env, environmentNamesIn(userConfigText(paths)));
  return { ...tool, ...agent, ...provider };
}

function userConfigText(paths: Paths): string {
  try {
    return readFileSync(paths.configFile, "utf8");
  } catch {
    return ""; // none, or unreadable: the daemon says so when it needs it
  }
}

/** The launcher that this process was started with; what starts a daemon of the same build. */
export const launcherHere = (): string => realpathSync(process.argv[1] ?? "");
