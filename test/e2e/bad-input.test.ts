// Issue "Bad input": every mistake of a person gets one clear sentence that names it and what to do, and nothing is lost.
import { spawnSync } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { type CliResult, runHearth } from "../support/cli.ts";
import { openCliWorld, openWarmCliWorld } from "../support/cli-world.ts";
import { startDaemon } from "../support/daemon.ts";
import { createGate } from "../support/happenings.ts";
import { CANARY_KEY, launcher, localConfig } from "../support/home.ts";
import { refuse, say } from "../support/model-server.ts";

/** One sentence on stderr, no stack, nothing on stdout. */
function expectOneSentence(result: CliResult, ...says: (string | RegExp)[]): void {
  const lines = result.stderr.trimEnd().split("\n");
  expect(lines, result.stderr).toHaveLength(1);
  expect(result.stderr).not.toMatch(/\n\s+at |broken|undefined|\[object/);
  expect(result.stderr).not.toContain(CANARY_KEY);
  for (const expected of says)
    expect(result.stderr).toMatch(expected instanceof RegExp ? expected : new RegExp(escaped(expected)));
}
const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

test("no key: the variable that should have it is named", async () => {
  const { home, model } = await openWarmCliWorld();
  const result = await runHearth(home, ["run", "hello"], { env: { LOCAL_KEY: undefined } });
  expect(result.code).toBe(3);
  expectOneSentence(result, "LOCAL_KEY");
  expect(model.requests).toEqual([]);
  // The key that comes with the next client is used, without a restart.
  expect((await runHearth(home, ["run", "hello"])).code).toBe(0);
});

test("a wrong key: the provider, its answer and where the key came from are named, and the key is not", async () => {
  const { home, model } = await openWarmCliWorld();
  model.requireKey("another");
  const result = await runHearth(home, ["run", "hello"]);
  expect(result.code).toBe(3);
  expectOneSentence(result, "local", "Incorrect API key", "LOCAL_KEY");
  model.requireKey(CANARY_KEY);
  expect((await runHearth(home, ["run", "--continue", "again"])).code).toBe(0);
});

test("a provider that cannot be reached: its address and the setting are named", async () => {
  const { home, model } = await openWarmCliWorld((url) => ({
    ...localConfig(url),
    limits: { max_retries: 0 },
  }));
  await model.close();
  const result = await runHearth(home, ["run", "hello"]);
  expect(result.code).toBe(1);
  expectOneSentence(result, model.baseUrl, /refused|reached/);
});

test("an unknown model or agent: what was asked for and what there is are named", async () => {
  const { home, model } = await openWarmCliWorld();
  const agent = await runHearth(home, ["run", "--agent", "claud", "hello"]);
  expect(agent.code).toBe(3);
  expectOneSentence(agent, "claud", "hearth");
  const provider = await runHearth(home, ["run", "--model", "locl/big", "hello"]);
  expect(provider.code).toBe(3);
  expectOneSentence(provider, "locl", "local");
  model.enqueue(refuse(404, "The model `gone` does not exist or you do not have access to it."));
  const gone = await runHearth(home, ["run", "--model", "local/gone", "hello"]);
  expect(gone.code).toBe(3);
  expectOneSentence(gone, "gone");
});

test.each([
  ["no JSON at all", '{\n  "model": "local/big",\n  oops\n}', /:3|line 3/],
  ["a wrong type", '{\n  "model": 7\n}', /model/],
  ["a wrong value", '{\n  "permissions": {\n    "mode": "root"\n  }\n}', /permissions\.mode|mode/],
  [
    "a wrong provider",
    '{\n  "providers": {\n    "local": { "type": "telepathy" }\n  }\n}',
    /telepathy|providers\.local\.type/,
  ],
])("a broken config (%s): file, line and key are named, and mending it is enough", async (_, text, says) => {
  const { home, model } = await openWarmCliWorld(() => text);
  const result = await runHearth(home, ["run", "hello"]);
  expect(result.code).not.toBe(0);
  expectOneSentence(result, join(home.dir, "config", "hearth.jsonc"), /:\d+/, says);
  home.config(localConfig(model.baseUrl));
  expect((await runHearth(home, ["run", "hello"])).code).toBe(0);
});

test("an unknown key in the config is a warning, and no error", async () => {
  const { home } = await openWarmCliWorld((url) => JSON.stringify({ ...localConfig(url), modle: "x" }));
  expect((await runHearth(home, ["run", "hello"])).code).toBe(0);
  const show = await runHearth(home, ["config", "show"]);
  expect(`${show.stdout}${show.stderr}`).toContain("modle");
});

test("a directory that is gone: the shell's own, and one that was named", async () => {
  const { home } = await openWarmCliWorld();
  await runHearth(home, ["run", "hello"]);
  const gone = home.folder("gone");
  const script = 'cd "$1" && rmdir "$1" && exec "$2" "$3" run hello';
  const found = spawnSync("/bin/sh", ["-c", script, "sh", gone, process.execPath, launcher], {
    env: home.env,
    encoding: "utf8",
    timeout: 120_000,
  });
  expect(found.status).toBe(2);
  expect(found.stderr.trim().split("\n")).toHaveLength(1);
  expect(found.stderr).toMatch(/director/);
});

test.skipIf(process.getuid?.() === 0)(
  "a store that is read-only: said in one sentence, nothing is lost, and it recovers",
  async () => {
    const { home } = await openCliWorld();
    await runHearth(home, ["run", "hello"]);
    await runHearth(home, ["daemon", "stop"]);
    chmodSync(join(home.dir, "data"), 0o500);
    chmodSync(home.database, 0o400);
    const result = await runHearth(home, ["run", "hello"]);
    expect(result.code).not.toBe(0);
    expectOneSentence(result, home.database);
    chmodSync(join(home.dir, "data"), 0o700);
    chmodSync(home.database, 0o600);
    expect((await runHearth(home, ["run", "--continue", "hello"])).code).toBe(0);
  },
);

test("a store that another program holds: prompts are refused with 507 and taken again when it lets go", async () => {
  const { home, model } = await openCliWorld();
  const daemon = await startDaemon(home);
  const api = daemon.api("only");
  const { workspace } = await api.expect<{ workspace: { id: string } }>(201, "POST", "/v1/workspaces", {
    body: { path: home.project, env: home.env },
  });
  const { session } = await api.expect<{ session: { id: string } }>(
    201,
    "POST",
    `/v1/workspaces/${workspace.id}/sessions`,
    {
      body: {},
    },
  );
  const prompt = () =>
    api.call("POST", `/v1/workspaces/${workspace.id}/agent`, {
      body: { session_id: session.id, prompt: "hello" },
    });
  const holder = new Database(home.database);
  holder.exec("BEGIN IMMEDIATE");
  const refused = await prompt();
  expect([refused.status, refused.json]).toMatchObject([507, { error: { code: "store_unavailable" } }]);
  expect((refused.json as { error: { message: string } }).error.message).toContain(home.database);
  expect((await api.call("GET", "/v1/health")).status).toBe(200);
  holder.exec("ROLLBACK");
  holder.close();
  expect((await prompt()).status).toBe(202);
  await model.request(0);
  expect(model.requests).toHaveLength(1);
});

test("a store that is taken away in the middle of a run ends the run as an error, and the next one works", async () => {
  const { home, model } = await openCliWorld();
  const daemon = await startDaemon(home);
  const api = daemon.api("only");
  const { workspace } = await api.expect<{ workspace: { id: string } }>(201, "POST", "/v1/workspaces", {
    body: { path: home.project, env: home.env },
  });
  const path = `/v1/workspaces/${workspace.id}`;
  const { session } = await api.expect<{ session: { id: string } }>(201, "POST", `${path}/sessions`, {
    body: {},
  });
  const events = await daemon.events(workspace.id, "only");
  const prompt = () =>
    api.expect<{ run_id: string }>(202, "POST", `${path}/agent`, {
      body: { session_id: session.id, prompt: "hello" },
    });
  const gate = createGate();
  model.enqueue(say("one ", { until: gate.passed }, "two"));
  const first = await prompt();
  await events.until("part.delta");
  const holder = new Database(home.database);
  holder.exec("BEGIN IMMEDIATE");
  gate.open();
  await model.request(0).then((request) => request.closed);
  holder.exec("ROLLBACK");
  holder.close();
  const end = await events.until("run.completed", (event) => event.payload.run_id === first.run_id);
  expect(["end_turn", "error"]).toContain(end.payload.outcome);
  const second = await prompt();
  const next = await events.until("run.completed", (event) => event.payload.run_id === second.run_id);
  expect(next.payload.outcome).toBe("end_turn");
  events.drop();
});

test.each(["20.11.1", "22.18.0", "18.0.0"])(
  "an old Node (%s) is told what is needed in one line, before anything is loaded",
  async (version) => {
    const { home } = await openCliWorld();
    const pretend = join(home.folder("pretend"), "old.cjs");
    const lines = [
      `Object.defineProperty(process, "versions", { value: { ...process.versions, node: "${version}" } });`,
      `Object.defineProperty(process, "version", { value: "v${version}" });`,
      "const load = module.constructor._load;",
      'module.constructor._load = (name, ...rest) => { process.stderr.write("LOADED " + name); return load(name, ...rest); };',
    ];
    writeFileSync(pretend, lines.join("\n"));
    for (const args of [["run", "hello"], ["--version"], []]) {
      const result = spawnSync(process.execPath, ["--require", pretend, launcher, ...args], {
        env: home.env,
        encoding: "utf8",
        timeout: 120_000,
      });
      expect(result.status).toBe(1);
      expect(result.stdout).toBe("");
      const said = result.stderr.replace(/^LOADED \S*bin\/hearth/, "");
      expect(said.trim().split("\n")).toHaveLength(1);
      expect(said).toMatch(new RegExp(`22\\.19.*${version.replaceAll(".", "\\.")}`));
      expect(said).not.toContain("LOADED");
    }
  },
);

test("a client that talks nonsense to the socket is answered and dropped, and the daemon stays", async () => {
  const { home } = await openCliWorld();
  const daemon = await startDaemon(home);
  for (const bytes of [
    "hello\r\n\r\n",
    "GET / HTTP/9.9\r\n\r\n",
    "\0\0\0\0",
    `GET /${"x".repeat(70_000)} HTTP/1.1\r\n\r\n`,
  ]) {
    const socket = connect(daemon.socket);
    let answer = "";
    socket.on("data", (chunk) => (answer += String(chunk)));
    socket.on("error", () => {});
    socket.write(bytes);
    await new Promise((resolve) => socket.once("close", resolve));
    expect(answer).toMatch(/^HTTP\/1\.1 4\d\d/);
  }
  expect((await daemon.api().call("GET", "/v1/health")).status).toBe(200);
});

test("a HEARTH_HOME that cannot be made is named", async () => {
  const { home } = await openCliWorld();
  const file = home.write("a-file", "x");
  const result = await runHearth(home, ["run", "hello"], { env: { HEARTH_HOME: join(file, "home") } });
  expect(result.code).not.toBe(0);
  expectOneSentence(result, "a-file");
  // Nothing can be made there, and Node's own way to make a folder with its parents never ends.
  const proc = await runHearth(home, ["run", "hello"], { env: { HEARTH_HOME: "/proc/none" } });
  expect(proc.code).toBe(5);
  expectOneSentence(proc, "/proc/none");
});
