// Checks style.md's rules on layout: who may import whom, how long a file may be, which names are no names.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { expect, test } from "vitest";

const src = resolve(import.meta.dirname, "../../src");
const LINES_MAX = 300;

type Room = { rooms: readonly string[]; lazyRooms?: readonly string[]; packages: RegExp };
const SCREEN_TEXT = "marked|highlight\\.js|diff|fuzzysort|jsonc-parser|string-width";
/** What the files of one folder may import: other folders, and packages. */
const allowed: { [room: string]: Room } = {
  async: { rooms: [], packages: /^node:timers\/promises$/ },
  protocol: { rooms: [], packages: /^(zod|node:path|node:crypto)$/ },
  wire: { rooms: [], packages: /^node:stream$/ },
  client: { rooms: ["async", "protocol"], packages: /^(node:.+|eventsource-parser)$/ },
  // "Own" packages of the agent: anything but those of the daemon and of the screen.
  agent: {
    rooms: ["async", "protocol", "wire"],
    packages: /^(?!(better-sqlite3|ink|react)(\/|$))/,
  },
  server: {
    rooms: ["async", "protocol", "agent"],
    packages: /^(node:.+|zod|better-sqlite3|jsonc-parser)$/,
  },
  tui: {
    rooms: ["async", "protocol", "client"],
    packages: new RegExp(`^(node:.+|ink|chalk|react|jsonc-parser|(${SCREEN_TEXT})(/.+)?)$`),
  },
  acp: {
    rooms: ["async", "protocol", "client", "wire"],
    packages: /^(node:.+|@agentclientprotocol\/sdk(\/.+)?)$/,
  },
  cli: {
    rooms: ["async", "protocol", "client"],
    lazyRooms: ["tui", "server", "agent", "acp"],
    packages: /^(?!(better-sqlite3|ink|react)(\/|$))/,
  },
};

type Import = { file: string; target: string; isLazy: boolean };
const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter((path) => /\.tsx?$/.test(path));
const imports = files.flatMap(importsOf);

/** Without comments, so that an example in one is no import. Type imports count: they couple as well. */
function importsOf(file: string): Import[] {
  const text = readFileSync(join(src, file), "utf8").replace(/^\s*(\/\/|\*|\/\*).*$/gm, "");
  const fixed = text.matchAll(/^(?:import|export)\s(?:[\w$*{},\s]*\sfrom\s*)?["']([^"']+)["']/gm);
  const lazy = text.matchAll(/\bimport\(\s*["']([^"']+)["']\s*\)/g);
  return [
    ...[...fixed].map((match) => ({ file, target: match[1] ?? "", isLazy: false })),
    ...[...lazy].map((match) => ({ file, target: match[1] ?? "", isLazy: true })),
  ];
}

function roomOf(path: string): string {
  return path.split("/")[0] ?? "";
}

function isAllowed({ file, target, isLazy }: Import): boolean {
  const room = roomOf(file);
  const rule = allowed[room];
  if (rule === undefined) return false; // a new folder needs a rule here
  if (!target.startsWith(".")) return rule.packages.test(target);
  const there = roomOf(relative(src, resolve(dirname(join(src, file)), target)));
  return there === room || rule.rooms.includes(there) || (isLazy && (rule.lazyRooms ?? []).includes(there));
}

test("there are files and imports to check", () => {
  expect(files.length).toBeGreaterThan(10);
  expect(imports.length).toBeGreaterThan(files.length / 2);
});

test("every folder imports only what its room may", () => {
  const wrong = imports.filter((found) => !isAllowed(found));
  expect(wrong.map((found) => `${found.file} imports ${found.target}`)).toEqual([]);
});

