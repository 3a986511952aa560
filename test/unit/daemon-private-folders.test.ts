import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HearthError } from "../../src/protocol/errors.ts";
import { resolvePaths } from "../../src/protocol/paths.ts";
import { preparePrivateFolders } from "../../src/server/daemon/private-folders.ts";

const uid = process.getuid?.() ?? 0;
const nobody = 65534;
const isRoot = uid === 0;
let base: string;
let home: string;
let umask: number;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), "hearth-private-"));
  home = join(base, "home");
  umask = process.umask();
});
afterEach(() => {
  process.umask(umask);
  rmSync(base, { recursive: true });
});

const pathsOf = (dir: string) =>
  resolvePaths({ env: { HEARTH_HOME: dir }, platform: "linux", homeDir: "/nowhere", tempDir: base, uid });
const prepare = (dir = home, user = uid) => preparePrivateFolders(pathsOf(dir), user);
const mode = (path: string) => (statSync(path).mode & 0o7777).toString(8);
const refusal = (work: () => void): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof HearthError) return `${error.code}: ${error.message}`;
    throw error;
  }
  return "nothing was refused";
};

test.each(["000", "022", "777"])("folders are 0700 under umask %s", (mask) => {
  process.umask(Number.parseInt(mask, 8));
  prepare();
  process.umask(umask);
  expect(readdirSync(home).toSorted()).toEqual(["config", "data", "run", "state"]);
  for (const name of readdirSync(home)) expect(mode(join(home, name))).toBe("700");
});

test("what is open too wide is closed", () => {
  prepare();
  const paths = pathsOf(home);
  for (const dir of [paths.dataDir, paths.stateDir, paths.runDir, paths.configDir]) chmodSync(dir, 0o755);
  const files = [paths.database, `${paths.database}-wal`, paths.log, `${paths.log}.1`, paths.lockFile];
  for (const file of files) writeFileSync(file, "", { mode: 0o644 });
  chmodSync(home, 0o777);
  prepare();
  for (const dir of [paths.dataDir, paths.stateDir, paths.runDir, paths.configDir])
    expect(mode(dir)).toBe("700");
  for (const file of files) expect(mode(file)).toBe("600");
  expect(mode(home)).toBe("775");
});

test("the folder around ours keeps its mode unless everybody may write it", () => {
  mkdirSync(home, { mode: 0o750 });
  chmodSync(home, 0o750);
  prepare();
  expect(mode(home)).toBe("750");
  rmSync(home, { recursive: true });
  mkdirSync(home);
  chmodSync(home, 0o1777);
  prepare();
  expect(mode(home)).toBe("1777");
});

test.each(["data", "state", "run"])(
  "a link in the place of %s is refused, and nothing goes through it",
  (name) => {
    const elsewhere = join(base, "elsewhere");
    mkdirSync(elsewhere, { mode: 0o755 });
    chmodSync(elsewhere, 0o755);
    mkdirSync(home);
    symlinkSync(elsewhere, join(home, name));
    expect(refusal(prepare)).toMatch(`unsafe_path: ${join(home, name)} is a link`);
    expect([mode(elsewhere), readdirSync(elsewhere)]).toEqual(["755", []]);
  },
);

test("a link that leads nowhere is refused", () => {
  mkdirSync(home);
  symlinkSync(join(base, "nothing"), join(home, "run"));
  expect(refusal(prepare)).toMatch("unsafe_path: ");
  expect(readdirSync(base)).toEqual(["home"]);
});

test("the configuration may be a link of the user's own, and keeps its mode", () => {
  const dotfiles = join(base, "dotfiles");
  mkdirSync(dotfiles);
  chmodSync(dotfiles, 0o755);
  mkdirSync(home);
  symlinkSync(dotfiles, join(home, "config"));
  prepare();
  expect(mode(dotfiles)).toBe("755");
});

test("a file or a pipe in the place of one of ours is refused", () => {
  prepare();
  const { log, database, runDir } = pathsOf(home);
  execFileSync("mkfifo", [log]);
  expect(refusal(prepare)).toMatch(`unsafe_path: ${log} is not a regular file`);
  rmSync(log);
  symlinkSync("/etc/passwd", database);
  expect(refusal(prepare)).toMatch(`unsafe_path: ${database} is a link`);
  rmSync(database);
  rmSync(runDir, { recursive: true });
  writeFileSync(runDir, "");
  expect(refusal(prepare)).toMatch(`unsafe_path: ${runDir} is not a folder`);
});

test("a folder that cannot be made is one sentence", () => {
  writeFileSync(join(base, "file"), "");
  expect(refusal(() => prepare(join(base, "file", "home")))).toMatch(/^store_unavailable: .* \(ENOTDIR\)/);
});

test("what belongs to somebody else is refused", () => {
  prepare();
  expect(refusal(() => prepare(home, uid + 1))).toMatch(
    /^unsafe_path: .* belongs to somebody else \(uid \d+\)/,
  );
});

test.runIf(isRoot)("a folder or a file that somebody else made in ours is refused", () => {
  for (const name of ["data", "run"]) {
    rmSync(home, { recursive: true, force: true });
    mkdirSync(home);
    mkdirSync(join(home, name));
    chownSync(join(home, name), nobody, nobody);
    expect(refusal(prepare)).toMatch(`unsafe_path: ${join(home, name)} belongs to somebody else`);
  }
  rmSync(home, { recursive: true });
  prepare();
  const { lockFile } = pathsOf(home);
  writeFileSync(lockFile, "");
  chownSync(lockFile, nobody, nobody);
  expect(refusal(prepare)).toMatch(`unsafe_path: ${lockFile} belongs to somebody else`);
});

test.runIf(isRoot)(
  "a HEARTH_HOME of somebody else is refused, as its owner could exchange what is in it",
  () => {
    mkdirSync(home);
    chownSync(home, nobody, nobody);
    expect(refusal(prepare)).toMatch(`unsafe_path: ${home} belongs to somebody else`);
  },
);
