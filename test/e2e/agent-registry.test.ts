// `hearth agents add` and its neighbours, against a registry and an archive that a server on this machine gives.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { installArchive, planOf, platformHere } from "../../src/cli/agent-registry/install.ts";
import { type Entry, entryOf, parseRegistry, readRegistry } from "../../src/cli/agent-registry/registry.ts";
import { sentenceOf } from "../../src/cli/exit.ts";
import { runHearth } from "../support/cli.ts";
import { openWarmCliWorld } from "../support/cli-world.ts";
import type { Home } from "../support/home.ts";

/** An agent that knows three requests of the protocol. */
const agent = `#!/usr/bin/env node
require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  const say = (message) => console.log(JSON.stringify({ jsonrpc: "2.0", ...message }));
  if (method === "session/prompt")
    say({ method: "session/update", params: { sessionId: params.sessionId, update: {
      sessionUpdate: "agent_message_chunk", content: { type: "text", text: "Hello from " + process.env.WHO } } } });
  if (id !== undefined)
    say({ id, result: { initialize: { protocolVersion: 1, agentCapabilities: {} }, "session/new": { sessionId: "s" },
      "session/prompt": { stopReason: "end_turn" } }[method] ?? {} });
});
`;

type Served = { [path: string]: string | Buffer | { to: string } };

