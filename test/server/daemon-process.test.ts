import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startTimeOf } from "../../src/client/process-identity.ts";
import { parseDaemonFile, parseReadyLine } from "../../src/protocol/daemon-file.ts";
import { call, open } from "../support/bare-http.ts";

const script = fileURLToPath(import.meta.resolve("../support/bare-daemon.ts"));
let home: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "hearth-daemon-"));
});
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  rmSync(home, { recursive: true });
});

type Line = {
  ready?: { socket: string; pid: number; isOther: boolean };
  code?: number;
  error?: string;
  stop?: number;
  umask?: string;
};

function start(env: Record<string, string> = {}, home_ = home) {
  const child = spawn(process.execPath, [script], {
    env: { PATH: process.env["PATH"], HEARTH_HOME: home_, ...env },
    stdio: ["ignore", "pipe", "inherit", "pipe"],
  });
  children.push(child);
  const lines: Line[] = [];
  const output = createInterface(child.stdout as Readable);
  const first = once(output, "line");
  output.on("line", (line) => lines.push(JSON.parse(line)));
  // Until the output is closed, not only the process gone: then every line is there.
  const ended = once(child, "close").then(() => ({ code: child.exitCode, signal: child.signalCode, lines }));
  const ready = first.then(([line]) => {
    const { ready: found } = JSON.parse(line) as Line;
    if (!found) throw new Error(`it did not get ready: ${line}`);
    return found;
  });
  ready.catch(() => {}); // looked at by those tests that expect one
  return { child, ready, ended };
}

const run = (name: string) => join(home, "run", name);

test("of eight that start at once one is the daemon, and the others end with what they found", async () => {
  const started = Array.from({ length: 8 }, () => start({ BARE_UMASK: "000" }));
  const all = await Promise.all(started.map(({ ready }) => ready));
  const winners = all.filter(({ isOther }) => !isOther);
  expect(winners).toHaveLength(1);
  const pid = winners[0]?.pid;
  expect(all.map((ready) => ready.pid)).toEqual(Array(8).fill(pid));
  for (const { child, ended } of started) {
    if (child.pid !== pid) expect(await ended).toMatchObject({ code: 0 });
  }
  expect((await call(run("daemon.sock"), "GET /v1/health")).json.pid).toBe(pid);
});

test("whatever the umask, folders are 0700 and files 0600", async () => {
  const { ready, child, ended } = start({ BARE_UMASK: "000" }, join(home, "deep/home"));
  await ready;
  const modes = Object.fromEntries(
    readdirSync(home, { recursive: true, encoding: "utf8" }).map((name) => [
      name,
      (statSync(join(home, name)).mode & 0o777).toString(8),
    ]),
  );
  expect(modes).toEqual({
    deep: "700",
    "deep/home": "700",
    "deep/home/config": "700",
    "deep/home/data": "700",
    "deep/home/data/daemon.lock": "600",
    "deep/home/data/daemon.pid": "600",
    "deep/home/state": "700",
    "deep/home/state/daemon.log": "600",
    "deep/home/run": "700",
    "deep/home/run/daemon.json": "600",
    "deep/home/run/daemon.lock": "600",
    "deep/home/run/daemon.sock": "600",
  });
  child.kill("SIGTERM");
  // What agents and their commands make is the user's, with the user's modes.
  expect((await ended).lines[0]).toMatchObject({ umask: "0" });
});

test("daemon.json says who it is, so that a later process of its pid is not taken for it", async () => {
  const { ready } = start();
  const { pid, socket } = await ready;
  const file = parseDaemonFile(readFileSync(run("daemon.json"), "utf8"));
  expect(file).toEqual({
    ...{
      pid,
      socket,
      version: "0.0.1",
      build: "bare",
      protocol: "1.0",
      started_at: "2026-01-02T03:04:05.006Z",
    },
    pid_start_time: startTimeOf(pid, process.platform),
  });
});

test.each(["SIGTERM", "SIGINT"] as const)("%s stops it in order, however often it comes", async (signal) => {
  const { child, ready, ended } = start();
  const { socket } = await ready;
  const stream = await open(socket, `GET /v1/workspaces/ws_${"0".repeat(32)}/events`);
  const cut = once(stream.resume(), "close");
  child.kill(signal);
  child.kill(signal);
  const { code, lines } = await ended;
  await cut;
  expect(code).toBe(0);
  expect(lines.slice(1)).toEqual([{ stop: 5000 }, { closed: true }, { code: 0 }]);
  expect(readdirSync(join(home, "run"))).toEqual(["daemon.lock"]);
});

