import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createFolderGate } from "../../src/agent/files/folder-gate.ts";
import { limitDefaults } from "../../src/protocol/config.ts";
import { HearthError } from "../../src/protocol/errors.ts";
import type { WorkspaceId } from "../../src/protocol/ids.ts";
import { type Paths, resolvePaths } from "../../src/protocol/paths.ts";
import { createEnvironments } from "../../src/server/environments.ts";
import { openStore } from "../../src/server/store/open.ts";
import { createWorkspaceSettings } from "../../src/server/workspace-settings.ts";
import { newId } from "../support/scripted-session.ts";

let home: string;
let paths: Paths;
let close: () => void;
let settings: ReturnType<typeof createWorkspaceSettings>;
let wid: WorkspaceId;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), "hearth-settings-"));
  const env = { HEARTH_HOME: home };
  paths = resolvePaths({ env, platform: "linux", homeDir: home, tempDir: home, uid: 0 });
  for (const dir of [paths.configDir, paths.dataDir, join(home, "project/.hearth")])
    mkdirSync(dir, { recursive: true });
  const store = openStore(paths.database);
  wid = newId("ws");
  store.transaction("relaxed", () => store.workspaces.insert(wid, join(home, "project"), "2026-01-01"));
  const environments = createEnvironments(paths.configFile, {}, () => false);
  settings = createWorkspaceSettings({
    paths,
    store,
    environments,
    folders: createFolderGate(),
    now: () => new Date(),
  });
  close = store.close;
});
afterEach(() => {
  close();
  rmSync(home, { recursive: true, force: true });
});
const write = (file: string, text: string) => writeFileSync(file, text);
const projectFile = () => join(dirname(paths.configDir), "project/.hearth/hearth.jsonc");

test("a workspace has its project's configuration on top of the user's, and the user's own is without any", async () => {
  write(paths.configFile, '{ "model": "a/b", "limits": { "max_warm": 2 } }');
  write(projectFile(), '{ "model": "c/d" }');
  await settings.refresh(wid);
  expect(settings.of(wid)).toMatchObject({ config: { model: "c/d" }, limits: { max_warm: 2 } });
  expect(settings.of(null).config.model).toBe("a/b");
});

test("what runs by itself goes on by the defaults while the configuration is broken", () => {
  write(paths.configFile, '{ "limits": { "max_warm": 2 ');
  expect(() => settings.of(null)).toThrow(HearthError);
  expect(settings.orDefaults(null)).toEqual({ config: {}, limits: limitDefaults });
  write(paths.configFile, '{ "limits": { "max_warm": 2 } }');
  expect(settings.orDefaults(null).limits.max_warm).toBe(2);
});
