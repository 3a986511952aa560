import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HearthError } from "../../src/protocol/errors.ts";
import { resolvePaths } from "../../src/protocol/paths.ts";
import { createConfigLoader, projectConfigFile } from "../../src/server/config/load.ts";

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "hearth-config-"));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const place = () => ({
  paths: resolvePaths({
    env: { HEARTH_HOME: home },
    platform: "linux",
    homeDir: home,
    tempDir: home,
    uid: 0,
  }),
  root: join(home, "project"),
});

function write(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
const writeUser = (text: string) => write(place().paths.configFile, text);
const writeProject = (text: string) => write(projectConfigFile(place().root), text);
const load = () => createConfigLoader()(place());

function mistake(): string {
  try {
    load();
  } catch (error) {
    if (error instanceof HearthError && error.code === "config_invalid")
      return error.message.replace(home, "");
    throw error;
  }
  return "no mistake";
}

const told = () => load().warnings.map((warning) => warning.replace(home, ""));

test("without any file everything has its default", () => {
  const { config, limits, warnings, sources } = load();
  expect(config).toEqual({});
  expect(limits.max_steps).toBe(100);
  expect(warnings).toEqual([]);
  expect(sources.map(({ exists }) => exists)).toEqual([false, false]);
});

test("comments, trailing commas, a byte order mark and an empty file are fine", () => {
  writeUser('\uFEFF{\n  // mine\n  "model": "local/big", /* this */\n  "limits": { "max_steps": 7, },\n}\n');
  expect(load()).toMatchObject({ config: { model: "local/big" }, limits: { max_steps: 7, max_warm: 6 } });
  writeUser("// nothing yet\n");
  expect(load().config).toEqual({});
});

test.each([
  ['{\n  "model": "a/b"\n  "agent": "x"\n}', ":3:3: a comma is missing before this."],
  ['{ "model": }', ":1:12: a value is missing here."],
  ['{ "limits": { "max_steps": "many" } }', ':1:28: "limits.max_steps" must be a number.'],
  ['{ "limits": { "max_steps": 1.5 } }', ':1:28: "limits.max_steps" must be a whole number.'],
  ['{ "limits": { "max_steps": 0 } }', ':1:28: "limits.max_steps" must be 1 or more.'],
  [
    '{\n "permissions": { "mode": "wild" } }',
    ':2:27: "permissions.mode" must be "ask", "accept_edits", "plan" or "yolo".',
  ],
  [
    '{ "providers": { "a": { } } }',
    ':1:23: "providers.a.type" is missing; it must be "openai-compatible", "openai", "anthropic" or "google".',
  ],
  [
    '{ "providers": { "a": { "type": "openai", "base_url": "here" } } }',
    ':1:55: "providers.a.base_url" must be an address such as http://127.0.0.1:8080/v1.',
  ],
  ['{ "agents": { "a": { "command": [] } } }', ':1:33: "agents.a.command" must not be empty.'],
  ['["model"]', ":1:1: the configuration must be an object: { … }."],
  ['{ "permissions": { "allow": ["edit", "bash(npm"] } }', /:1:38: "permissions.allow": .*bash\(npm.*\.$/],
])("a mistake names file, line, column and key: %s", (text, expected) => {
  writeUser(text);
  const found = mistake();
  const [file, rest] = [
    found.slice(0, "/config/hearth.jsonc".length),
    found.slice("/config/hearth.jsonc".length),
  ];
  expect(file).toBe("/config/hearth.jsonc");
  if (typeof expected === "string") expect(rest).toBe(expected);
  else expect(rest).toMatch(expected);
});

test("an unknown key is a warning that says what was probably meant", () => {
  writeUser(
    '{\n  "$schema": "x",\n  "modle": "a/b",\n  "limits": { "max_stpes": 3, "weather": 1 },\n  "model": "a/c", "model": "a/d" }',
  );
  const { config, warnings } = load();
  expect(config).toEqual({ model: "a/d", limits: {} });
  const file = place().paths.configFile;
  expect(warnings).toEqual([
    `${file}:3:3: unknown key "modle"; did you mean "model"? It is ignored.`,
    `${file}:4:15: unknown key "limits.max_stpes"; did you mean "max_steps"? It is ignored.`,
    `${file}:4:31: unknown key "limits.weather"; it is ignored.`,
    `${file}:5:19: "model" is given twice; the last one counts.`,
  ]);
});

test("names that a person chooses are never unknown keys", () => {
  writeUser(
    '{ "agents": { "mine": { "env": { "ANYTHING": "1" } } }, "providers": { "mine": { "type": "openai", "headers": { "X-Any": "1" } } } }',
  );
  expect(load().warnings).toEqual([]);
});

test("a project chooses and narrows, and nothing else", () => {
  writeUser(
    JSON.stringify({
      model: "local/big",
      providers: {
        local: {
          type: "openai-compatible",
          base_url: "http://mine/v1",
          api_key: "env:MINE",
          models: { big: {} },
        },
      },
      agents: { goose: { command: ["goose", "acp"] }, off: { enabled: false } },
      permissions: { mode: "accept_edits", allow: ["bash(npm test)"], deny: ["bash(curl *)"] },
      limits: { max_steps: 50 },
    }),
  );
  writeProject(
    JSON.stringify({
      model: "local/small",
      providers: {
        local: {
          type: "openai-compatible",
          base_url: "http://theirs/v1",
          headers: { a: "b" },
          models: { small: { context_window: 5 } },
        },
        evil: { type: "openai-compatible", base_url: "http://theirs/v1", api_key: "env:MINE" },
      },
      agents: {
        goose: { command: ["sh", "-c", "x"], model: "m" },
        off: { enabled: true },
        own: { command: ["x"] },
      },
      mcp_servers: { theirs: { command: ["x"] } },
      permissions: { mode: "plan", allow: ["bash"], ask: ["edit"], deny: ["fetch"] },
      limits: { max_steps: 500, max_retries: 1 },
    }),
  );
  const { config, limits, offered, warnings } = load();
  // What would run waits for a person's trust.
  expect(offered).toEqual({
    mcp_servers: { theirs: { command: ["x"] } },
    agents: { own: { command: ["x"] } },
  });
  expect(config).toEqual({
    model: "local/small",
    providers: {
      local: {
        type: "openai-compatible",
        base_url: "http://mine/v1",
        api_key: "env:MINE",
        models: { big: {}, small: { context_window: 5 } },
      },
      evil: { type: "openai-compatible" },
    },
    agents: { goose: { command: ["goose", "acp"], model: "m" }, off: { enabled: false } },
    permissions: { mode: "plan", allow: ["bash(npm test)"], ask: ["edit"], deny: ["bash(curl *)", "fetch"] },
    limits: { max_steps: 50, max_retries: 1 },
  });
  expect(limits).toMatchObject({ max_steps: 50, max_retries: 1, max_warm: 6 });
  const named = warnings.flatMap((warning) => /"([^"]+)" is ignored/.exec(warning)?.[1] ?? []);
  expect(named.toSorted()).toEqual([
    "agents.goose.command",
    "agents.off.enabled",
    "limits.max_steps",
    "permissions.allow",
    "providers.evil.api_key",
    "providers.evil.base_url",
    "providers.local.base_url",
    "providers.local.headers",
  ]);
});

test.each([
  [undefined, "accept_edits", undefined],
  [undefined, "plan", "plan"],
  ["yolo", "ask", "ask"],
  ["plan", "ask", "plan"],
] as const)("with the user's mode %s a project's %s becomes %s", (user, project, expected) => {
  writeUser(JSON.stringify({ permissions: user === undefined ? {} : { mode: user } }));
  writeProject(JSON.stringify({ permissions: { mode: project } }));
  expect(load().config.permissions?.mode).toBe(expected);
});

test("a file that did not change is not read again, one that did is", () => {
  const loader = createConfigLoader();
  writeUser('{ "model": "a/b" }');
  const first = loader(place()).config;
  expect(loader(place()).config).toBe(first);
  // Same size, and a time that a coarse clock could have given twice.
  const at = new Date(1_700_000_000_000);
  utimesSync(place().paths.configFile, at, at);
  loader(place());
  writeUser('{ "model": "a/c" }');
  utimesSync(place().paths.configFile, at, at);
  expect(loader(place()).config.model).toBe("a/c");
  rmSync(place().paths.configFile);
  expect(loader(place()).config).toEqual({});
});

test("a project may switch the provider's search off, not on", () => {
  writeProject('{ "tools": { "search": "provider" } }');
  expect(load().config.tools).toBeUndefined();
  expect(told()).toEqual([expect.stringMatching(/"tools.search" is ignored: a project may only say "off"/)]);
  writeUser('{ "tools": { "search": "provider" } }');
  writeProject('{ "tools": { "search": "off" } }');
  expect(load().config.tools).toEqual({ search: "off" });
});

test("a mistake that is mended is gone at the next look", () => {
  const loader = createConfigLoader();
  writeUser("{");
  expect(() => loader(place())).toThrow(/is not closed/);
  writeUser("{}");
  expect(loader(place()).config).toEqual({});
});

test("what a repository puts in the file's place keeps nobody waiting", () => {
  mkdirSync(join(place().root, ".hearth"), { recursive: true });
  execFileSync("mkfifo", [projectConfigFile(place().root)]);
  expect(told()).toEqual([
    "The configuration /project/.hearth/hearth.jsonc is not a regular file. It is ignored.",
  ]);
  rmSync(projectConfigFile(place().root));
  writeProject(" ".repeat(1024 * 1024 + 1));
  expect(told()).toEqual([
    "The configuration /project/.hearth/hearth.jsonc is larger than 1024 KiB. It is ignored.",
  ]);
});

test("no key reaches a prototype", () => {
  writeUser('{ "__proto__": { "model": "x/y" }, "providers": { "__proto__": { "type": "openai" } } }');
  const { config } = load();
  expect(config.model).toBeUndefined();
  expect(config.providers?.["type"]).toBeUndefined();
});

test("a mistake in a project's file is a warning, and what the rest of it narrows still counts", () => {
  writeUser('{ "model": "local/big", "permissions": { "mode": "accept_edits" } }');
  writeProject(
    JSON.stringify({
      model: 5,
      limits: { max_steps: "many", max_warm: 2 },
      providers: { other: { base_url: "http://x/v1" }, local: { type: "openai" } },
      permissions: { mode: "plan", deny: ["bash(curl *)", "bash("], ask: "all" },
    }),
  );
  const { config, limits } = load();
  expect(config.model).toBe("local/big");
  expect([limits.max_steps, limits.max_warm]).toEqual([100, 2]);
  expect(config.permissions).toMatchObject({ mode: "plan", deny: ["bash(curl *)"], ask: [] });
  expect(Object.keys(config.providers ?? {})).toEqual(["local"]);
  const warnings = told();
  expect(warnings).toHaveLength(5);
  for (const key of [
    "model",
    "limits.max_steps",
    "providers.other.type",
    "permissions.ask",
    "permissions.deny",
  ])
    expect(
      warnings.filter((warning) => warning.includes(`"${key}"`) && warning.endsWith("It is ignored.")),
    ).toHaveLength(1);
});

test.for(["{", "nonsense", '{ "permissions": { "mode": "plan" ', "[]", '"text"', '{ "a": }'])(
  "a project's file that is no configuration is a warning: %s",
  (text) => {
    writeUser('{ "model": "local/big" }');
    writeProject(text);
    expect(load().config.model).toBe("local/big");
    expect(told()[0]).toMatch(/^\/project\/\.hearth\/hearth\.jsonc:\d+:\d+: .* It is ignored\.$/);
    expect(load().config.permissions?.mode).toBe(text.includes("plan") ? "plan" : undefined);
  },
);