test("it does not end when a terminal does", async () => {
  const { child, ready, ended } = start();
  const { socket } = await ready;
  child.kill("SIGHUP");
  expect((await call(socket, "GET /v1/health")).status).toBe(200);
  child.kill("SIGTERM");
  expect(await ended).toMatchObject({ code: 0, signal: null });
});

test("a client that asks it to stop gets its answer first", async () => {
  const { ready, ended } = start();
  const { socket } = await ready;
  const reply = await call(socket, "POST /v1/daemon/shutdown", { body: { grace_ms: 200 } });
  expect([reply.status, reply.json]).toEqual([202, {}]);
  const { code, lines } = await ended;
  expect([code, lines[1]]).toEqual([0, { stop: 200 }]);
});

test("what a killed daemon left behind does not stand in the way of the next", async () => {
  const first = start();
  const { socket, pid } = await first.ready;
  first.child.kill("SIGKILL");
  await first.ended;
  expect([existsSync(socket), existsSync(run("daemon.json"))]).toEqual([true, true]);
  const second = start();
  const ready = await second.ready;
  expect(ready).toMatchObject({ socket, isOther: false });
  expect(ready.pid).not.toBe(pid);
  expect((await call(socket, "GET /v1/health")).json.pid).toBe(ready.pid);
});

test("a daemon that comes while another is stopping takes its place", async () => {
  const old = start({ BARE_HANGS: "1" });
  await old.ready;
  old.child.kill("SIGTERM");
  rmSync(run("daemon.sock"));
  const next = start();
  old.child.kill("SIGKILL");
  expect(await next.ready).toMatchObject({ isOther: false });
});

test("it removes no socket and no daemon.json but its own", async () => {
  const { child, ready, ended } = start();
  const { socket } = await ready;
  rmSync(socket);
  writeFileSync(socket, "another's");
  writeFileSync(run("daemon.json"), "{}");
  child.kill("SIGTERM");
  expect(await ended).toMatchObject({ code: 0 });
  expect(readFileSync(socket, "utf8")).toBe("another's");
  expect(readFileSync(run("daemon.json"), "utf8")).toBe("{}");
});

test("a fault of its own is logged and ends it in order, with exit code 1", async () => {
  const { ready, ended } = start();
  const { socket } = await ready;
  await call(socket, "GET /v1/workspaces");
  const { code, lines } = await ended;
  expect(code).toBe(1);
  expect(lines.slice(1)).toEqual([{ stop: 1000 }, { closed: true }, { code: 1 }]);
  expect(readFileSync(join(home, "state/daemon.log"), "utf8")).toContain("a fault that nobody expects");
});

test("whoever started it is told over the pipe that it is ready, or what kept it", async () => {
  const told = async (started: { child: ChildProcess }) => {
    let text = "";
    for await (const chunk of (started.child.stdio[3] as Readable).setEncoding("utf8")) text += chunk;
    return parseReadyLine(text);
  };
  const pipe = { HEARTH_READY_FD: "3" };
  const failed = start({ ...pipe, BARE_FAILS: "1" });
  expect(await told(failed)).toEqual({ ok: false, code: "store_too_new", message: "The store is too new." });
  expect(await failed.ended).toMatchObject({ code: 1, lines: [{ error: "store_too_new" }] });
  const first = start(pipe);
  const line = { ok: true, socket: run("daemon.sock"), pid: first.child.pid };
  expect(await told(first)).toEqual(line);
  expect(await told(start(pipe))).toEqual(line);
});

test("it ends by itself when nobody has been attached for long", async () => {
  const { ended } = start({ BARE_IDLE_MS: "20" });
  const { code, lines } = await ended;
  expect([code, lines.at(-1)]).toEqual([0, { code: 0 }]);
});

test("it does not start on a path that is not its own", async () => {
  const { ended } = start();
  await once(children[0] as ChildProcess, "spawn");
  children[0]?.kill("SIGKILL");
  await ended;
  rmSync(join(home, "run"), { recursive: true, force: true });
  writeFileSync(join(home, "run"), "");
  expect(await start().ended).toMatchObject({ code: 1, lines: [{ error: "unsafe_path" }] });
});
