import { execFileSync, spawn } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ensureDaemon, findDaemon } from "../../src/client/daemon.ts";
import { pathsHere } from "../../src/client/here.ts";
import { startTimeOf } from "../../src/client/process-identity.ts";
import type { Paths } from "../../src/protocol/paths.ts";

let home: string;
let paths: Paths;
let launcher: string;
const signal = new AbortController().signal;

/**
 * Stands in for bin/hearth: a process with a lock, a socket and a health route, which writes down how it was
 * started. What it says of itself, and how it fails, is in plan.json.
 */
const daemonSource = `
const fs = require("node:fs"), http = require("node:http"), path = require("node:path");
const home = process.env.HEARTH_HOME, run = path.join(home, "run");
const plan = JSON.parse(fs.readFileSync(path.join(home, "plan.json"), "utf8"));
fs.appendFileSync(path.join(home, "started"), JSON.stringify({ pid: process.pid, env: process.env, argv: process.argv.slice(2), cwd: process.cwd() }) + "\\n");
const tell = (line) => { try { fs.writeSync(3, JSON.stringify(line) + "\\n"); fs.closeSync(3); } catch {} };
if (plan.dies) { console.error(plan.dies); process.exit(1); }
if (plan.refuses) { tell({ ok: false, ...plan.refuses }); process.exit(1); }
fs.mkdirSync(run, { recursive: true, mode: 0o700 });
try { fs.writeFileSync(path.join(run, "lock"), String(process.pid), { flag: "wx" }); }
catch { tell({ ok: false, code: "daemon_busy", message: "another one has it" }); process.exit(1); }
const socket = path.join(run, "daemon.sock");
fs.rmSync(socket, { force: true });
const about = { status: "ok", version: "1.0.0", build: "b1", protocol: "1.0", pid: process.pid, started_at: new Date().toISOString(), clients: 0, active_runs: 0, ...plan.about };
http.createServer((request, response) => {
  const answer = (status, value) => response.writeHead(status).end(JSON.stringify(value));
  if (plan.hangs) return;
  if (request.url.startsWith("/v1/health")) return answer(200, about);
  if (about.active_runs > 0) return answer(409, { error: { code: "daemon_busy", message: "busy", details: {} } });
  fs.appendFileSync(path.join(home, "stopped"), process.pid + "\\n");
  if (plan.next) fs.writeFileSync(path.join(home, "plan.json"), JSON.stringify(plan.next));
  answer(202, {});
  setImmediate(() => { fs.rmSync(path.join(run, "lock")); process.exit(0); });
}).listen(socket, () => tell({ ok: true, socket, pid: process.pid }));
`;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "hearth-daemon-"));
  paths = pathsHere({ HEARTH_HOME: home });
  launcher = join(home, "bin", "hearth");
  mkdirSync(join(home, "bin"));
  writeFileSync(launcher, daemonSource);
  plan({});
});
afterEach(() => {
  for (const { pid } of started()) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // ended by itself
    }
  }
  rmSync(home, { recursive: true, force: true });
});

const plan = (value: object) => writeFileSync(join(home, "plan.json"), JSON.stringify(value));
type Started = { pid: number; env: Record<string, string>; argv: string[]; cwd: string };
const linesOf = (name: string): string[] =>
  existsSync(join(home, name))
    ? readFileSync(join(home, name), "utf8").trim().split("\n").filter(Boolean)
    : [];
const started = (): Started[] => linesOf("started").map((line) => JSON.parse(line) as Started);

const own = { version: "1.0.0", build: "b1", protocol: "1.0" };
const ensure = (identity = own, env: Record<string, string> = {}) =>
  ensureDaemon(
    {
      paths,
      launcher,
      clientId: "test",
      identity,
      env: { HEARTH_HOME: home, PATH: process.env["PATH"] ?? "", ...env },
    },
    signal,
  );

test("where nobody listens a daemon is started and used, and then found", async () => {
  const first = await ensure();
  const second = await ensure();
  expect(started()).toHaveLength(1);
  expect(first.health.pid).toBe(started()[0]?.pid);
  expect(second.health).toEqual(first.health);
  expect(first.notice).toBeNull();
});

test("a daemon is told what commands need and where hearth lives, and no key", async () => {
  await ensure(own, {
    ANTHROPIC_API_KEY: "secret",
    OPENAI_BASE_URL: "http://x",
    LANG: "de_DE",
    HEARTH_MODEL: "a/b",
    MY_TOKEN: "t",
  });
  const [daemon] = started();
  expect(daemon?.argv).toEqual(["serve"]);
  expect(daemon?.cwd).toBe("/");
  expect(Object.keys(daemon?.env ?? {}).toSorted()).toEqual([
    "HEARTH_HOME",
    "HEARTH_READY_FD",
    "LANG",
    "PATH",
    "UV_THREADPOOL_SIZE",
  ]);
  expect(daemon?.env["HEARTH_HOME"]).toBe(home);
});

