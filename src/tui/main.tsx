import { ignoreError, inBackground } from "../async/in-background.ts";
import { newClientId } from "../client/client-id.ts";
import { connect } from "../client/connect.ts";
import type { Remote } from "../client/remote/remote.ts";
import { terminalLabel } from "../client/terminal-label.ts";
import type { Paths } from "../protocol/paths.ts";
import type { PermissionMode } from "../protocol/permission.ts";
import type { TypedAhead } from "./input/typed-ahead.ts";

export type TuiOptions = {
  paths: Paths;
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  /** The path of bin/hearth, which starts a daemon. */
  launcher: string;
  /** A session's id or its beginning. */
  session?: string | undefined;
  continueLast?: boolean | undefined;
  /** The first prompt. */
  prompt?: string | undefined;
  agent?: string | undefined;
  model?: string | undefined;
  mode?: PermissionMode | undefined;
  isolation?: "in_place" | "worktree" | undefined;
  /** The image of the container for new sessions, and so for this one. */
  container?: string | undefined;
  firstFrame?: TypedAhead | undefined;
  /** It sees everything and steers nothing. */
  isObserver?: boolean | undefined;
  /** The daemon and the directory of another machine; `cwd` is here nevertheless. */
  remote?: Remote | undefined;
};

/**
 * Runs the terminal until the person leaves. Rejects with HearthError if no daemon can be reached or started. The
 * screen is restored in either case.
 */
export async function runTui(options: TuiOptions): Promise<{ exitCode: number }> {
  const { paths, env, cwd, launcher } = options;
  const stopped = new AbortController();
  const label = terminalLabel(env);
  const clientId = newClientId(label);
  // Connects before Ink is loaded: the daemon answers, or starts, meanwhile.
  const { isObserver, remote } = options;
  const where = { cwd: remote?.dir ?? cwd, remote };
  const connecting = connect({ paths, env, launcher, clientId, isObserver, ...where }, stopped.signal);
  connecting.catch(() => {}); // awaited below
  const { runApp } = await import("./run-app.ts");
  try {
    return await runApp({ ...options, clientId, connecting, label }, stopped.signal);
  } finally {
    stopped.abort();
    inBackground(async () => (await connecting).close(), ignoreError);
  }
}