test("the rule knows right from wrong", () => {
  const judge = (file: string, target: string, isLazy = false) => isAllowed({ file, target, isLazy });
  expect(judge("server/http.ts", "../agent/backend.ts")).toBe(true);
  expect(judge("cli/daemon/serve.ts", "../../server/main.ts", true)).toBe(true);
  expect(judge("cli/daemon/serve.ts", "../../server/main.ts")).toBe(false);
  expect(judge("agent/run.ts", "../server/main.ts", true)).toBe(false);
  expect(judge("agent/native/x.ts", "../../tui/main.tsx")).toBe(false);
  expect(judge("agent/run.ts", "better-sqlite3")).toBe(false);
  expect(judge("protocol/ids.ts", "node:fs")).toBe(false);
  expect(judge("async/wait.ts", "../protocol/ids.ts")).toBe(false);
  expect(judge("tui/main.tsx", "better-sqlite3")).toBe(false);
  expect(judge("elsewhere/x.ts", "zod")).toBe(false);
});

/** Who may use files synchronously, and why. Everything else may be waited for by a request or a key (decision 009). */
const synchronous: { [file: string]: string } = {
  "agent/checkpoint/restore.ts": "looks at a file and replaces it in one turn of the event loop",
  "agent/checkpoint/snapshot.ts": "looks at tens of thousands of files, in short turns of the event loop",
  "server/config/read-file.ts": "hearth's own configuration; a project's is read asynchronously",
  "server/daemon/file.ts": "start and end of the daemon",
  "server/daemon/daemon.ts": "end of the daemon",
  "server/daemon/listen-tcp.ts": "start of the daemon",
  "server/daemon/lock.ts": "start of the daemon",
  "server/daemon/socket.ts": "start and end of the daemon",
  "server/daemon/log.ts": "hearth's own folder, and a line must be written when the daemon ends",
  "server/daemon/private-folders.ts": "start of the daemon",
  "server/daemon/ready-pipe.ts": "start of the daemon",
  "server/store/lock.ts": "the store is synchronous",
  "server/store/open.ts": "the store is synchronous",
  "server/store/unwritable.ts": "the store is synchronous",
  "agent/children/descendants.ts": "/proc",
  "agent/process/descent.ts": "/proc",
  "agent/process/limit-mark.ts": "/proc",
  "agent/process/group-records.ts": "hearth's own folder: written before the child does anything",
  "agent/process/pipe-pool.ts": "hearth's own folder: a pipe is opened and its name removed at once",
  "agent/process/process-table.ts": "/proc",
  "agent/process/start-child.ts": "a descriptor is closed as soon as the child has it",
  "agent/process/supervisor.ts": "start of the daemon; a descriptor is closed as soon as the child has it",
  "agent/process/sweep-orphans.ts": "start of the daemon",
  "tui/local/edit-outside.ts": "the terminal is an editor's meanwhile",
  "tui/files/history-file.ts": "hearth's own folder",
  "tui/files/left-sessions.ts": "start of the terminal",
  "tui/files/read-own-file.ts": "hearth's own folder",
  "tui/files/save-theme.ts": "hearth's own folder",
  "tui/files/small-file.ts": "hearth's own folder: a terminal may be killed right behind it",
};

test("nobody uses files synchronously where a request or a key waits", () => {
  const using = files
    .filter((file) => ["server", "agent", "tui"].includes(roomOf(file)))
    .filter((file) => {
      const text = readFileSync(join(src, file), "utf8");
      return /import \{[^}]*Sync\b[^}]*\} from "node:fs"/.test(text);
    });
  expect(using.toSorted()).toEqual(Object.keys(synchronous).toSorted());
});

test(`a file longer than ${LINES_MAX} lines opens with the reason ("// Long because …")`, () => {
  const long = files.filter((file) => {
    const text = readFileSync(join(src, file), "utf8");
    return text.split("\n").length - 1 > LINES_MAX && !/^(\/\/|\/\*\*?) Long because /.test(text);
  });
  expect(long).toEqual([]);
});

test("no file or folder is named after nothing", () => {
  const vague = files.filter((file) => /(^|\/)(utils?|helpers?|common|misc|index)(\.tsx?$|\/)/.test(file));
  expect(vague).toEqual([]);
});

test("the environment of the tests does not say CI", () => {
  expect(process.env).not.toHaveProperty("CI");
});
