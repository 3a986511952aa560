import type { Readable } from "node:stream";
import { setFlagsFromString } from "node:v8";
import { ignoreError, inBackground } from "../../async/in-background.ts";
import { FILE_THREADS, READY_FD_VARIABLE } from "../../protocol/daemon-file.ts";
import { HearthError } from "../../protocol/errors.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../exit.ts";
import type { Parsed } from "../line/spec.ts";
import { createOutput } from "../output/output.ts";

/** `hearth serve`: runs the daemon in this process until it is stopped. */
export async function serve({ options }: Parsed, { env, paths }: Context): Promise<number> {
  // Node reads it when its pool is first used, which nothing has done so far.
  process.env["UV_THREADPOOL_SIZE"] ??= String(FILE_THREADS);
  // Its own output: the daemon must not end when nobody reads stdout.
  const out = createOutput(
    () => process.stdout,
    () => {},
  );
  // Without it V8 grows its heap rather than collect: it halves the memory for a sixth more processor time (decision 018).
  setFlagsFromString("--optimize-for-size");
  const isStartedByClient = env[READY_FD_VARIABLE] !== undefined;
  const isDisposable = options["disposable"] === true;
  const listen = options["listen"];
  if (listen === undefined && options["insecure-listen"] !== undefined)
    throw new UsageError("--insecure-listen needs --listen HOST:PORT.");
  let isOtherRunning = false;
  const server = await import("../../server/main.ts");
  const code = await server.serve({
    env,
    paths,
    isDisposable,
    ...(typeof listen === "string" && {
      listen: { address: listen, isInsecure: options["insecure-listen"] === true },
    }),
    signal: isDisposable && !process.stdin.isTTY ? endOf(process.stdin) : undefined,
    onReady({ isOther, pid, socket, listen }) {
      isOtherRunning = isOther;
      if (isStartedByClient) return; // the client was told over its pipe; stdout is the log
      const state = isOther ? "A hearth daemon already runs" : "The hearth daemon is ready";
      const tcp = listen === undefined ? "" : `, http://${listen} (token in ${paths.tokenFile})`;
      inBackground(() => out.line(`${state}: pid ${pid}, ${socket}${tcp}`), ignoreError); // nobody reads it
    },
  });
  if (isOtherRunning && listen !== undefined)
    throw new HearthError(
      "address_unavailable",
      `Nothing listens on ${listen}: end the daemon that runs with \`hearth daemon stop\` and try again.`,
    );
  // process.exit waits for a compiler thread, which may wait for the main thread forever (nodejs/node#54918).
  // Everything is closed by now, and nobody reads a detached daemon's exit code.
  if (isStartedByClient) process.kill(process.pid, "SIGKILL");
  return code;
}

/** Aborts when whoever holds the other end has gone. */
function endOf(input: Readable): AbortSignal {
  const ended = new AbortController();
  for (const event of ["end", "close", "error"]) input.once(event, () => ended.abort());
  input.resume();
  return ended.signal;
}
