import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HISTORY_MAX } from "../../src/tui/editor/history.ts";
import { openHistoryFile } from "../../src/tui/files/history-file.ts";
import { loadPreferences, parsePreferences } from "../../src/tui/files/preferences.ts";
import { openTerminalFile } from "../../src/tui/files/terminal-file.ts";
import { createTerminalModes, repairSequence } from "../../src/tui/input/modes.ts";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "hh-files-"));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

test("prompts of several terminals are one history, each once, the newest last", () => {
  const paths = { stateDir: join(dir, "state") };
  const one = openHistoryFile(paths);
  const other = openHistoryFile(paths);
  one.append("first");
  other.append("second\nline");
  one.append("first");
  one.append("   ");
  expect(openHistoryFile(paths).load()).toEqual(["second\nline", "first"]);
  expect(statSync(join(paths.stateDir, "prompts.jsonl")).mode & 0o777).toBe(0o600);
});

test("a history with a torn last line, or one that has grown too long, loads what is whole", () => {
  const file = join(dir, "prompts.jsonl");
  const lines = Array.from({ length: 2 * HISTORY_MAX + 1 }, (_, index) => JSON.stringify(`prompt ${index}`));
  writeFileSync(file, `${lines.join("\n")}\n"torn`);
  const loaded = openHistoryFile({ stateDir: dir }).load();
  expect(loaded).toHaveLength(HISTORY_MAX);
  expect(loaded.at(-1)).toBe(`prompt ${2 * HISTORY_MAX}`);
  expect(readFileSync(file, "utf8").split("\n")).toHaveLength(HISTORY_MAX + 1);
});

const place = { label: "pts/9", cwd: "/project", platform: process.platform };

test("a killed terminal leaves its draft and its modes to the next one there, and to no other", () => {
  const killed = openTerminalFile({ stateDir: dir }, place);
  killed.modes(["bracketedPaste", "alternateScreen"]);
  killed.draft(["h", "i", { paste: 1, text: "long" }]);
  killed.flush();
  // As after a crash: the file names a process that is gone.
  const [name = ""] = readdirSync(join(dir, "terminals"));
  const path = join(dir, "terminals", name);
  writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, "utf8")), started: "long ago" }));
  expect(openTerminalFile({ stateDir: dir }, place).left).toEqual({
    modes: ["bracketedPaste", "alternateScreen"],
    draft: ["h", "i", { paste: 1, text: "long" }],
  });
  expect(openTerminalFile({ stateDir: dir }, { ...place, cwd: "/other" }).left).toBeUndefined();
});

test("a terminal that still lives keeps its file, and one that ends in order leaves none", () => {
  const first = openTerminalFile({ stateDir: dir }, place);
  first.modes(["bracketedPaste"]);
  const second = openTerminalFile({ stateDir: dir }, place);
  expect(second.left).toBeUndefined();
  second.modes(["focusReports"]);
  second.close();
  expect(readdirSync(join(dir, "terminals"))).toHaveLength(1);
  first.close();
  expect(readdirSync(join(dir, "terminals"))).toEqual([]);
});

test("modes are undone newest first, once, and what nobody set is left alone", () => {
  let written = "";
  const modes = createTerminalModes({ write: (text) => (written += text) });
  modes.set("bracketedPaste", true);
  modes.set("bracketedPaste", true);
  modes.set("kittyKeyboard", true);
  expect(written).toBe("\x1b[?2004h\x1b[>1u");
  written = "";
  modes.restore();
  modes.restore();
  expect(written).toBe("\x1b[<u\x1b[?2004l");
  modes.reapply();
  expect(modes.active).toEqual(["bracketedPaste", "kittyKeyboard"]);
  expect(repairSequence(["bracketedPaste"])).toBe("\x1b[?25h\x1b[?2004l");
  expect(repairSequence(["no such mode" as never])).toBe("\x1b[?25h");
});

test("preferences say in sentences what is wrong in them, and the rest counts", async () => {
  expect(await loadPreferences({ configDir: dir })).toMatchObject({ keys: {}, problems: [] });
  const read = parsePreferences({
    colour: "red",
    theme: "purple",
    notifications: "yes",
    keys: { "prompt.newline": "Shift+Ctrl+N", "prompt.nothing": "f2", "run.all": 7 },
  });
  expect(read.keys).toEqual({ "prompt.newline": ["ctrl+shift+n"] });
  expect(read.problems).toHaveLength(5);
  expect(parsePreferences([]).problems).toHaveLength(1);
  expect(parsePreferences({ theme: { accent: "#ff0000" } }).theme?.name).toBe("own");
  mkdirSync(join(dir, "config"));
  writeFileSync(join(dir, "config", "terminal.jsonc"), '{ // mine\n "notifications": false, }');
  expect((await loadPreferences({ configDir: join(dir, "config") })).notifications).toBe(false);
  expect(existsSync(join(dir, "config"))).toBe(true);
});
