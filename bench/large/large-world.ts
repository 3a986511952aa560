import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pass } from "node:timers/promises";
import type { Api } from "../../test/support/api.ts";
import { type Daemon, startDaemon } from "../../test/support/daemon.ts";
import type { EventReader } from "../../test/support/event-reader.ts";
import { createHome, type Home, localConfig } from "../../test/support/home.ts";
import { type Reply, say, startModelServer } from "../../test/support/model-server.ts";

export type Measured = {
  name: string;
  /** What people wait. */
  doneMs: number;
  /** The longest turn of the daemon's event loop, and the longest of its own thread's CPU time in one. */
  wallMs: number;
  cpuMs: number;
};

export type LargeWorld = {
  readonly home: Home;
  readonly api: Api;
  readonly wid: string;
  readonly sid: string;
  /** `/v1/workspaces/{wid}` */
  readonly path: string;
  /** A client's stream from `since` on; without it the world's own. */
  events(since?: number): Promise<EventReader>;
  /** A whole turn in which the model says this. */
  turn(...replies: Reply[]): Promise<void>;
  measure(name: string, work: () => Promise<unknown>): Promise<void>;
  /** Stops the daemon, changes its store, and starts it again. */
  refill(fill: (database: string) => void): Promise<void>;
};

export const call = (name: string, input: object): Reply => say("", { call: name, input });
export const done = say("Done.");

/** A daemon that is looked into, with a scripted model; `work` says what is measured. */
export async function inLargeWorld(
  work: (world: LargeWorld) => Promise<void>,
  tell: (measured: Measured) => void,
): Promise<void> {
  const home = createHome();
  const model = await startModelServer();
  home.config(localConfig(model.baseUrl));
  const delayFile = join(home.dir, "loop-delay");
  const probe = new URL("../measure/loop-delay.ts", import.meta.url).href;
  const start = () =>
    startDaemon(home, {
      env: {
        NODE_OPTIONS: `--import=${probe} ${process.env["BENCH_NODE_OPTIONS"] ?? ""}`,
        BENCH_LOOP_DELAY_FILE: delayFile,
      },
    });
  let daemon = await start();
  try {
    let at = await attach(daemon, home);
    const sid = await newSession(at);
    let asked = 0;

    /** Of the daemon, since it was last asked. */
    async function longestTurn(): Promise<{ wallMs: number; cpuMs: number }> {
      asked += 1;
      process.kill(daemon.pid, "SIGUSR2");
      for (;;) {
        const [count, wall, cpu] = readIfThere(delayFile).split(" ");
        if (Number(count) === asked) return { wallMs: Number(wall), cpuMs: Number(cpu) };
        await pass(5);
      }
    }
    const world: LargeWorld = {
      ...{ home, sid, wid: at.wid, path: at.path },
      get api() {
        return at.api;
      },
      events: async (since) =>
        since === undefined
          ? at.events
          : daemon.events(at.wid, "second", { kind: "tui", validate: false, since }),
      async turn(...replies) {
        model.enqueue(...replies);
        const body = { session_id: sid, prompt: "go on" };
        const { run_id } = await at.api.expect<{ run_id: string }>(202, "POST", `${at.path}/agent`, { body });
        const { payload } = await at.events.until(
          "run.completed",
          (event) => event.payload.run_id === run_id,
        );
        if (payload.outcome !== "end_turn") throw new Error(`a turn ended with ${JSON.stringify(payload)}`);
      },
      async measure(name, measured) {
        await pass(300);
        await longestTurn();
        const began = performance.now();
        await measured();
        tell({ name, doneMs: performance.now() - began, ...(await longestTurn()) });
      },
      async refill(fill) {
        at.events.drop();
        await daemon.stop();
        fill(home.database);
        asked = 0;
        daemon = await start();
        at = await attach(daemon, home);
        await world.turn(call("bash", { command: "true" }), done);
      },
    };
    await world.turn(call("bash", { command: "true" }), done); // what is loaded at first use is loaded
    await work(world);
    at.events.drop();
  } finally {
    await daemon.stop();
    await model.close();
    home.remove();
  }
}

type Attached = { api: Api; wid: string; path: string; events: EventReader };

async function attach(daemon: Daemon, home: Home): Promise<Attached> {
  const api = daemon.api("bench");
  const opened = await api.call("POST", "/v1/workspaces", { body: { path: home.project, env: home.env } });
  const wid = (opened.json as { workspace: { id: string } }).workspace.id;
  const events = await daemon.events(wid, "bench", { kind: "tui", validate: false });
  return { api, wid, path: `/v1/workspaces/${wid}`, events };
}

async function newSession({ api, path }: Attached): Promise<string> {
  const { session } = await api.expect<{ session: { id: string } }>(201, "POST", `${path}/sessions`, {
    body: { mode: "yolo" },
  });
  return session.id;
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // not asked yet
  }
}
