import { once } from "node:events";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import { createServer as createSocketServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { isAlive } from "../../src/client/process-identity.ts";
import { parseDaemonFile } from "../../src/protocol/daemon-file.ts";
import { removeDaemonFile, startTimeOf, writeDaemonFile } from "../../src/server/daemon/file.ts";
import { createIdleExit } from "../../src/server/daemon/idle-exit.ts";
import { tryDaemonLock } from "../../src/server/daemon/lock.ts";
import { listenOnSocket } from "../../src/server/daemon/socket.ts";
import { call } from "../support/bare-http.ts";

const uid = process.getuid?.() ?? 0;
let dir: string;
const closing: (() => void)[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "hearth-parts-"));
});
afterEach(() => {
  for (const close of closing.splice(0)) close();
  rmSync(dir, { recursive: true });
});

const newServer = () => {
  const server = createServer((_, reply) => reply.end("{}"));
  closing.push(() => server.close());
  return server;
};

/** A socket file that nobody listens on, as a killed program leaves it. */
async function stale(path: string) {
  const server = newServer();
  server.listen(path);
  await once(server, "listening");
  const kept = `${path}.kept`;
  renameSync(path, kept);
  server.close();
  await once(server, "close");
  renameSync(kept, path);
}

test("a lock has one holder, and the next when that lets go", () => {
  const file = join(dir, "lock");
  const first = tryDaemonLock(file);
  expect(first).toBeDefined();
  expect(tryDaemonLock(file)).toBeUndefined();
  expect(tryDaemonLock(file)).toBeUndefined();
  first?.release();
  const second = tryDaemonLock(file);
  expect(second).toBeDefined();
  second?.release();
  expect(readdirSync(dir)).toEqual(["lock"]);
});

test("what a crash of the machine has left for a lock is kept beside, and the lock is taken by one", () => {
  const file = join(dir, "lock");
  const text = "not a database, and long enough that SQLite looks at it. ".repeat(20);
  writeFileSync(file, text);
  const lock = tryDaemonLock(file);
  expect(lock).toBeDefined();
  expect(tryDaemonLock(file)).toBeUndefined();
  lock?.release();
  expect(readFileSync(`${file}.damaged`, "utf8")).toBe(text);
});

test("a lock that is not a file is one sentence, and is left alone", () => {
  const file = join(dir, "lock");
  mkdirSync(file);
  expect(() => tryDaemonLock(file)).toThrow(
    expect.objectContaining({ code: "store_unavailable", message: expect.stringContaining(file) }),
  );
});

test("a socket takes the place of one that nobody answers, 0600, and takes itself away", async () => {
  const path = join(dir, "daemon.sock");
  await stale(path);
  expect(lstatSync(path).isSocket()).toBe(true);
  const socket = await listenOnSocket(newServer(), path, uid);
  expect((statSync(path).mode & 0o777).toString(8)).toBe("600");
  expect((await call(path, "GET /")).status).toBe(200);
  expect(readdirSync(dir)).toEqual(["daemon.sock"]);
  socket.remove();
  expect(readdirSync(dir)).toEqual([]);
});

test("a socket that is answered, somebody else's, or none at all is refused and left alone", async () => {
  const path = join(dir, "daemon.sock");
  const living = createSocketServer().listen(path);
  closing.push(() => living.close());
  await once(living, "listening");
  const unsafe = (text: string) =>
    expect.objectContaining({ code: "unsafe_path", message: expect.stringContaining(text) });
  await expect(listenOnSocket(newServer(), path, uid)).rejects.toEqual(unsafe("is answered by"));
  await expect(listenOnSocket(newServer(), path, uid + 1)).rejects.toEqual(
    unsafe("belongs to somebody else"),
  );
  const file = join(dir, "file");
  writeFileSync(file, "mine");
  await expect(listenOnSocket(newServer(), file, uid)).rejects.toEqual(unsafe("is not a socket"));
  expect([readFileSync(file, "utf8"), lstatSync(path).isSocket()]).toEqual(["mine", true]);
});

test("a server that ends does not take away the socket that has replaced its own", async () => {
  const path = join(dir, "daemon.sock");
  const old = newServer();
  const first = await listenOnSocket(old, path, uid);
  rmSync(path);
  const next = newServer();
  next.listen(path);
  await once(next, "listening");
  first.remove();
  old.close();
  await once(old, "close");
  expect((await call(path, "GET /")).status).toBe(200);
});

test("daemon.json is whole, 0600, and removed only by the daemon that it is about", () => {
  const path = join(dir, "daemon.json");
  const own = {
    ...{ pid: process.pid, pid_start_time: startTimeOf(process.pid, process.platform), socket: "/s" },
    ...{ version: "1", build: "b", protocol: "1.0", started_at: "2026-01-02T03:04:05.006Z" },
  };
  writeFileSync(path, "half of");
  writeDaemonFile(path, own);
  expect(parseDaemonFile(readFileSync(path, "utf8"))).toEqual(own);
  expect((statSync(path).mode & 0o777).toString(8)).toBe("600");
  expect(readdirSync(dir)).toEqual(["daemon.json"]);
  expect([
    isAlive(own, process.platform),
    isAlive({ ...own, pid_start_time: "1" }, process.platform),
  ]).toEqual([true, false]);
  removeDaemonFile(path, { ...own, started_at: "2026-01-02T03:04:05.007Z" });
  expect(readdirSync(dir)).toEqual(["daemon.json"]);
  removeDaemonFile(path, own);
  removeDaemonFile(path, own);
  expect(readdirSync(dir)).toEqual([]);
});

test("an idle daemon ends after its time, a busy one does not, and one that is ending is left alone", async () => {
  const exited = Promise.withResolvers<void>();
  let isIdle = false;
  let asked = 0;
  const idle = createIdleExit({
    isIdle: () => isIdle,
    idleExitMs: () => {
      asked += 1;
      return 1;
    },
    exit: exited.resolve,
  });
  idle.update();
  expect(asked).toBe(0);
  isIdle = true;
  idle.update();
  idle.update();
  expect(asked).toBe(1);
  isIdle = false;
  idle.update();
  isIdle = true;
  idle.update();
  expect(asked).toBe(2);
  await exited.promise;

  let wasEnded = false;
  const over = createIdleExit({
    isIdle: () => true,
    idleExitMs: () => 1,
    exit: () => {
      wasEnded = true;
    },
  });
  over.update();
  over.stop();
  over.update();
  const later = Promise.withResolvers<void>();
  createIdleExit({ isIdle: () => true, idleExitMs: () => 5, exit: later.resolve }).update();
  await later.promise;
  expect(wasEnded).toBe(false);
});

test("who asks for something puts off the idle exit", () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const exit = vi.fn();
  const idle = createIdleExit({ isIdle: () => true, idleExitMs: () => 100, exit });
  idle.update();
  vi.advanceTimersByTime(90);
  idle.restart();
  vi.advanceTimersByTime(90);
  expect(exit).not.toHaveBeenCalled();
  vi.advanceTimersByTime(10);
  expect(exit).toHaveBeenCalledOnce();
});
