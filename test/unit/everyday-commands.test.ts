/**
 * What coding agents run all day, and what becomes of it: a change of the judge that asks more, or less, shows in
 * everyday-commands.txt. Its columns: mode ask with harmless commands allowed, mode plan, mode yolo.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { Policy } from "../../src/agent/permission/judge.ts";
import { createPlace, inShort, judgeLine, policyFor } from "../support/permission.ts";

const place = createPlace();
afterAll(() => place.remove());

const file = join(import.meta.dirname, "everyday-commands.txt");
const columns: readonly Policy[] = [
  policyFor(place, { harmlessCommands: "allow" }),
  policyFor(place, { mode: "plan" }),
  policyFor(place, { mode: "yolo" }),
];
const commandOf = (row: string) => row.slice(row.indexOf("| ") + 2);
const judged = (row: string) => {
  if (!row.includes("| ")) return row;
  const command = commandOf(row);
  const line = command.replaceAll("⏎", "\n");
  const words = columns.map((policy) => inShort(judgeLine(line, policy)).padEnd(5));
  return `${words.join(" ")} | ${command}`;
};

test("everyday commands are judged as the table says", async () => {
  const rows = readFileSync(file, "utf8").split("\n");
  expect(rows.filter((row) => row.includes("| ")).length).toBeGreaterThanOrEqual(300);
  await expect(rows.map(judged).join("\n")).toMatchFileSnapshot(file);
});

test("what only looks at the workspace runs unasked", () => {
  const looking = [
    ...["ls -la", "pwd", "cat package.json", "head -50 src/a.ts", "wc -l src/*.ts", "git status", "git diff"],
    ...["git log --oneline -5", "grep -rn TODO src", "rg -n foo src", "find . -name '*.ts'"],
  ];
  for (const line of looking) {
    expect(
      columns.map((policy) => inShort(judgeLine(line, policy))),
      line,
    ).toEqual(["allow", "allow", "allow"]);
  }
});
