import { chmodSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createFolderGate } from "../../src/agent/files/folder-gate.ts";
import { createProbes } from "../../src/agent/registry/probes.ts";
import {
  type Launch,
  resolveAgent as resolveIn,
  unusableError,
} from "../../src/agent/registry/resolve-agent.ts";
import { planOf } from "../../src/cli/agent-registry/install.ts";
import { parseRegistry } from "../../src/cli/agent-registry/registry.ts";
import { splitEnvironment } from "../../src/protocol/environment.ts";
import { HearthError } from "../../src/protocol/errors.ts";
import { noModes } from "../support/backend-plan.ts";
import { gateWithout } from "../support/hung-folders.ts";

/** A folder for PATH with one program in it. */
function programs(name: string, mode = 0o755): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "hearth-agents-")));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, name), "#!/bin/sh\n");
  chmodSync(join(folder, name), mode);
  return folder;
}
const client = (PATH: string, more: Record<string, string> = {}) =>
  splitEnvironment({ PATH, HOME: "/home/somebody", ...more }, new Set(["MY_KEY"]));
const resolveAgent = (
  name: string,
  config: Parameters<typeof resolveIn>[1],
  env: ReturnType<typeof client>,
  folders = createFolderGate(),
) => resolveIn(name, config, env, folders);

test("an agent on PATH is started by its absolute path, in a way that makes it ask", async () => {
  const bin = programs("goose");
  const found = await resolveAgent("goose", undefined, client(`relative:${bin}`, { GOOSE_MODE: "auto" }));
  expect(found).toMatchObject({ name: "goose", backend: "acp", unusable: null });
  expect(found?.launch?.command).toEqual([join(bin, "goose"), "acp"]);
  expect(found?.launch?.env).toMatchObject({ GOOSE_MODE: "approve", HOME: "/home/somebody" });
  expect(found?.launch?.modes.ask).toBe("approve");
});

test("a folder of PATH that does not respond is passed over, and named when the agent may be there", async () => {
  const bin = programs("goose");
  const hung = dirname(programs("goose"));
  const folders = gateWithout(hung);
  const found = await resolveAgent("goose", undefined, client(`${hung}:${bin}`), folders);
  expect(found?.launch?.command).toEqual([join(bin, "goose"), "acp"]);
  expect((await resolveAgent("codex", undefined, client(`${hung}:${bin}`), folders))?.unusable).toEqual({
    status: "error",
    reason: `its command codex-acp was not found, and the folder ${hung} does not respond`,
    fix: `connect ${hung} again, or take it off PATH`,
  });
  const there = { command: [join(hung, "goose")] };
  expect((await resolveAgent("mine", there, client(bin), folders))?.unusable?.fix).toBe(
    `connect ${hung} again, or take it off PATH`,
  );
});

test("what the configuration says of an agent counts more than what is known of it", async () => {
  const bin = programs("mine");
  const config = { command: [join(bin, "mine"), "--acp"], env: { GOOSE_MODE: "smart_approve" }, model: "m" };
  const found = await resolveAgent("goose", config, client("/nowhere"));
  expect(found?.launch).toMatchObject({ command: [join(bin, "mine"), "--acp"], model: "m" });
  expect(found?.launch?.env["GOOSE_MODE"]).toBe("smart_approve");
  expect(found?.launch?.modes.ask).toBe("smart_approve");
});

test("each of hearth's modes has one of codex's own, also under another name", async () => {
  const bin = programs("codex-acp");
  const modes = { ask: "read-only", accept_edits: "read-only", plan: "read-only", yolo: "workspace-write" };
  expect((await resolveAgent("codex", undefined, client(bin)))?.launch?.modes).toEqual(modes);
  const mine = { command: [join(bin, "codex-acp")] };
  expect((await resolveAgent("mine", mine, client("/nowhere")))?.launch?.modes).toEqual(modes);
});

