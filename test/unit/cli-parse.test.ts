import { expect, test } from "vitest";
import { UsageError } from "../../src/cli/exit.ts";
import { completeWords } from "../../src/cli/line/completion.ts";
import { helpText } from "../../src/cli/line/help.ts";
import { parseCommandLine } from "../../src/cli/line/parse.ts";
import { nameOf } from "../../src/cli/line/spec.ts";
import { bareCommand, commands, groups } from "../../src/cli/line/table.ts";
import { PermissionMode } from "../../src/protocol/permission.ts";
import { Isolation } from "../../src/protocol/session.ts";
import { UsageBy } from "../../src/protocol/usage.ts";

const understood = (line: string[]) => {
  const asked = parseCommandLine(line);
  if (asked.kind !== "command") return asked;
  const { command, options, positionals } = asked.parsed;
  return [command.path.join(" "), { ...options }, positionals];
};
const wrong = (line: string[]) => {
  try {
    return parseCommandLine(line);
  } catch (error) {
    return error instanceof UsageError ? error.message : error;
  }
};

test.each([
  [[], ["", {}, []]],
  [["fix the tests"], ["", {}, ["fix the tests"]]],
  [
    ["fix", "the", "tests"],
    ["", {}, ["fix", "the", "tests"]],
  ],
  [["hello"], ["", {}, ["hello"]]],
  [
    ["--", "run"],
    ["", {}, ["run"]],
  ],
  [
    ["-c", "--mode", "plan"],
    ["", { continue: true, mode: "plan" }, []],
  ],
  [
    ["run", "hi"],
    ["run", {}, ["hi"]],
  ],
  [
    ["run", "-"],
    ["run", {}, ["-"]],
  ],
  [
    ["run", "-f", "json", "--max-steps=3", "hi", "-s", "ses_1"],
    ["run", { format: "json", "max-steps": "3", session: "ses_1" }, ["hi"]],
  ],
  [
    ["run", "--", "--help"],
    ["run", {}, ["--help"]],
  ],
  [
    ["run", "--timeout", "-5", "hi"],
    ["run", { timeout: "-5" }, ["hi"]],
  ],
  [
    ["sessions", "list", "-n", "5", "--json"],
    ["sessions list", { limit: "5", json: true }, []],
  ],
  [
    ["sessions", "show", "ses_1"],
    ["sessions show", {}, ["ses_1"]],
  ],
  [
    ["daemon", "logs", "-f", "-n5"],
    ["daemon logs", { follow: true, lines: "5" }, []],
  ],
  [["attach"], ["attach", {}, []]],
  [["sessions"], ["sessions list", {}, []]],
  [
    ["sessions", "-n", "5"],
    ["sessions list", { limit: "5" }, []],
  ],
  [["agents"], ["agents list", {}, []]],
  [["daemon"], ["daemon status", {}, []]],
  [
    ["config", "--json"],
    ["config show", { json: true }, []],
  ],
  [
    ["agnets", "are", "everywhere"],
    ["", {}, ["agnets", "are", "everywhere"]],
  ],
  [["serve"], ["serve", {}, []]],
  [
    ["completion", "words", "--", "run", "--f"],
    ["completion", {}, ["words", "run", "--f"]],
  ],
])("%j is understood", (line, expected) => {
  expect(understood(line)).toEqual(expected);
});

test.each([
  [
    ["sesions"],
    'There is no command "sesions"; did you mean `hearth sessions`? (As a prompt: `hearth -- sesions`.)',
  ],
  [
    ["doktor"],
    'There is no command "doktor"; did you mean `hearth doctor`? (As a prompt: `hearth -- doktor`.)',
  ],
  [
    ["run", "--modle", "x", "y"],
    "There is no option --modle; did you mean --model? Try `hearth run --help`.",
  ],
  [["run", "--wat", "y"], "There is no option --wat. Try `hearth run --help`."],
  [["--wat"], "There is no option --wat. Try `hearth --help`."],
  [["run", "-zv", "y"], "There is no option -z. Try `hearth run --help`."],
  [["run", "--model"], "--model needs a value: PROVIDER/MODEL. Try `hearth run --help`."],
  [["run", "--verbose=yes", "y"], "--verbose takes no value. Try `hearth run --help`."],
  [
    ["run", "--format", "xml", "y"],
    '--format takes text, json or stream-json, not "xml". Try `hearth run --help`.',
  ],
  [["--mode", "wild"], '--mode takes ask, accept_edits, plan or yolo, not "wild". Try `hearth --help`.'],
  [
    ["--model", "x", "run", "hi"],
    "The command comes first: `hearth run …`, then its options. (As a prompt: `hearth -- run hi`.)",
  ],
  [
    ["sesions", "list"],
    'There is no command "sesions"; did you mean `hearth sessions list`? (As a prompt: `hearth -- sesions list`.)',
  ],
  [
    ["deamon", "stpo", "--force"],
    'There is no command "deamon"; did you mean `hearth daemon stop`? (As a prompt: `hearth -- deamon stpo`.)',
  ],
  [
    ["completoin", "bash"],
    'There is no command "completoin"; did you mean `hearth completion bash`? (As a prompt: `hearth -- completoin bash`.)',
  ],
  [
    ["daemon", "sttus"],
    'There is no command "daemon sttus"; did you mean status? Try `hearth daemon --help`.',
  ],
  [["daemon", "fly"], 'There is no command "daemon fly". Try `hearth daemon --help`.'],
  [["sessions", "show"], "`hearth sessions show` needs id. Try `hearth sessions show --help`."],
  [["serve", "now"], '`hearth serve` takes no argument: "now" is too much. Try `hearth serve --help`.'],
  [["attach", "a", "b"], '`hearth attach` takes 1 at most: "b" is too much. Try `hearth attach --help`.'],
])("%j is refused in one sentence", (line, expected) => {
  expect(wrong(line)).toEqual(expected);
});

