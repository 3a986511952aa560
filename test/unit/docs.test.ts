// What the documentation lists is what there is.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { nameOf } from "../../src/cli/line/spec.ts";
import { bareCommand, commands, commandWords } from "../../src/cli/line/table.ts";
import { Config } from "../../src/protocol/config.ts";
import { providerVariables } from "../../src/protocol/provider-variables.ts";
import { commands as slashCommands } from "../../src/tui/commands/table.ts";
import { actions, bindings } from "../../src/tui/keys.ts";
import { repository } from "../support/home.ts";

const read = (path: string) => readFileSync(join(repository, path), "utf8");
const pages = [
  "README.md",
  "AGENTS.md",
  ...readdirSync(join(repository, "docs"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".md"))
    .map((name) => join("docs", name)),
];
/** The cells of each row of a page's tables, without their code marks. */
const rowsOf = (page: string) =>
  read(page)
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .map((line) => line.replaceAll("\\|", "\0").split("|").slice(1, -1))
    .map((cells) => cells.map((cell) => cell.replaceAll("\0", "|").replaceAll("`", "").trim()));

test("the terminal's page lists every key that has an explanation, and no other", () => {
  const listed = rowsOf("docs/terminal.md").filter(([, , name]) => /^\w+\.\w+$/.test(name ?? ""));
  const there = actions.flatMap((action) => {
    const { chords, help } = bindings[action] as { chords: readonly string[]; help?: string };
    return help === undefined ? [] : [[chords.join(" "), help, action]];
  });
  expect(listed).toEqual(there);
});

test("the terminal's page lists every slash command, and no other", () => {
  const listed = rowsOf("docs/terminal.md").filter(([name]) => /^\/\w/.test(name ?? ""));
  const there = slashCommands.map(({ name, takes, help }) => [
    `/${name}${takes === undefined ? "" : ` ${takes}`}`,
    help,
  ]);
  expect(listed).toEqual(there);
});

test("the page on scripts lists every command with all its options, and no other", () => {
  const listed = rowsOf("docs/scripts.md")
    .filter(([name]) => /^hearth\b/.test(name ?? ""))
    .map(([name = "", summary, options]) => [name.replace(/ [[A-Z].*/, ""), summary, options]);
  const there = [bareCommand, ...commands].map((command) => [
    ["hearth", nameOf(command)].filter(Boolean).join(" "),
    command.summary,
    command.options.map(({ name }) => `--${name}`).join(", "),
  ]);
  expect(listed).toEqual(there);
});

test("the page on configuration names every key", () => {
  const text = read("docs/configuration.md");
  for (const name of Object.keys(Config.shape)) expect(text).toContain(name);
  const limits = Config.shape.limits.unwrap().shape;
  for (const name of Object.keys(limits)) expect(text).toContain(name);
});

test("the page on models lists every provider and its variables", () => {
  const listed = rowsOf("docs/models.md").map((cells) => cells.join(" "));
  for (const [provider, { keys, address }] of Object.entries(providerVariables)) {
    const row = listed.find((text) => text.startsWith(`${provider} `));
    for (const word of [...keys, address]) expect(row, provider).toContain(word);
  }
});

test.each(pages)("%s links to what exists", (page) => {
  for (const [, target = ""] of read(page).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
    if (/^https?:/.test(target)) continue;
    expect(existsSync(join(repository, dirname(page), target)), target).toBe(true);
  }
});

test.each(pages.filter((page) => !page.startsWith("docs/decisions")))("%s names files that exist", (page) => {
  const named = read(page).matchAll(/\b(?:src|test|bench|docs)\/[\w/-]+\.(?:ts|tsx|md|txt)\b/g);
  for (const [path] of named) {
    if (!path.includes("NAME")) expect(existsSync(join(repository, path)), path).toBe(true);
  }
});

test.each(pages)("%s names no command that does not exist", (page) => {
  const known = new Set([...commandWords, "COMMAND"]);
  const blocks = read(page).matchAll(/^(?: {4}|\$ )hearth ([a-z]+)\b(?! ")/gm);
  for (const [line, word = ""] of blocks) expect(known.has(word), line).toBe(true);
});

test("the list of attacks names tests that are there", () => {
  const named = [...read("test/attacks/README.md").matchAll(/`(test\/[\w./-]+)`/g)].map(
    ([, path]) => path ?? "",
  );
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((path) => !existsSync(join(repository, path)))).toEqual([]);
});