test("a daemon does not end with the process group of whoever started it", async () => {
  const { health } = await ensure();
  const groupOf = (pid: number) =>
    execFileSync("ps", ["-o", "pgid=", "-p", String(pid)], { encoding: "utf8" }).trim();
  expect(groupOf(health.pid)).toBe(String(health.pid));
  expect(groupOf(process.pid)).not.toBe(String(health.pid));
});

test("many that start at once all end up with one daemon", async () => {
  const found = await Promise.all(Array.from({ length: 12 }, () => ensure()));
  expect(new Set(found.map(({ health }) => health.pid)).size).toBe(1);
  expect(started()).toHaveLength(1);
});

test("one that loses the daemon's lock goes to the winner, also while that is not ready yet", async () => {
  mkdirSync(join(home, "run"), { mode: 0o700 });
  const lock = join(home, "run", "lock");
  writeFileSync(lock, "somebody");
  const waiting = ensure();
  while (started().length < 2) await new Promise((resolve) => setImmediate(resolve));
  rmSync(lock);
  const { health } = await waiting;
  expect(health.status).toBe("ok");
});

test("files left by a crash do not prevent a start", async () => {
  const { health } = await ensure();
  process.kill(health.pid, "SIGKILL");
  while (startTimeOf(health.pid, process.platform) !== undefined)
    await new Promise((resolve) => setImmediate(resolve));
  rmSync(join(home, "run", "lock")); // a real lock goes with its process; the socket and its file stay
  writeFileSync(join(home, "run", "daemon.starting"), String(health.pid));
  writeFileSync(paths.daemonFile, "{ half");
  const again = await ensure();
  expect(again.health.pid).not.toBe(health.pid);
});

test("a claim to be starting the daemon is not waited for longer than its time", async () => {
  mkdirSync(join(home, "run"), { mode: 0o700 });
  const claim = join(home, "run", "daemon.starting");
  writeFileSync(claim, String(process.pid)); // alive, but it does not start anything
  const longAgo = new Date(Date.now() - 6000);
  utimesSync(claim, longAgo, longAgo);
  await ensure();
  expect(started()).toHaveLength(1);
});

test("a daemon that dies leaves its reason in one sentence", async () => {
  plan({
    dies: "warming up\nhearth could not start: Error: no such module\n    at Object.<anonymous> (x.js:1:1)",
  });
  await expect(ensure()).rejects.toMatchObject({
    code: "daemon_unreachable",
    message: `The daemon could not start: hearth could not start: Error: no such module. More in ${paths.log}.`,
  });
});

test("what an earlier daemon wrote is not taken for the reason", async () => {
  mkdirSync(join(home, "state"), { mode: 0o700 });
  writeFileSync(paths.log, "Error: of last week\n");
  plan({ dies: "a plain farewell" });
  await expect(ensure()).rejects.toThrow(/could not start: a plain farewell\. /);
});

test("a daemon that cannot start says why with its own code", async () => {
  const refusal = { code: "store_too_new", message: "The store is from hearth 9: update." };
  plan({ refuses: refusal });
  await expect(ensure()).rejects.toMatchObject(refusal);
});

test("a daemon that accepts connections and says nothing is named, with what ends it", async () => {
  plan({ hangs: true });
  const patient = ensureDaemon(
    { paths, launcher, clientId: "test", answerMs: 300, env: { HEARTH_HOME: home } },
    signal,
  );
  await expect(patient).rejects.toThrow(/does not answer: end it with `hearth daemon stop --force`/);
});

test("an idle older daemon is replaced, once", async () => {
  plan({ about: { version: "0.9.0", build: "b0" }, next: { about: { version: "0.9.1", build: "b0" } } });
  await ensure({ ...own, version: "0.9.0", build: "b0" });
  const { health, notice } = await ensure();
  expect(linesOf("stopped")).toHaveLength(1);
  expect(started()).toHaveLength(2);
  // What came in its place is older again: another installation's. It is left alone.
  expect(health.version).toBe("0.9.1");
  expect(notice).toBe(
    "The daemon is hearth 0.9.1, this client is 1.0.0; `hearth daemon restart` brings this one.",
  );
});

test("a busy older daemon is used, with a notice, where the protocol's major number agrees", async () => {
  plan({ about: { version: "0.9.0", build: "b0", protocol: "1.4", active_runs: 2 } });
  const { health, notice } = await ensure({ ...own, protocol: "1.5" });
  expect(health.version).toBe("0.9.0");
  expect(notice).toMatch(/hearth 0\.9\.0 \(2 runs active\), this client is 1\.0\.0; `hearth daemon restart`/);
  expect(linesOf("stopped")).toEqual([]);
});

