import { inBackground } from "../async/in-background.ts";
import type { Context } from "./context.ts";
import { exitCodes, UsageError } from "./exit.ts";
import type { Parsed } from "./line/spec.ts";

/** `hearth acp`: serves an editor over standard input and output, as an agent of the Agent Client Protocol. */
export async function acp(parsed: Parsed, context: Context): Promise<number> {
  const [word] = parsed.positionals;
  // An editor that knows no other command of ours appends what the authentication method says.
  if (word === "setup") return (await import("./setup.ts")).setup(parsed, context);
  if (word !== undefined)
    throw new UsageError(`hearth acp takes no "${word}"; an editor talks to it on stdin.`);
  const { env, paths, launcher, cwd, err } = context;
  const [{ serveAcp }, { openStdout }] = await Promise.all([
    import("../acp/main.ts"),
    import("../acp/stdio.ts"),
  ]);
  const ended = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => ended.abort());
  const log = (text: string) =>
    inBackground(
      () => err.line(`hearth: ${text}`),
      () => {},
    );
  // Standard output is the protocol's alone: what a library prints goes to the log.
  console.log = console.error;
  const streams = { stdin: process.stdin, stdout: openStdout() };
  await serveAcp({ env, paths, launcher, cwd, log, ...streams }, ended.signal);
  return exitCodes.done;
}