test("every state that is not ready names its reason and the fix", async () => {
  const bin = programs("goose", 0o644);
  const state = async (name: string, config?: Parameters<typeof resolveAgent>[1]) =>
    (await resolveAgent(name, config, client(bin)))?.unusable;
  expect(await state("goose")).toEqual({
    status: "not_installed",
    reason: "its command goose is not on PATH",
    fix: `npm install -g @aaif/goose-binary-${process.platform}-${process.arch}`,
  });
  expect(await state("goose", { enabled: false })).toMatchObject({
    status: "disabled",
    fix: "set agents.goose.enabled to true in hearth.jsonc",
  });
  expect(await state("goose", { command: ["/nowhere/goose"] })).toMatchObject({
    status: "not_installed",
    fix: "name it by its absolute path as agents.goose.command in hearth.jsonc",
  });
  expect(await state("mine", {})).toMatchObject({ status: "error", reason: "agents.mine has no command" });
  expect(await state("mine", { backend: "native" })).toMatchObject({ status: "error" });
  expect(await state("mine", { command: ["sh"], env: { A: "env:MY_KEY" } })).toMatchObject({
    status: "needs_login",
    fix: "export MY_KEY=…",
  });
  expect(await resolveAgent("mine", undefined, client(bin))).toBeNull();
  expect(await resolveAgent("constructor", undefined, client(bin))).toBeNull();
  expect(unusableError("goose", { status: "error", reason: "it is broken", fix: "mend it" }).message).toBe(
    "goose cannot be used: it is broken. To fix it: mend it.",
  );
});

test("the login command names the program as it is called here", async () => {
  const installed = `goose-binary-${process.platform}-${process.arch}`;
  const bin = programs(installed);
  const found = (await resolveAgent("goose", undefined, client(bin)))?.launch;
  expect(found).toMatchObject({ command: [join(bin, installed), "acp"], login: `${installed} configure` });
  const loginOf = async (name: string, file: string, command?: [string, ...string[]]) =>
    (await resolveAgent(name, command && { command }, client(programs(file))))?.launch?.login;
  expect(await loginOf("goose", "goose")).toBe("goose configure");
  expect(await loginOf("claude", "claude-agent-acp")).toBe("claude-agent-acp --cli auth login");
  expect(await loginOf("codex", "codex-acp")).toBe("codex-acp cli login");
  expect(await loginOf("qwen", "qwen")).toBe("qwen -i /auth");
  const own = join(bin, installed);
  expect(await loginOf("goose", "goose", [own, "acp"])).toBe(`${own} configure`);
  expect(await loginOf("gemini", "node", ["node", "gemini.js"])).toBe("gemini -i /auth");
  expect(await loginOf("mine", "mine", ["mine"])).toBe("hearth agents login mine");
});

test("an agent gets its own variables, and hearth's keys only where the configuration names them", async () => {
  const bin = programs("goose");
  const keys = {
    ANTHROPIC_API_KEY: "sk-1",
    OPENAI_API_KEY: "sk-2",
    MY_KEY: "sk-3",
    GOOSE_PROVIDER: "openai",
    CLAUDE_CODE_OAUTH_TOKEN: "claude's own",
    AWS_SECRET_ACCESS_KEY: "nobody's",
  };
  const goose = (await resolveAgent("goose", undefined, client(bin, keys)))?.launch?.env ?? {};
  expect(Object.keys(goose).sort()).toEqual(["GOOSE_MODE", "GOOSE_PROVIDER", "HOME", "PATH"]);
  const config = { env: { OPENAI_API_KEY: "env:OPENAI_API_KEY", ITS_KEY: "env:MY_KEY" } };
  const given = (await resolveAgent("goose", config, client(bin, keys)))?.launch?.env ?? {};
  expect(given).toMatchObject({ OPENAI_API_KEY: "sk-2", ITS_KEY: "sk-3" });
  expect(given).not.toHaveProperty("ANTHROPIC_API_KEY");
});

const launch = (more: Partial<Launch> = {}): Launch => ({
  ...{ agent: "goose", backend: "acp", command: ["/bin/goose"], env: { A: "1" }, modes: noModes },
  ...{ model: null, login: "goose configure", mtimeMs: 1, ...more },
});
const facts = { version: "1", model: "m", models: [], modes: [], commands: [] };