test("a busy older daemon of another protocol is refused with what to run", async () => {
  plan({ about: { version: "0.9.0", build: "b0", protocol: "0.9", active_runs: 1 } });
  await expect(ensure()).rejects.toMatchObject({
    code: "version_skew",
    message:
      "The daemon is hearth 0.9.0 (1 run active), this client is 1.0.0: restart it with `hearth daemon restart`.",
  });
  expect(linesOf("stopped")).toEqual([]);
});

test.each([
  [{ version: "1.0.1" }, null],
  [{ protocol: "1.1" }, null],
  [
    { version: "2.0.0", protocol: "2.0" },
    /^The daemon is hearth 2\.0\.0, this client is 1\.0\.0: update this hearth/,
  ],
])("a newer daemon is never stopped: %o", async (about, refusal) => {
  plan({ about: { build: "b9", ...about } });
  const use = ensure();
  if (refusal === null) expect((await use).notice).toContain("this client is 1.0.0");
  else await expect(use).rejects.toThrow(refusal);
  expect(linesOf("stopped")).toEqual([]);
});

test("another build of the same version is replaced only by a build that was made after it started", async () => {
  plan({ about: { build: "b9" }, next: { about: { build: "b1" } } });
  mkdirSync(join(home, "dist"));
  writeFileSync(join(home, "dist", "version.json"), "{}");
  await ensure({ ...own, build: "b9" });
  expect((await ensure()).notice).toMatch(/another build of 1\.0\.0/);
  expect(linesOf("stopped")).toEqual([]);
  writeFileSync(join(home, "dist", "version.json"), "{ }");
  expect((await ensure()).notice).toBeNull();
  expect(linesOf("stopped")).toHaveLength(1);
});

test("a folder or socket of somebody else gets no request", async () => {
  if (process.getuid?.() !== 0) return; // only root can make one
  await ensure();
  chownSync(paths.socket, 12345, 12345);
  await expect(ensure()).rejects.toMatchObject({
    code: "unsafe_path",
    message: expect.stringContaining("uid 12345"),
  });
  chownSync(paths.socket, 0, 0);
  chownSync(paths.runDir, 12345, 12345);
  await expect(ensure()).rejects.toMatchObject({ code: "unsafe_path" });
  chownSync(paths.runDir, 0, 0);
});

test("a link in the place of the run folder is not followed", async () => {
  const elsewhere = mkdtempSync(join(tmpdir(), "hearth-elsewhere-"));
  symlinkSync(elsewhere, join(home, "run"));
  await expect(ensure()).rejects.toMatchObject({
    code: "unsafe_path",
    message: expect.stringContaining("is a link"),
  });
  expect(started()).toEqual([]);
  rmSync(elsewhere, { recursive: true });
});

test("looking for a daemon starts none", async () => {
  expect(await findDaemon({ paths, clientId: "test" }, signal)).toBeUndefined();
  expect(started()).toEqual([]);
  expect(existsSync(paths.runDir)).toBe(false);
});

test("a socket that daemon.json names is believed only while that very process lives", async () => {
  mkdirSync(paths.runDir, { mode: 0o700 });
  const other = join(home, "other.sock");
  const server = createServer((socket) => {
    socket.once("data", () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n{"status":"ok"}'));
  });
  await new Promise<void>((resolve) => server.listen(other, resolve));
  chmodSync(home, 0o700);
  const file = {
    pid: process.pid,
    pid_start_time: startTimeOf(process.pid, process.platform),
    version: "1",
    build: "b",
    protocol: "1.0",
    socket: other,
    started_at: "t",
  };
  writeFileSync(paths.daemonFile, JSON.stringify(file));
  expect((await findDaemon({ paths, clientId: "test" }, signal))?.client.socketPath).toBe(other);
  writeFileSync(paths.daemonFile, JSON.stringify({ ...file, pid_start_time: "1" }));
  expect(await findDaemon({ paths, clientId: "test" }, signal)).toBeUndefined();
  server.close();
});

test("an aborted start is given up at once", async () => {
  plan({ hangs: true });
  const asked = new AbortController();
  const waiting = ensureDaemon(
    { paths, launcher, clientId: "test", identity: own, env: { HEARTH_HOME: home } },
    asked.signal,
  );
  while (started().length === 0) await new Promise((resolve) => setImmediate(resolve));
  const reason = new Error("never mind");
  asked.abort(reason);
  await expect(waiting).rejects.toBe(reason);
});

test("a process's start time tells it from every other", async () => {
  const child = spawn("sleep", ["60"]);
  const pid = child.pid ?? 0;
  const time = startTimeOf(pid, process.platform);
  expect(time).toMatch(/\S/);
  expect(startTimeOf(pid, process.platform)).toBe(time);
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await gone;
  expect(startTimeOf(pid, process.platform)).toBeUndefined();
});
