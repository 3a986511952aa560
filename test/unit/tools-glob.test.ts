import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  alternativesOf,
  compileGlob,
  compileSegments,
  splitBase,
} from "../../src/agent/tools/search/glob-pattern.ts";
import { readIgnoreRules } from "../../src/agent/tools/search/ignore-rules.ts";

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "hearth-glob-")));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test.each<[string, string[], string[]]>([
  ["*.ts", ["a.ts", "src/a.ts", ".ts"], ["a.tsx", "ts"]],
  ["src/*.ts", ["src/a.ts"], ["a.ts", "src/deep/a.ts", "other/src/a.ts"]],
  ["src/**/*.ts", ["src/a.ts", "src/deep/er/a.ts"], ["a.ts", "src/a.js"]],
  ["**/test/**", ["test/a", "a/test/b/c"], ["test", "testing/a"]],
  ["src/**", ["src/a", "src/a/b"], ["src"]],
  ["a?c", ["abc", "x/a-c"], ["ac", "abbc", "a/c"]],
  ["[a-c]x", ["ax", "cx"], ["dx"]],
  ["[!a-c]x", ["dx"], ["ax"]],
  ["[]]x", ["]x"], ["[x"]],
  ["[a", ["[a"], ["a"]],
  ["*.{js,ts}", ["a.js", "b/c.ts"], ["a.jsx"]],
  ["{src,test}/**/*.{a,b}", ["src/x.a", "test/y/z.b"], ["lib/x.a"]],
  ["a{b,{c,d}}e", ["abe", "ace", "ade"], ["ae"]],
  ["a\\*b", ["a*b"], ["axb"]],
  ["./a.ts", ["a.ts"], ["src/a.ts"]],
  ["**", ["a", "a/b"], []],
  ["name with space", ["x/name with space"], []],
])("the glob %s", (pattern, matching, others) => {
  const matches = compileGlob(pattern);
  expect(matching.filter((path) => !matches(path))).toEqual([]);
  expect(others.filter(matches)).toEqual([]);
});

test("braces that are not balanced, or become too many, are plain characters", () => {
  expect(alternativesOf("a{b,c")).toEqual(["a{b,c"]);
  expect(alternativesOf("{a}")).toEqual(["{a}"]);
  expect(alternativesOf("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}")).toHaveLength(1);
});

test("the folder that a glob begins with is split off", () => {
  expect(splitBase("src/a/*.ts")).toEqual({ base: "src/a", rest: "*.ts" });
  expect(splitBase("a.ts")).toEqual({ base: "", rest: "a.ts" });
  expect(splitBase("/etc/*")).toEqual({ base: "/etc", rest: "*" });
  expect(splitBase("/*")).toEqual({ base: "/", rest: "*" });
  expect(splitBase("../x/**")).toEqual({ base: "../x", rest: "**" });
});

test("a pattern made for backtracking is matched all the same", () => {
  const pattern = `${"*a".repeat(40)}b`;
  const path = `${"a".repeat(250)}/`.repeat(15) + "a".repeat(250);
  // Backtracking would go on beyond the end of the universe; the test's own limit stops it.
  expect(compileGlob(`**/${pattern}/**/${pattern}`)(path)).toBe(false);
});

test("property: a name matches itself, and any part of it may be a star", () => {
  const name = fc.string({ unit: fc.constantFrom("a", "b", "-", "."), minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 4 }), fc.nat(), fc.nat(), (names, a, b) => {
      const path = names.join("/");
      expect(compileSegments(path)(path)).toBe(true);
      const at = a % names.length;
      const part = names[at] ?? "";
      const cut = b % (part.length + 1);
      expect(compileSegments(names.with(at, `${part.slice(0, cut)}*`).join("/"))(path)).toBe(true);
      expect(compileSegments(["**", ...names.slice(at)].join("/"))(path)).toBe(true);
      expect(compileSegments(names.with(at, `${part}x`).join("/"))(path)).toBe(false);
    }),
  );
});

test("property: what is ignored is what git ignores", async () => {
  execFileSync("git", ["init", "-q", folder]);
  const names = ["a", "b", "a.log", "b.log", "a b", "#x"];
  const paths = names.flatMap((x) => [x, ...["d", "e"].flatMap((dir) => [`${dir}/${x}`, `${dir}/d/${x}`])]);
  for (const path of paths) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), "");
  }
  const pattern = fc
    .tuple(
      fc.constantFrom("", "!", "/", "!/"),
      fc.array(fc.constantFrom("a", "b", "*", "d", "e", "**", "?", "*.log", "[ab]", "a b", "\\#x", "d*"), {
        minLength: 1,
        maxLength: 3,
      }),
      fc.constantFrom("", "/", "  "),
    )
    .map(([sign, segments, end]) => sign + segments.join("/") + end);
  const rules = fc.array(pattern, { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(rules, rules, async (top, nested) => {
      writeFileSync(join(folder, ".gitignore"), `# a comment\n\n${top.join("\n")}\n`);
      writeFileSync(join(folder, "d/.gitignore"), nested.join("\r\n"));
      const listed = execFileSync("git", ["-C", folder, "ls-files", "-oz", "--exclude-standard"], {
        encoding: "utf8",
      });
      const visible = new Set(
        listed.split("\0").filter((path) => path !== "" && !path.endsWith(".gitignore")),
      );
      const mine = [];
      for (const path of paths) if (await isVisible(path)) mine.push(path);
      expect(mine.toSorted()).toEqual([...visible].toSorted());
    }),
    { numRuns: 40 },
  );
});

async function isVisible(path: string): Promise<boolean> {
  let rules = await readIgnoreRules(folder);
  const segments = path.split("/");
  for (const index of segments.keys()) {
    const here = join(folder, ...segments.slice(0, index + 1));
    const isFolder = index < segments.length - 1;
    if (rules.isIgnored(here, isFolder)) return false;
    if (isFolder) rules = await rules.enter(here);
  }
  return true;
}
