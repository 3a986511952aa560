import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { contains, locate, resolveInside } from "../../src/agent/workspace-path.ts";

let home: string;
let root: string;

beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), "hearth-path-")));
  root = join(home, "work");
  for (const folder of ["work/src", "work-evil", "outside/deep"])
    mkdirSync(join(home, folder), { recursive: true });
  writeFileSync(join(home, "work/src/a.ts"), "");
  writeFileSync(join(home, "outside/secret"), "");
  symlinkSync("../outside", join(home, "work/out"));
  symlinkSync("src", join(home, "work/in"));
  symlinkSync("../outside/not-yet", join(home, "work/dangling"));
  symlinkSync("loop-b", join(home, "work/loop-a"));
  symlinkSync("loop-a", join(home, "work/loop-b"));
  symlinkSync("../../outside/deep", join(home, "work/src/far"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

test.each([
  [".", ""],
  ["src/a.ts", "/src/a.ts"],
  ["./src/../src/a.ts", "/src/a.ts"],
  ["in/a.ts", "/src/a.ts"],
  ["not/there/yet.ts", "/not/there/yet.ts"],
  ["in/not-yet/../x", "/src/x"],
  ["src/far/../../work/src/a.ts", "/src/a.ts"], // .. after a link is the folder above its target
  ["..work", "/..work"],
])("%s is inside", async (path, real) => {
  expect(await resolveInside(root, path)).toBe(root + real);
});

test.each([
  "..",
  "../work-evil/x", // the same beginning, another folder
  "src/../../outside/secret",
  "out/secret",
  "out/not-yet/x",
  "dangling",
  "dangling/x",
  "src/far/x",
  "src/far/../secret",
  "in/../../outside/secret",
  "not/there/../../../outside/secret",
  "/etc/passwd",
  "/",
  "~/.bashrc",
])("%s is outside", async (path) => {
  expect(await resolveInside(root, path)).toBeUndefined();
});

test("absolute paths, the root's own links and the home folder are understood", async () => {
  const alias = join(home, "alias");
  symlinkSync("work", alias);
  expect(await resolveInside(alias, join(root, "src/a.ts"))).toBe(join(root, "src/a.ts"));
  expect(await resolveInside(root, join(alias, "src/a.ts"))).toBe(join(root, "src/a.ts"));
  expect((await locate(root, "~/x")).real).toBe(join(realpathSync(homedir()), "x"));
});

test("a path is shown relative to the root where inside it, else absolute", async () => {
  expect((await locate(root, join(root, "src/a.ts"))).shown).toBe("src/a.ts");
  expect((await locate(root, root)).shown).toBe(".");
  expect((await locate(root, "out/secret")).shown).toBe(join(home, "outside/secret"));
});

test("what cannot exist is refused", async () => {
  await expect(resolveInside(root, "a\0b")).rejects.toThrow(/NUL/);
  await expect(resolveInside(root, "loop-a")).rejects.toThrow(/ELOOP|too many/);
});

test("names with spaces, line breaks and emoji are names like any other", async () => {
  for (const name of ["a b", "a\nb", "🔥", "-rf", "%2e%2e", "a\\..\\..\\b"])
    expect(await resolveInside(root, name)).toBe(join(root, name));
});

test("contains compares whole segments", () => {
  expect(contains("/a/b", "/a/b")).toBe(true);
  expect(contains("/a/b", "/a/b/c")).toBe(true);
  expect(contains("/a/b", "/a/bc")).toBe(false);
  expect(contains("/", "/a")).toBe(true);
});

test("property: where a file can be opened, the answer is the system's own", async () => {
  const segment = fc.constantFrom(
    "..",
    ".",
    "src",
    "in",
    "out",
    "far",
    "deep",
    "work",
    "work-evil",
    "outside",
    "a.ts",
    "secret",
    "none",
  );
  await fc.assert(
    fc.asyncProperty(fc.array(segment, { minLength: 1, maxLength: 7 }), async (segments) => {
      const path = segments.join("/");
      let expected: string;
      try {
        expected = realpathSync.native(`${root}/${path}`);
      } catch {
        return; // nothing there: the next property
      }
      const inside = expected === root || expected.startsWith(`${root}/`);
      expect(await resolveInside(root, path)).toBe(inside ? expected : undefined);
    }),
    { numRuns: 500 },
  );
});

test("property: what is called inside stays inside when it is made there", async () => {
  const segment = fc.constantFrom("..", "src", "in", "out", "dangling", "far", "new", "other", "..x");
  await fc.assert(
    fc.asyncProperty(fc.array(segment, { minLength: 1, maxLength: 6 }), async (segments) => {
      const real = await resolveInside(root, segments.join("/")).catch(() => undefined);
      if (real === undefined) return;
      expect(contains(root, real)).toBe(true);
      // No link is left in it for whoever opens it.
      expect((await locate(root, real)).real).toBe(real);
    }),
    { numRuns: 500 },
  );
});
