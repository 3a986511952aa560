// One daemon process with nothing behind its HTTP layer. Run by path; says what happens in lines of JSON.
import { pathsHere } from "../../src/client/here.ts";
import { HearthError } from "../../src/protocol/errors.ts";
import { type Core, runDaemon, type StartCore } from "../../src/server/daemon/daemon.ts";
import { createReadyPipe } from "../../src/server/daemon/ready-pipe.ts";
import { bareServices } from "./bare-services.ts";

const env = process.env;
const paths = pathsHere(env);
const say = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
const tell = createReadyPipe(env);

async function startCore({ requestStop }: Parameters<StartCore>[0]): Promise<Core> {
  if (env["BARE_FAILS"]) throw new HearthError("store_too_new", "The store is too new.");
  let busyChanged = () => {};
  let clients = 0;
  return {
    services: bareServices({
      shutdown: ({ grace_ms }) => requestStop(grace_ms ?? 5000, { reason: "stop", by: null }),
      events: {
        attach() {
          clients += 1;
          busyChanged();
          return () => {
            clients -= 1;
            busyChanged();
          };
        },
      },
      workspaces: {
        list: async () => {
          setImmediate(() => {
            throw new Error("a fault that nobody expects");
          });
          return [];
        },
      },
    }),
    stop: async (graceMs) => {
      say({ stop: graceMs });
      if (env["BARE_HANGS"]) await new Promise(() => {});
    },
    busy: () => ({ clients, active_runs: 0, live_runs: 0 }),
    running: () => [],
    onBusyChange(listener) {
      busyChanged = listener;
    },
    idleExitMs: () => Number(env["BARE_IDLE_MS"] ?? 3_600_000),
    close: () => say({ closed: true }),
  };
}

if (env["BARE_UMASK"]) process.umask(Number.parseInt(env["BARE_UMASK"], 8));
try {
  const code = await runDaemon({
    ...{ paths, startCore, now: () => new Date() },
    onReady(ready) {
      tell({ ok: true, socket: ready.socket, pid: ready.pid });
      say({ ready, umask: process.umask().toString(8) });
    },
  });
  say({ code });
  process.exitCode = code;
} catch (error) {
  if (!(error instanceof HearthError)) throw error;
  tell({ ok: false, code: error.code, message: error.message });
  say({ error: error.code });
  process.exitCode = 1;
}
