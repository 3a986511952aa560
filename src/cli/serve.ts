import { setFlagsFromString } from "node:v8";
import { inBackground, notMissed } from "../async/in-background.ts";
import { READY_FD_VARIABLE } from "../protocol/daemon-file.ts";
import type { Context } from "./context.ts";
import type { Parsed } from "./line/table.ts";
import { createOutput } from "./output.ts";

/** `hearth serve`: this process is the daemon, until it is told to stop. */
export async function serve(_parsed: Parsed, { env, paths }: Context): Promise<number> {
  // Its own: a daemon does not end because nobody reads what it says.
  const out = createOutput(
    () => process.stdout,
    () => {},
  );
  // V8 would rather grow than collect: after 500 turns 75 MB instead of 240, for a sixth more processor time.
  setFlagsFromString("--optimize-for-size");
  const isStartedByClient = env[READY_FD_VARIABLE] !== undefined;
  const server = await import("../server/main.ts");
  const code = await server.serve({
    env,
    paths,
    onReady({ isOther, pid, socket }) {
      if (isStartedByClient) return; // it was told over its pipe; stdout is the log
      const state = isOther ? "A hearth daemon already runs" : "The hearth daemon is ready";
      inBackground(() => out.line(`${state}: pid ${pid}, ${socket}`), notMissed); // nobody reads it
    },
  });
  // An exit of Node's waits for a compiling thread that may wait for the main one (nodejs/node#54918), for ever. All is
  // closed by now, and nobody reads how a detached daemon ended.
  if (isStartedByClient) process.kill(process.pid, "SIGKILL");
  return code;
}
