import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createFolderGate } from "../../src/agent/files/folder-gate.ts";
import { newId } from "../../src/client/repeatable-calls.ts";
import { resolvePaths } from "../../src/protocol/paths.ts";
import { createEnvironments } from "../../src/server/environments.ts";
import { openStore } from "../../src/server/store/open.ts";
import { createWorkspaceSettings } from "../../src/server/workspace-settings.ts";

function openFolder() {
  const base = mkdtempSync(join(tmpdir(), "hearth-trust-"));
  const root = join(base, "project");
  mkdirSync(root);
  const env = { HEARTH_HOME: join(base, "home") };
  const paths = resolvePaths({ env, platform: "linux", homeDir: base, tempDir: base, uid: 0 });
  mkdirSync(paths.configDir, { recursive: true });
  mkdirSync(paths.dataDir, { recursive: true });
  const store = openStore(paths.database);
  onTestFinished(() => {
    store.close();
    rmSync(base, { recursive: true });
  });
  const wid = newId("ws");
  store.transaction("relaxed", () => store.workspaces.insert(wid, root, "2026-01-01"));
  const environments = createEnvironments(paths.configFile, {}, () => false);
  const settings = createWorkspaceSettings({
    ...{ paths, store, environments, folders: createFolderGate(), now: () => new Date(0) },
  });
  return {
    wid,
    settings,
    write(path: string, content: unknown) {
      const file = join(root, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
    },
    async look() {
      await settings.refresh(wid);
      return settings.trust.of(wid);
    },
    running: () => settings.trust.trusted(wid).map(({ name }) => name),
  };
}

const hook = (command: string) => ({
  hooks: { PreToolUse: [{ matcher: "Bash", hooks: [{ type: "command", command }] }] },
});

test("what a project would start is shown verbatim, and nothing of it runs before it is trusted", async () => {
  const { write, look, running, settings, wid } = openFolder();
  expect(await look()).toBeUndefined();
  write(".hearth/hearth.jsonc", {
    mcp_servers: { files: { command: ["npx", "some server", "--root=."], env: { A: "b" } } },
    agents: { mine: { backend: "acp", command: ["./agent.sh", "acp"] } },
  });
  write(".mcp.json", { mcpServers: { docs: { type: "http", url: "https://docs.example.com/mcp" } } });
  write(".claude/settings.json", hook("./check.sh \u202e"));
  const trust = await look();
  expect(trust?.items.map(({ kind, name, source, text }) => [kind, name, source, text])).toEqual([
    ["mcp_server", "files", ".hearth/hearth.jsonc", "npx 'some server' --root=.\nA=b"],
    ["agent", "mine", ".hearth/hearth.jsonc", "./agent.sh acp"],
    ["mcp_server", "docs", ".mcp.json", "https://docs.example.com/mcp"],
    ["hook", "PreToolUse(Bash)", ".claude/settings.json", "./check.sh \\u{202e}"],
  ]);
  expect([trust?.is_trusted, running()]).toEqual([false, []]);
  expect(settings.of(wid).config.agents).toEqual({});
  expect(settings.trust.trust(wid, trust?.hash ?? "", "cli-1")).toMatchObject({ is_trusted: true });
  expect(running()).toEqual(["files", "mine", "docs", "PreToolUse(Bash)"]);
  await look();
  expect(settings.of(wid).config.agents?.["mine"]?.command).toEqual(["./agent.sh", "acp"]);
  settings.trust.revoke(wid);
  expect(running()).toEqual([]);
});

test("what changes is not trusted any more, also when only the program does; the rest stays", async () => {
  const { write, look, running, settings, wid } = openFolder();
  write("server.js", "one");
  write("check.sh", "one");
  write(".mcp.json", { mcpServers: { a: { command: "node", args: ["server.js"] }, b: { command: "b" } } });
  write(".claude/settings.json", hook('"$CLAUDE_PROJECT_DIR"/check.sh'));
  const first = await look();
  settings.trust.trust(wid, first?.hash ?? "", null);
  write("server.js", "two");
  const second = await look();
  expect(second?.hash).not.toBe(first?.hash);
  expect(running()).toEqual(["b", "PreToolUse(Bash)"]);
  expect(() => settings.trust.trust(wid, first?.hash ?? "", null)).toThrow(
    /is not that of what would run here now/,
  );
  write("check.sh", "two");
  write(".mcp.json", {
    mcpServers: { a: { command: "node", args: ["server.js"] }, b: { command: "b", args: ["-x"] } },
  });
  await look();
  expect(running()).toEqual([]);
});

test("a broken file is a warning, and the others count", async () => {
  const { write, look, settings, wid } = openFolder();
  write(".mcp.json", "{ broken");
  write(".claude/settings.local.json", "[]");
  write(".claude/settings.json", {
    hooks: { PreToolUse: [7, { hooks: [{ type: "command", command: "x" }] }], Odd: [] },
  });
  write(".hearth/hearth.jsonc", { mcp_servers: { none: {}, both: { command: ["x"], url: "https://x.y" } } });
  expect((await look())?.items.map(({ name }) => name)).toEqual(["PreToolUse"]);
  expect(settings.warnings(wid).map((text) => text.replace(/^.*project./, ""))).toEqual([
    '.hearth/hearth.jsonc: "mcp_servers.none" needs a command or a url; it is ignored.',
    '.hearth/hearth.jsonc: "mcp_servers.both" needs a command or a url; it is ignored.',
    ".mcp.json: this is not JSON. It is ignored.",
    ".claude/settings.local.json: this is not of the form that it must have. Its hooks are ignored.",
  ]);
});