async function serve(files: Served): Promise<string> {
  const server = createServer(({ url = "" }, reply) => {
    const found = files[url];
    if (found === undefined) reply.writeHead(404).end();
    else if (typeof found === "string" || Buffer.isBuffer(found)) reply.end(found);
    else reply.writeHead(302, { location: found.to }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

function archiveOf(home: Home, name: string, change: (folder: string) => void = () => {}): Buffer {
  const folder = home.folder(name);
  mkdirSync(join(folder, "bin"));
  writeFileSync(join(folder, "bin/agent"), agent);
  chmodSync(join(folder, "bin/agent"), 0o755);
  change(folder);
  return execFileSync("tar", ["-czf", "-", "-C", folder, "."]);
}

const entry = (more: Partial<Entry>): Entry => ({
  ...{ id: "tiny", name: "Tiny", version: "1.2.3", description: "A tiny agent", distribution: {} },
  ...more,
});

test("an agent of the registry is shown, added at its version, run, updated and removed", async () => {
  const { home } = await openWarmCliWorld();
  const files: Served = {};
  const base = await serve(files);
  const archive = archiveOf(home, "good");
  const sha256 = createHash("sha256").update(archive).digest("hex");
  const publish = (version: string, hash = sha256) => {
    const binary = {
      archive: `${base}/tiny.tar.gz`,
      cmd: "./bin/agent",
      env: { WHO: version },
      sha256: hash,
    };
    const found = entry({ version, distribution: { binary: { [platformHere()]: binary } } });
    files["/registry.json"] = JSON.stringify({ version: "1", agents: [found, { id: "BROKEN" }] });
    files["/tiny.tar.gz"] = archive;
  };
  publish("1.2.3");
  const config = JSON.parse(readFileSync(join(home.dir, "config/hearth.jsonc"), "utf8")) as object;
  home.config(`// mine\n${JSON.stringify({ ...config, registry: `${base}/registry.json` })}`);

  expect((await runHearth(home, ["agents", "search", "tiny"])).stdout).toMatch(
    /tiny +1\.2\.3 +Tiny: A tiny agent/,
  );
  const unasked = await runHearth(home, ["agents", "add", "tiny"]);
  expect([unasked.code, unasked.stdout]).toEqual([2, ""]);
  expect(unasked.stderr).toMatch(
    /loads http:.*tiny\.tar\.gz\n {2}runs {2}\["\.\/bin\/agent"\]\n {2}with {2}WHO="1\.2\.3"\n.*--yes/,
  );
  const near = await runHearth(home, ["agents", "add", "tinny", "--yes"]);
  expect([near.code, near.stderr]).toEqual([2, expect.stringContaining("Did you mean tiny?")]);
  expect(existsSync(join(home.dir, "data/agents"))).toBe(false);

  const mine = { ...config, registry: `${base}/registry.json`, agents: { tiny: { command: ["mine"] } } };
  home.config(mine);
  const taken = await runHearth(home, ["agents", "add", "tiny", "--yes"]);
  expect([taken.code, taken.stderr]).toEqual([2, expect.stringContaining("an agent tiny already")]);
  expect((await runHearth(home, ["agents", "remove", "tiny"])).code).toBe(2);
  expect(JSON.parse(readFileSync(join(home.dir, "config/hearth.jsonc"), "utf8"))).toEqual(mine);
  home.config(`// mine\n${JSON.stringify({ ...config, registry: `${base}/registry.json` })}`);

  const added = await runHearth(home, ["agents", "add", "tiny", "--yes"]);
  expect([added.code, added.stdout]).toEqual([0, expect.stringMatching(/^Added tiny 1\.2\.3 to /)]);
  expect(readFileSync(join(home.dir, "config/hearth.jsonc"), "utf8")).toMatch(/^\/\/ mine\n/);
  expect((await runHearth(home, ["agents", "list"])).stdout).toMatch(
    /^tiny +acp .* 1\.2\.3 .*from a registry/m,
  );
  const ran = await runHearth(home, ["run", "--agent", "tiny", "hi"]);
  expect([ran.code, ran.stdout]).toEqual([0, "Hello from 1.2.3\n"]);

  publish("1.3.0", "0".repeat(64));
  const forged = await runHearth(home, ["agents", "update", "--yes"]);
  expect([forged.code, forged.stderr]).toEqual([2, expect.stringContaining(`its SHA-256 is ${sha256}`)]);
  expect(readdirSync(join(home.dir, "data/agents/tiny"))).toEqual(["1.2.3"]);
  publish("1.3.0");
  expect((await runHearth(home, ["agents", "update", "--yes"])).stdout).toContain("Added tiny 1.3.0");
  expect((await runHearth(home, ["agents", "update"])).stdout).toBe("tiny 1.3.0 is the newest.\n");
  expect((await runHearth(home, ["agents", "remove", "tiny"])).code).toBe(0);
  expect((await runHearth(home, ["run", "--agent", "tiny", "hi"])).code).toBe(3);
  expect(existsSync(join(home.dir, "data/agents/tiny"))).toBe(false);
});

test("a registry or an archive that is broken or hostile adds nothing, and says why in a sentence", async () => {
  const { home } = await openWarmCliWorld();
  const files: Served = {};
  const base = await serve(files);
  const link = archiveOf(home, "link", (folder) => symlinkSync("/etc/passwd", join(folder, "out")));
  const missing = archiveOf(home, "missing");
  const pipe = archiveOf(home, "pipe", (at) => execFileSync("mkfifo", [join(at, "pipe")]));
  const out = execFileSync("tar", [
    "-czf",
    "-",
    "--transform=s,^,../,",
    "-P",
    "-C",
    home.folder("link"),
    "bin",
  ]);
  const binary = (archive: string, cmd = "bin/agent") => ({
    distribution: { binary: { [platformHere()]: { archive: `${base}/${archive}`, cmd } } },
  });
  const agents = [
    entry({ id: "link", ...binary("link.tar.gz") }),
    entry({ id: "pipe", ...binary("pipe.tar.gz") }),
    entry({ id: "raw", ...binary("raw", "./bin/agent") }),
    entry({ id: "gemini", ...binary("missing.tar.gz") }),
    entry({ id: "out", ...binary("out.tar.gz") }),
    entry({ id: "nocmd", ...binary("missing.tar.gz", "bin/other") }),
    entry({ id: "escape", ...binary("missing.tar.gz", "../../x") }),
    entry({ id: "gone", ...binary("nothing.tar.gz") }),
    entry({ id: "noise", ...binary("noise.tar.gz") }),
    entry({
      id: "elsewhere",
      distribution: { binary: { "plan9-mips": { archive: `${base}/x`, cmd: "x" } } },
    }),
  ];
  Object.assign(files, {
    ...{
      "/registry.json": JSON.stringify({ agents }),
      "/link.tar.gz": link,
      "/pipe.tar.gz": pipe,
      "/raw": agent,
      "/out.tar.gz": out,
    },
    ...{ "/missing.tar.gz": missing, "/noise.tar.gz": Buffer.from("no archive"), "/text.json": "<html>" },
    ...{ "/list.json": "[]", "/away.json": { to: "http://example.com/registry.json" } },
  });
  const folder = join(home.dir, "data/agents");
  const refused = async (name: string, registry: string): Promise<string> => {
    try {
      const { archive } = planOf(entryOf(await readRegistry(registry), name), platformHere());
      if (archive !== undefined) await installArchive(archive, join(folder, name, "1.2.3"));
      return "it was installed";
    } catch (error) {
      return sentenceOf(error);
    }
  };
  const own = `${base}/registry.json`;
  expect(await refused("pipe", own)).toContain("pipe is no file");
  expect(await refused("raw", own)).toBe("it was installed");
  rmSync(join(folder, "raw"), { recursive: true });
  expect(await refused("link", own)).toContain("out leads out of it");
  expect(await refused("out", own)).toContain("writes outside of its folder");
  expect(await refused("nocmd", own)).toContain("has no bin/other");
  expect(await refused("escape", own)).toContain("leads out of the archive");
  expect(await refused("gone", own)).toContain("the server answers 404");
  expect(await refused("noise", own)).toContain("it is broken");
  expect(await refused("elsewhere", own)).toContain("it is there for plan9-mips");
  expect(await refused("x", `${base}/text.json`)).toContain("no JSON");
  expect(await refused("x", `${base}/list.json`)).toContain("no list of agents");
  expect(await refused("x", `${base}/away.json`)).toContain("come over https");
  expect(await refused("x", "http://example.com/registry.json")).toContain("come over https");
  expect(await refused("x", "http://127.0.0.1:9/registry.json")).toContain("could not be read");
  const left = existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }) : [];
  expect(left.filter((at) => at.isFile())).toEqual([]);
  const { code, stderr } = await runHearth(home, ["agents", "add", "gone", "--yes", "--registry", own]);
  expect([code, stderr]).toEqual([1, expect.stringContaining("the server answers 404")]);
  const known = await runHearth(home, ["agents", "add", "gemini", "--yes", "--registry", own]);
  expect([known.code, known.stderr]).toEqual([2, expect.stringContaining("an agent gemini already")]);
  expect(existsSync(join(home.dir, "data/agents.json"))).toBe(false);
});

test("a package runs at exactly one version, whatever tag the registry names", () => {
  const npx = (name: string) =>
    planOf(entry({ distribution: { npx: { package: name } } }), "linux-x86_64").command;
  expect(npx("@a/b@2.0.0")).toEqual(["npx", "-y", "@a/b@2.0.0"]);
  expect(npx("tiny")).toEqual(["npx", "-y", "tiny@1.2.3"]);
  expect(npx("tiny@latest")).toEqual(["npx", "-y", "tiny@1.2.3"]);
  expect(() => npx("--registry=http://evil tiny")).toThrow("names no package");
  expect(npx("tiny@1")).toEqual(["npx", "-y", "tiny@1.2.3"]);
  expect(npx("tiny@1.x")).toEqual(["npx", "-y", "tiny@1.2.3"]);
  expect(npx("tiny@1.2.3-beta.1")).toEqual(["npx", "-y", "tiny@1.2.3-beta.1"]);
  const thief = { package: "tiny", env: { STOLEN: "env:ANTHROPIC_API_KEY" } };
  expect(() => planOf(entry({ distribution: { npx: thief } }), "linux-x86_64")).toThrow("ANTHROPIC_API_KEY");
  expect(() => npx("https://evil/x.tgz")).toThrow("names no package");
  const uvx = { package: "tiny==4.5", args: ["-x"] };
  expect(planOf(entry({ distribution: { uvx } }), "linux-x86_64").command).toEqual([
    "uvx",
    "tiny==4.5",
    "-x",
  ]);
  expect(parseRegistry(Buffer.from('{"agents":[{"id":"-x"},7]}'))).toEqual([]);
});

test("a registry is read through the proxy of the person's environment", async () => {
  const { home } = await openWarmCliWorld();
  const asked: string[] = [];
  const proxy = createServer().on("connect", (request, socket) => {
    asked.push(request.url ?? "");
    socket.end("HTTP/1.1 403 Forbidden\r\n\r\n");
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void proxy.close());
  const HTTPS_PROXY = `http://127.0.0.1:${(proxy.address() as { port: number }).port}`;
  const search = ["agents", "search", "--registry", "https://registry.example/r.json"];
  const refused = await runHearth(home, search, { env: { HTTPS_PROXY } });
  expect(asked).toEqual(["registry.example:443"]);
  expect([refused.code, refused.stderr]).toEqual([
    1,
    expect.stringContaining("registry.example/r.json could not be read"),
  ]);
  await runHearth(home, search, { env: { HTTPS_PROXY, NO_PROXY: "registry.example" } });
  expect(asked).toHaveLength(1);
});
