// design.md §2, version skew: two hearths on one home, the other one made of this build by changing what it says of itself.
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { type CliOptions, type CliResult, runHearth } from "../support/cli.ts";
import { openCliWorld } from "../support/cli-world.ts";
import { findStartedDaemon } from "../support/daemon.ts";
import { createGate } from "../support/happenings.ts";
import { type Home, repository } from "../support/home.ts";
import { lastPrompt, type ModelServer, say } from "../support/model-server.ts";

type Identity = { version: string; build: string; protocol: string };

/** The files of this build, from main.js on: dist also keeps the chunks of builds before. */
function builtFiles(): string[] {
  const found = new Set(["main.js"]);
  for (const name of found) {
    if (!name.endsWith(".js")) continue;
    const text = readFileSync(join(repository, "dist", name), "utf8");
    for (const [, target = ""] of text.matchAll(/["'](\.{1,2}\/[\w./-]+\.\w+)["']/g)) {
      const path = join(dirname(name), target);
      if (existsSync(join(repository, "dist", path))) found.add(path);
    }
  }
  return [...found, "version.json"];
}

/** Another installation of hearth that calls itself something else. Returns its launcher. */
function install(home: Home, identity: Partial<Identity>): string {
  const folder = home.folder(`install-${identity.build ?? identity.version}`);
  for (const name of ["bin", "schema.sql", "package.json"]) {
    cpSync(join(repository, name), join(folder, name), { recursive: true });
  }
  symlinkSync(join(repository, "node_modules"), join(folder, "node_modules"));
  const own = JSON.parse(readFileSync(join(repository, "dist", "version.json"), "utf8")) as Identity;
  const { version = own.version, build = `other-${own.build}`, protocol } = identity;
  for (const name of builtFiles()) {
    const path = join(folder, "dist", name);
    mkdirSync(dirname(path), { recursive: true });
    if (!/\.(js|json)$/.test(name)) {
      cpSync(join(repository, "dist", name), path);
      continue;
    }
    let text = readFileSync(join(repository, "dist", name), "utf8").replaceAll(
      `"${own.build}"`,
      `"${build}"`,
    );
    text = text.replaceAll(`"${own.version}"`, `"${version}"`);
    if (protocol !== undefined) text = text.replace(/\bprotocol:"1\.\d+"/g, `protocol:"${protocol}"`);
    writeFileSync(path, text);
  }
  return join(folder, "bin", "hearth");
}

const run = (
  home: Home,
  launcher: string | undefined,
  args: string[],
  options: CliOptions = {},
): Promise<CliResult> =>
  runHearth(home, args, { ...options, ...(launcher === undefined ? {} : { launcher }) });

/** A run that is held open; `finish` lets it end. */
async function openBusyDaemon(home: Home, model: ModelServer, launcher?: string) {
  const gate = createGate();
  model.script((request) =>
    lastPrompt(request) === "busy" ? say("x", { until: gate.passed }) : say("Fine."),
  );
  const busy = run(home, launcher, ["run", "busy"]);
  await model.requestSaying("busy");
  return {
    async finish() {
      gate.open();
      expect((await busy).code).toBe(0);
    },
  };
}

test("a newer client replaces an idle older daemon, once, and keeps its store", async () => {
  const { home } = await openCliWorld();
  const older = install(home, { version: "0.0.9", build: "older" });
  await run(home, older, ["run", "first"]);
  const { pid } = await findStartedDaemon(home);
  expect(await run(home, undefined, ["run", "second"])).toMatchObject({ code: 0, stderr: "" });
  const next = await findStartedDaemon(home);
  expect(next.pid).not.toBe(pid);
  expect((await run(home, undefined, ["run", "third"])).code).toBe(0);
  expect((await findStartedDaemon(home)).pid).toBe(next.pid);
  expect((await run(home, undefined, ["sessions", "list"])).stdout).toContain("first");
});

test("a busy older daemon is used, with a notice, and its run is not disturbed", async () => {
  const { home, model } = await openCliWorld();
  const older = install(home, { version: "0.0.9", build: "older" });
  const busy = await openBusyDaemon(home, model, older);
  const { pid } = await findStartedDaemon(home);
  const result = await run(home, undefined, ["run", "--verbose", "second"]);
  expect(result.code).toBe(0);
  expect(result.stderr).toContain("0.0.9");
  expect((await findStartedDaemon(home)).pid).toBe(pid);
  await busy.finish();
});

test("an older client never stops a newer daemon, idle or busy, and works with it", async () => {
  const { home, model } = await openCliWorld();
  const newer = install(home, { version: "99.0.0", build: "newer" });
  await run(home, newer, ["run", "first"]);
  const { pid } = await findStartedDaemon(home);
  expect((await run(home, undefined, ["run", "second"])).code).toBe(0);
  expect((await findStartedDaemon(home)).pid).toBe(pid);
  expect(model.requests).toHaveLength(2);
});

test("a daemon of another protocol's major number is refused in one line that says what to run", async () => {
  const { home, model } = await openCliWorld();
  const newer = install(home, { version: "99.0.0", build: "newer", protocol: "2.0" });
  await run(home, newer, ["run", "first"]);
  const { pid } = await findStartedDaemon(home);
  const result = await run(home, undefined, ["run", "second"]);
  expect(result.code).toBe(5);
  expect(result.stderr.trim().split("\n")).toHaveLength(1);
  expect(result.stderr).toMatch(/99\.0\.0/);
  expect(result.stderr).toMatch(/update|daemon (stop|restart)/);
  expect((await findStartedDaemon(home)).pid).toBe(pid);
  expect(model.requests).toHaveLength(1);
});

test("two builds of one version do not replace each other's daemon in turn", async () => {
  const { home } = await openCliWorld();
  const other = install(home, { build: "another" });
  const pids = new Set<number>();
  for (let round = 0; round < 3; round += 1) {
    expect((await run(home, undefined, ["run", "ours"])).code).toBe(0);
    pids.add((await findStartedDaemon(home)).pid);
    expect((await run(home, other, ["run", "theirs"])).code).toBe(0);
    pids.add((await findStartedDaemon(home)).pid);
  }
  // The build that came later may replace the earlier one's daemon; then there is peace.
  expect(pids.size).toBeLessThanOrEqual(2);
});
