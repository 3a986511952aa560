import { ignoreError, inBackground } from "../async/in-background.ts";
import { newClientId } from "../client/client-id.ts";
import { connect } from "../client/connect.ts";
import { terminalLabel } from "../client/terminal-label.ts";
import type { Paths } from "../protocol/paths.ts";
import type { PermissionMode } from "../protocol/permission.ts";
import type { TypedAhead } from "./input/typed-ahead.ts";

export type TuiOptions = {
  paths: Paths;
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  /** bin/hearth, which starts a daemon. */
  launcher: string;
  /** A session's id or the beginning of one. */
  session?: string | undefined;
  continueLast?: boolean | undefined;
  /** Sent first. */
  prompt?: string | undefined;
  agent?: string | undefined;
  model?: string | undefined;
  mode?: PermissionMode | undefined;
  isolation?: "in_place" | "worktree" | undefined;
  /** What has been drawn and typed before this was loaded. */
  firstFrame?: TypedAhead | undefined;
};

/**
 * The terminal, until the person leaves. Rejects with HearthError when there is no daemon to be had; the screen is
 * whole again in either case.
 */
export async function runTui(options: TuiOptions): Promise<{ exitCode: number }> {
  const { paths, env, cwd, launcher } = options;
  const stopped = new AbortController();
  const label = terminalLabel(env);
  const clientId = newClientId(label);
  // Asked for before Ink is loaded: the daemon answers, or starts, meanwhile.
  const connecting = connect({ paths, env, launcher, clientId, cwd }, stopped.signal);
  connecting.catch(() => {}); // waited for below
  const { runApp } = await import("./run-app.ts");
  try {
    return await runApp({ ...options, clientId, connecting, label }, stopped.signal);
  } finally {
    stopped.abort();
    inBackground(async () => (await connecting).close(), ignoreError);
  }
}