test.each([
  [["--help"], []],
  [["help"], []],
  [["run", "--help"], ["run"]],
  [
    ["help", "daemon", "logs"],
    ["daemon", "logs"],
  ],
  [
    ["daemon", "logs", "-h"],
    ["daemon", "logs"],
  ],
  [
    ["run", "--model", "x", "--help"],
    ["run", "x"],
  ],
])("%j asks for help", (line, path) => {
  expect(understood(line)).toEqual({ kind: "help", path });
});

const allHelp = [{ path: [] }, ...commands, ...groups.map(({ name }) => ({ path: [name] }))];

test("every help says how to call it and ends with examples", () => {
  for (const { path } of allHelp) {
    const lines = helpText(path).split("\n");
    expect(lines.length, path.join(" ")).toBeLessThanOrEqual(60);
    expect(lines.some((line) => line.startsWith(`Usage: hearth ${path.join(" ")}`.trimEnd()))).toBe(true);
    expect(lines.slice(lines.indexOf("Examples") + 1).filter(Boolean)[0]).toContain("hearth");
  }
  for (const { path, options } of commands)
    for (const { name } of options) expect(helpText(path)).toContain(`--${name}`);
  expect(helpText([]).replaceAll(/\s+/g, " ")).toContain("124 timeout");
  expect(helpText(["run"]).replaceAll(/\s+/g, " ")).toContain("4 permission needed");
  expect(helpText(["no", "such"])).toBe(helpText([]));
});

test.for([50, 80])("every help fits %i columns, and loses no word", (width) => {
  for (const { path } of allHelp) {
    const text = helpText(path, width);
    // An example is one word of a shell at its longest.
    for (const line of text.split("\n"))
      expect(line.length, line).toBeLessThanOrEqual(Math.max(width, 2 + 71));
    for (const line of text.split("\n").filter((each) => each.length > width))
      expect(line.trim()).not.toContain(" ");
    expect(text.split(/\s+/)).toEqual(helpText(path).split(/\s+/));
  }
});

test.each([
  [[""], expect.arrayContaining(["run", "sessions", "doctor"])],
  [["da"], ["daemon"]],
  [
    ["daemon", "st"],
    ["status", "start", "stop"],
  ],
  [["run", "--perm"], ["--permission-mode"]],
  [
    ["run", "--permission-mode", "a"],
    ["ask", "accept_edits"],
  ],
  [
    ["run", "-f", ""],
    ["text", "json", "stream-json"],
  ],
  [
    ["completion", ""],
    ["bash", "zsh", "fish"],
  ],
  [["run", "--model", ""], []],
  [["--mo"], ["--model", "--mode"]],
])("after %j the shell offers", (words, expected) => {
  expect(completeWords(words)).toEqual(expected);
});

test("what the daemon offers stands before options, as far as it fits", () => {
  const sessions = ["ses_1", "ses_2"];
  expect(completeWords(["sessions", "show", "ses_1"], sessions)).toEqual(["ses_1"]);
  expect(completeWords(["run", "--model", "local/"], ["local/big", "demo"])).toEqual(["local/big"]);
});

test("the words that an option takes are those of the contract", () => {
  const choicesOf = (path: string, option: string) =>
    [bareCommand, ...commands]
      .find((command) => nameOf(command) === path)
      ?.options.find(({ name }) => name === option)?.choices;
  expect(choicesOf("", "mode")).toEqual(PermissionMode.options);
  expect(choicesOf("run", "permission-mode")).toEqual([...PermissionMode.options, "deny"]);
  for (const path of ["", "run"]) expect(choicesOf(path, "isolation")).toEqual(Isolation.options);
  expect(choicesOf("usage", "by")).toEqual(UsageBy.options);
});
