import { once } from "node:events";
import { chmodSync, lstatSync, renameSync, rmSync, type Stats } from "node:fs";
import type { Server } from "node:http";
import { connect } from "node:net";
import { dirname, join } from "node:path";
import { settlesWithin } from "../../async/wait.ts";
import { HearthError } from "../../protocol/errors.ts";
import { withPrivateUmask } from "./private-folders.ts";

const CONNECT_MS = 2_000;

export type DaemonSocket = { remove(): void };

/**
 * Listens at `path`, with mode 0600 from the start, and replaces a socket that nobody answers. Throws HearthError
 * unsafe_path for what is not a socket, belongs to somebody else, or is answered. The caller must hold the daemon's
 * lock.
 */
export async function listenOnSocket(server: Server, path: string, uid: number): Promise<DaemonSocket> {
  const old = lstatSync(path, { throwIfNoEntry: false });
  if (old) await refuseLiving(path, old, uid);
  // Created under another name and then moved, so that nobody meets it half-made. On exit Node removes whatever is at
  // the path where it listened, which may be the next daemon's socket by then.
  const temporary = join(dirname(path), `d.${process.pid.toString(36)}`);
  rmSync(temporary, { force: true });
  withPrivateUmask(() => server.listen(temporary));
  await once(server, "listening");
  chmodSync(temporary, 0o600);
  const own = lstatSync(temporary);
  renameSync(temporary, path);
  return {
    remove() {
      const found = lstatSync(path, { throwIfNoEntry: false });
      if (found?.ino === own.ino && found.dev === own.dev) rmSync(path, { force: true });
    },
  };
}

async function refuseLiving(path: string, found: Stats, uid: number): Promise<void> {
  const advice = "remove it, or set HEARTH_HOME to a folder of your own";
  if (!found.isSocket()) throw new HearthError("unsafe_path", `${path} is not a socket: ${advice}.`);
  if (found.uid !== uid) {
    const message = `The socket ${path} belongs to somebody else (uid ${found.uid}): ${advice}.`;
    throw new HearthError("unsafe_path", message);
  }
  if (await isAnswered(path)) {
    const message = `The socket ${path} is answered by a program that does not hold hearth's lock: end it, or set HEARTH_HOME.`;
    throw new HearthError("unsafe_path", message);
  }
}

/** Anything but a refused connection may be a running program that is busy. */
async function isAnswered(path: string): Promise<boolean> {
  const refused = Promise.withResolvers<boolean>();
  const socket = connect(path);
  socket.on("connect", () => refused.resolve(false));
  socket.on("error", ({ code }: NodeJS.ErrnoException) =>
    refused.resolve(code === "ECONNREFUSED" || code === "ENOENT"),
  );
  try {
    const isInTime = await settlesWithin(refused.promise, CONNECT_MS);
    return !isInTime || !(await refused.promise);
  } finally {
    socket.destroy();
  }
}
