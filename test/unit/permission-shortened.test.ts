import { afterAll, describe, expect, test } from "vitest";
import { dangerousOptions } from "../../src/agent/permission/commands/dangerous-commands.ts";
import { createPlace, inShort, judgeLine, policyFor, reasonsOf } from "../support/permission.ts";

const place = createPlace();
afterAll(() => place.remove());

/** `--o`, `--ou`, `--out` … of `--output`. */
const shortened = (option: string): string[] =>
  Array.from({ length: option.length - 2 }, (_, index) => option.slice(0, index + 3));

describe("a rule with a star does not reach what GNU programs take by the beginning of an option's name", () => {
  const programs = ["sort", "cp", "make", "diff", "mv", "touch", "grep", "date", "ln", "install", "rsync"];
  const policy = policyFor(place, { allow: programs.map((program) => `bash(${program} *)`) });

  test.each([
    ["sort --o=/tmp/x src/a.ts"],
    ["sort --output=src/b.ts src/a.ts"],
    ["sort --compress-prog=./x src/a.ts"],
    ["sort --files0=/etc/hostname"],
    ["cp --target=/tmp src/a.ts"],
    ["cp --target /tmp src/a.ts"],
    ["cp --t=/etc src/a.ts"],
    ["mv --target-d=/etc src/a.ts"],
    ["install --targ=/etc src/a.ts"],
    ["ln --target-dir=/etc src/a.ts"],
    ["make --ev='$(shell id)'"],
    ["make --fi=/tmp/Makefile"],
    ["make --direc=/tmp"],
    ["diff --to-file=/etc/hostname src/a.ts"],
    ["diff --from-f=/etc/hostname src/a.ts"],
    ["touch --ref=/etc/hostname src/a.ts"],
    ["touch --reference /etc/hostname src/a.ts"],
    ["date --file=/etc/hostname"],
    ["grep --exclude-f=/etc/hostname x src/a.ts"],
    ["rsync --rs=./x src/a.ts b"],
  ])("%s", (line) => {
    expect(inShort(judgeLine(line, policy))).toBe("ask");
  });

  test.each<[line: string, also?: string]>([
    ["sort --rev src/a.ts"],
    ["diff --brief src/a.ts src/b.ts"],
    ["grep --ignore-c foo src/a.ts"],
    ["cp --target-directory=src src/a.ts", "edit(src)"],
  ])("but still lets go what stays where it may: %s", (line, also) => {
    const allow = [...policy.rules.allow, ...(also === undefined ? [] : [also])];
    expect(inShort(judgeLine(line, policyFor(place, { allow })))).toBe("allow");
  });

  const dangerous = Object.entries(dangerousOptions).flatMap(([program, options]) =>
    options
      .split(" ")
      .filter((option) => option.startsWith("--") && !option.includes(":"))
      .map((option) => [program, option] as const),
  );
  test("nor to any dangerous option, however short it is written", () => {
    const passed = dangerous.flatMap(([program, option]) => {
      const allow = policyFor(place, { allow: [`bash(${program} *)`] });
      return shortened(option)
        .map((name) => `${program} ${name}=x`)
        .filter((line) => judgeLine(line, allow).decision === "allow");
    });
    expect(dangerous.length).toBeGreaterThan(100);
    expect(passed).toEqual([]);
  });

  test("a shortened option makes no command harmless", () => {
    // rg has `--pre`, which runs a program, and `--pretty`, which does not.
    expect(inShort(judgeLine("rg --pre=./x foo", policyFor(place)))).toBe("ask");
    expect(inShort(judgeLine("sort --rev src/a.ts", policyFor(place)))).toBe("ask");
  });
});

describe("the environment of other processes", () => {
  const reading = policyFor(place, { harmlessCommands: "allow", allow: ["bash(ps *)"] });

  test.each([["ps auxe"], ["ps e"], ["ps axe -p 1"], ["ps -p 1 e"], ["ps eww -C node"], ["ps -E -p 1"]])(
    "%s asks, whatever is allowed",
    (line) => {
      const judgement = judgeLine(line, reading);
      expect(inShort(judgement)).toBe("ask");
      expect(reasonsOf(judgement)).toContain("shows the environment of other processes");
    },
  );

  test.each([
    ["ps aux"],
    ["ps -ef"],
    ["ps -e"],
    ["ps -o pid,time,command"],
    ["ps -C node"],
    ["ps -p 1 -o etime"],
  ])("%s shows none", (line) => {
    expect(inShort(judgeLine(line, reading))).toBe("allow");
  });
});