test("a probe is remembered until program or environment change, and two at once are one", async () => {
  let asked = 0;
  const probes = createProbes({
    async ask() {
      asked += 1;
      return { ...facts, version: String(asked) };
    },
  });
  const [first, second] = await Promise.all([probes.probe(launch(), "/"), probes.probe(launch(), "/")]);
  expect(first).toBe(second);
  expect(asked).toBe(1);
  expect(probes.known(launch())?.facts?.version).toBe("1");
  expect(probes.known(launch({ mtimeMs: 2 }))).toBeUndefined();
  expect(probes.known(launch({ env: { A: "2" } }))).toBeUndefined();
  probes.update(launch(), { model: "another" });
  expect(probes.known(launch())?.facts).toMatchObject({ version: "1", model: "another" });
  await probes.close();
});

test("an agent that wants a login says how, and one that fails says why", async () => {
  const failures = [
    new HearthError("provider_auth", "goose is not logged in."),
    new HearthError("agent_unavailable", "goose exited with code 1 before it was ready."),
    new HearthError("agent_unavailable", "goose is too old. To fix it: get a new one.", {
      details: { reason: "goose is too old; it last said:\n\n  Usage: goose", fix: "get a new one" },
    }),
    new HearthError("provider_auth", "mine wants a login."),
  ];
  const probes = createProbes({ ask: () => Promise.reject(failures.shift()) });
  expect((await probes.probe(launch(), "/")).trouble).toEqual({
    status: "needs_login",
    reason: "goose is not logged in",
    fix: "goose configure",
  });
  expect((await probes.probe(launch(), "/")).trouble).toEqual({
    status: "error",
    reason: "goose exited with code 1 before it was ready",
    fix: "hearth agents probe goose",
  });
  expect((await probes.probe(launch(), "/")).trouble).toEqual({
    status: "error",
    reason: "goose is too old; it last said: Usage: goose",
    fix: "get a new one",
  });
  expect((await probes.probe(launch({ login: null }), "/")).trouble).toMatchObject({
    status: "needs_login",
    fix: "log in with its own program, then: hearth agents probe goose",
  });
  await probes.close();
});

test("an agent that its provider rejects in a turn needs a login until a turn or a probe works again", async () => {
  const probes = createProbes({ ask: async () => facts });
  await probes.probe(launch(), "/");
  expect(probes.setLoginFailure(launch(), null)).toBe(false);
  expect(probes.setLoginFailure(launch(), "its key was refused.")).toBe(true);
  expect(probes.setLoginFailure(launch(), "its key was refused.")).toBe(false);
  const refused = { status: "needs_login", reason: "its key was refused", fix: "goose configure" };
  expect(probes.known(launch())).toMatchObject({ facts: { version: "1" }, trouble: refused });
  // What it says of itself meanwhile changes nothing of that.
  probes.update(launch(), { model: "another" });
  expect(probes.known(launch())?.trouble).toEqual(refused);
  expect(probes.setLoginFailure(launch(), null)).toBe(true);
  expect(probes.known(launch())?.trouble).toBeNull();
  probes.setLoginFailure(launch(), "again");
  await probes.probe(launch(), "/");
  expect(probes.known(launch())?.trouble).toBeNull();
  await probes.close();
});

test("hearth's own entry for the public registry is one, and is of this version", () => {
  const read = (path: string) => readFileSync(resolve(import.meta.dirname, "../..", path));
  const entry = JSON.parse(read("registry/agent.json").toString()) as { version: string };
  const { name, version, license } = JSON.parse(read("package.json").toString()) as Record<string, string>;
  const [parsed] = parseRegistry(Buffer.from(JSON.stringify({ agents: [entry] })));
  expect(entry).toMatchObject({ id: "hearth", version, license });
  expect(parsed && planOf(parsed, "linux-x86_64").command).toEqual([
    "npx",
    "-y",
    `${name}@${version}`,
    "acp",
  ]);
});
