import { setFlagsFromString } from "node:v8";
import type { RemoteAddress } from "../../client/remote/address.ts";
import type { Remote } from "../../client/remote/remote.ts";
import type { PermissionMode } from "../../protocol/permission.ts";
import type { Isolation } from "../../protocol/session.ts";
import { VERSION } from "../../protocol/version.ts";
import { NEVER } from "../connect-here.ts";
import type { Context } from "../context.ts";
import { exitCodes, UsageError } from "../exit.ts";
import type { Parsed } from "../line/spec.ts";
import { connectTo, remoteAddressOf } from "../remote.ts";
import { withChosenEffort } from "../run/options.ts";
import { drawFirstFrame } from "./first-frame.ts";

/** `hearth [prompt]`: the terminal on this directory. */
export async function open({ options, positionals }: Parsed, context: Context): Promise<number> {
  if (options["continue"] && options["session"])
    throw new UsageError("Give --continue or --session, not both.");
  if (options["in"] && (options["continue"] || options["session"]))
    throw new UsageError("A session keeps the place where it was begun: --in is for a new one.");
  const text = (name: string) => (typeof options[name] === "string" ? options[name] : undefined);
  const address = remoteAddressOf(options);
  const shown = withDisplayOptions(context, options);
  return withRemote(address, options, shown, (remote) =>
    openTerminal(shown, {
      cwd: context.cwd(),
      remote,
      session: text("session"),
      continueLast: options["continue"] === true,
      prompt: positionals.length === 0 ? undefined : positionals.join(" "),
      agent: text("agent"),
      model: withChosenEffort(text("model"), text("effort")),
      // The parser has checked both against the table.
      mode: text("mode") as PermissionMode | undefined,
      isolation: text("isolation") as Isolation | undefined,
      container: text("in"),
    }),
  );
}

/** Opens the connection to the other machine, if one is named, for as long as `work` takes. */
export async function withRemote(
  address: RemoteAddress | undefined,
  options: Parsed["options"],
  context: Context,
  work: (remote: Remote | undefined) => Promise<number>,
): Promise<number> {
  if (address === undefined) return work(undefined);
  needTerminal();
  const remote = await connectTo(address, options["send-keys"] === true, context, NEVER);
  try {
    return await work(remote);
  } finally {
    remote.close();
  }
}

/** Passes the switches on as environment variables, which every part of the terminal reads. */
export function withDisplayOptions(context: Context, options: Parsed["options"]): Context {
  const env = {
    ...context.env,
    ...(options["screen-reader"] === true && { HEARTH_SCREEN_READER: "true" }),
    ...(options["no-animations"] === true && { HEARTH_NO_ANIMATIONS: "true" }),
  };
  return { ...context, env };
}

export type TerminalOptions = {
  cwd: string;
  remote?: Remote | undefined;
  session?: string | undefined;
  continueLast?: boolean | undefined;
  prompt?: string | undefined;
  agent?: string | undefined;
  model?: string | undefined;
  mode?: PermissionMode | undefined;
  isolation?: Isolation | undefined;
  container?: string | undefined;
  isObserver?: boolean | undefined;
};

/** Draws the first frame at once, keeps typed keys, and loads the terminal meanwhile. */
export async function openTerminal(context: Context, options: TerminalOptions): Promise<number> {
  const { paths, env, launcher } = context;
  needTerminal();
  const leave = () => process.exit(exitCodes.done);
  // As in the daemon: V8 collects rather than grows its heap (decision 018).
  setFlagsFromString("--optimize-for-size");
  const { remote } = options;
  const where = remote === undefined ? options.cwd : `${remote.host}:${remote.dir}`;
  const firstFrame = drawFirstFrame({ version: VERSION, cwd: where, env, paths, leave });
  try {
    const { runTui } = await import("../../tui/main.tsx");
    const { exitCode } = await runTui({ ...options, paths, env, launcher, firstFrame });
    return exitCode;
  } finally {
    firstFrame?.close(); // does nothing once the terminal has taken over
  }
}

function needTerminal(): void {
  if (process.stdin.isTTY && process.stdout.isTTY) return;
  throw new UsageError("This needs a terminal on stdin and stdout; for scripts there is `hearth run`.");
}
