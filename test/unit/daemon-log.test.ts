import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createLog, redact } from "../../src/server/daemon/log.ts";

const now = () => new Date("2026-01-02T03:04:05.006Z");
let dir: string;
let file: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "hearth-log-"));
  file = join(dir, "daemon.log");
});
afterEach(() => rmSync(dir, { recursive: true }));

const lines = (path = file) =>
  readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

test("a line is JSON with time, level, message and fields, there at once", () => {
  const log = createLog(file, now);
  log.info("ready", { pid: 7, at: now(), nested: { list: [1, "two", null] }, gone: undefined });
  log.warn("careful");
  const time = "2026-01-02T03:04:05.006Z";
  expect(lines()).toEqual([
    { time, level: "info", message: "ready", pid: 7, at: time, nested: { list: [1, "two", null] } },
    { time, level: "warn", message: "careful" },
  ]);
  expect((statSync(file).mode & 0o777).toString(8)).toBe("600");
  log.close();
});

test("an error is told with its stack and its cause, and anything at all can be said", () => {
  const log = createLog(file, now);
  const round: { self?: unknown } = {};
  round.self = round;
  log.error("failed", {
    error: new Error("outer", { cause: new TypeError("inner") }),
    round,
    big: 1n,
    f: () => 1,
  });
  const [line] = lines();
  expect(line.error).toContain("outer");
  expect(line.error).toContain("inner");
  expect(line.error).toContain("daemon-log.test.ts");
  log.error("x".repeat(1_000_000), { y: "y".repeat(1_000_000) });
  expect(statSync(file).size).toBeLessThan(100_000);
  expect(lines()).toHaveLength(2);
  log.close();
});

test.each([
  ["sk-ant-api03-AbCdEfGhIjKlMnOpQrSt", ""],
  ["sk-proj-0123456789abcdefghij", ""],
  ["AIzaSyA0123456789abcdefghijklmnopqrstu", ""],
  ["ghp_0123456789abcdefghijABCDEFGHIJ012345", ""],
  ["xai-0123456789abcdefghij", ""],
  ["gsk_0123456789abcdefghij", ""],
  ["AKIAABCDEFGHIJKLMNOP", ""],
  ["eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTYifQ.abc-def_ghi", ""],
  ["tok3n-value", "Authorization: Bearer "],
  ["s3cretvalue", "https://host/?api_key="],
  ["s3cretvalue", '{"OPENAI_API_KEY":"'],
  ["s3cretvalue", "postgres://user:"],
])("the key %s is never written", (secret, before) => {
  const after = before.startsWith("postgres") ? "@host" : "";
  expect(redact(`a ${before}${secret}${after} b`)).not.toContain(secret);
  const log = createLog(file, now);
  log.error(`${before}${secret}${after}`, { deep: { text: `${before}${secret}${after}`, api_key: secret } });
  log.error("thrown", { error: new Error(`${before}${secret}${after}`), authorization: secret });
  expect(readFileSync(file, "utf8")).not.toContain(secret);
  log.close();
});

test("what only sounds like a secret stays", () => {
  const log = createLog(file, now);
  log.info("the token limit of monkey-business was reached", { input_tokens: 12, path: "/home/me/sketches" });
  expect(lines()[0]).toMatchObject({
    message: "the token limit of monkey-business was reached",
    ...{ input_tokens: 12, path: "/home/me/sketches" },
  });
  log.close();
});

test("at 5 MB the file is put aside, and one old file is kept", () => {
  const log = createLog(file, now);
  const text = "z".repeat(10_000);
  for (let index = 0; index < 1300; index += 1) log.info(text, { index });
  log.close();
  expect(readdirSync(dir).toSorted()).toEqual(["daemon.log", "daemon.log.1"]);
  const old = lines(`${file}.1`);
  expect(statSync(`${file}.1`).size).toBeLessThanOrEqual(5 * 1024 * 1024);
  expect(statSync(`${file}.1`).size).toBeGreaterThan(4.9 * 1024 * 1024);
  expect(lines()[0].index).toBe(old.at(-1).index + 1);
  expect(lines().at(-1).index).toBe(1299);
});

test("a log that cannot be written stops nobody", () => {
  const log = createLog(join(dir, "missing", "daemon.log"), now);
  log.error("lost");
  log.close();
  expect(readdirSync(dir)).toEqual([]);
});
