// Sessions in containers (docs/containers.md): with a program that takes podman's options, and with a real podman where
// there is one.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { runHearth, startHearth } from "../support/cli.ts";
import { openCliWorld, openWarmCliWorld } from "../support/cli-world.ts";
import { eventually } from "../support/happenings.ts";
import { localConfig } from "../support/home.ts";
import { lastPrompt, say, sentText, toolResults } from "../support/model-server.ts";
import { processesOf } from "../support/processes.ts";
import {
  importImage,
  MISSING_IMAGE,
  writeScriptedDevContainer,
  writeScriptedPodman,
} from "../support/scripted-podman.ts";
import { gitIn, writeAll } from "../support/worktree-world.ts";

const yolo = ["--permission-mode", "yolo"];

async function openWorld(open = openWarmCliWorld) {
  const folder = mkdtempSync(join(tmpdir(), "podman-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const { podman, calls } = writeScriptedPodman(folder);
  const world = await open((baseUrl) => ({
    ...localConfig(baseUrl),
    containers: { runtime: podman, args: ["--network=none"], env: { CHOSEN: "env:MINE", FIXED: "so" } },
    agents: { outside: { command: ["sh", "-c", "exit 1"] } },
  }));
  const git = gitIn(world.home.project);
  git("init", "-q", "-b", "main");
  writeAll(world.home.project, { "a.txt": "one\n" });
  git("add", "-A");
  git("commit", "-q", "-m", "first");
  return { ...world, folder, lines: () => readFileSync(calls, "utf8").trimEnd().split("\n") };
}

test("a session's commands run in its container, with the variables that are named; it ends with the session", async () => {
  const { home, model, lines } = await openWorld();
  model.script((request) =>
    toolResults(request).length === 0
      ? say({
          call: "bash",
          input: { command: "echo in=$IN_CONTAINER chosen=$CHOSEN $FIXED user=$HOME; pwd" },
        })
      : say("Done."),
  );
  const env = { MINE: "yes" };
  const said = await runHearth(home, ["run", ...yolo, "--in", "node:22", "--format", "json", "look"], {
    env,
  });
  expect(said).toMatchObject({ code: 0 });
  const { session_id: id } = JSON.parse(said.stdout) as { session_id: string };
  const request = await model.requestSaying("look");
  expect(sentText(request)).toContain("Sandbox: a container of node:22");
  const [result] = toolResults(await model.request(1));
  expect(result?.text).toContain(`in=yes chosen=yes so user=\n${home.project}\n`);
  const [run = ""] = lines();
  expect(run).toMatch(/^run .*--pull=never .*--network=none --entrypoint sh node:22 /);
  expect(run).toContain(`source=${home.project}/.git,target=${home.project}/.git,readonly`);

  // Nothing is kept warm for a single prompt, so the next one may find another container.
  expect((await runHearth(home, ["sessions", "show", id, "--json"])).stdout).toContain(
    '"container": "node:22"',
  );
  const other = await runHearth(home, ["run", "--session", id, "--in", "node:20", "x"]);
  expect([other.code, other.stderr]).toEqual([2, expect.stringContaining("--in is for a new one")]);
  const again = await runHearth(home, ["run", ...yolo, "--session", id, "look again"], { env });
  expect(again.code).toBe(0);
  expect((await runHearth(home, ["sessions", "delete", id])).code).toBe(0);
  const count = (fits: RegExp) => lines().filter((line) => fits.test(line)).length;
  await eventually(() => count(/^ended/) === count(/^run /), "the containers to end");
});

test("a cancel ends what runs in the container", async () => {
  const { home, model } = await openWorld();
  model.script(() => say({ call: "bash", input: { command: "echo begun; sleep 86399" } }));
  const run = startHearth(home, ["run", ...yolo, "--in", "node:22", "--format", "stream-json", "wait"]);
  await run.line((line) => line.includes("begun\\n"));
  run.kill("SIGINT");
  expect((await run.result).code).toBe(130);
  const left = () => processesOf(home.project).some(({ command }) => command.includes("86399"));
  await eventually(() => !left(), "the command to end");
});

test("what cannot be is said in a sentence: no such image, no runtime, an agent that would run outside", async () => {
  const { home } = await openWorld();
  const missing = await runHearth(home, ["run", "--in", MISSING_IMAGE, "x"]);
  expect([missing.code, missing.stderr]).toEqual([
    2,
    expect.stringContaining(`\`podman pull ${MISSING_IMAGE}\` fetches it.`),
  ]);
  const outside = await runHearth(home, ["run", "--in", "node:22", "--agent", "outside", "x"]);
  expect([outside.code, outside.stderr]).toEqual([
    3,
    expect.stringContaining("outside would run outside the session's container."),
  ]);
  const odd = await runHearth(home, ["run", "--in", "-v/:/host", "x"]);
  expect(odd.code).toBe(2);
  const engine = await runHearth(home, ["task", "run", "--on", "slurm", "--in", "node:22", "x"]);
  expect([engine.code, engine.stderr]).toEqual([2, expect.stringContaining("leave out one of the two")]);
});

test("a task works and is checked in a container of its worktree, which ends with it", async () => {
  const { home, model, lines } = await openWorld();
  model.script((request) =>
    toolResults(request).length === 0
      ? say({ call: "bash", input: { command: "echo two > b.txt" } })
      : say(`Done with ${lastPrompt(request)}.`),
  );
  const check = 'test "$IN_CONTAINER" = yes && test -f b.txt';
  const args = ["task", "run", ...yolo, "--in", "node:22", "--check", check, "--json", "go"];
  const done = await runHearth(home, args);
  expect(done.code).toBe(0);
  expect(JSON.parse(done.stdout)).toMatchObject({
    entries: [{ outcome: "end_turn", check: { outcome: "passed" }, patch: expect.stringContaining("+two") }],
  });
  expect(lines()[0]).toMatch(/source=\S+\/worktrees\/\S+,target=/);
  expect(lines()[0]).not.toContain(`source=${home.project},`);
  await eventually(() => lines().includes("ended"), "the container to end");
});

test("--in devcontainer: the project's own, as it was when the session began", async () => {
  const { home, model, lines, folder } = await openWorld(openCliWorld);
  const env = { PATH: `${folder}:${home.env["PATH"]}` };
  const none = await runHearth(home, ["run", "--in", "devcontainer", "x"], { env });
  expect([none.code, none.stderr]).toEqual([2, expect.stringContaining("There is no dev container in")]);
  home.write(".devcontainer/devcontainer.json", '{ "image": "node:22" }');
  const missing = await runHearth(home, ["run", "--in", "devcontainer", "x"]);
  expect([missing.code, missing.stderr]).toEqual([
    2,
    expect.stringContaining("npm install -g @devcontainers/cli"),
  ]);

  writeScriptedDevContainer(folder);
  model.script((request) =>
    toolResults(request).length === 0
      ? say({ call: "bash", input: { command: "echo in=$IN_CONTAINER" } })
      : say("Done."),
  );
  const args = ["run", ...yolo, "--in", "devcontainer", "--format", "json", "look"];
  const done = await runHearth(home, args, { env });
  expect([done.code, done.stderr]).toEqual([0, ""]);
  const { session_id: id } = JSON.parse(done.stdout) as { session_id: string };
  expect(lines()[0]).toContain(`devcontainer up --workspace-folder ${home.project}`);
  expect(lines()[1]).toMatch(/^exec --interactive --user 0 c0ffee sh -c/);
  expect(lines()[2]).toMatch(/^exec --user node --workdir .* c0ffee bash -c echo in=/);
  expect(toolResults(await model.request(1))[0]?.text).toContain("in=yes");

  // A daemon that starts it anew looks at its files again: they may run commands on this machine.
  home.write(".devcontainer/devcontainer.json", '{ "image": "node:22", "initializeCommand": "curl evil" }');
  expect((await runHearth(home, ["run", ...yolo, "-s", id, "still here"], { env })).code).toBe(0);
  await runHearth(home, ["daemon", "stop"]);
  await eventually(() => lines().some((line) => line.startsWith("held until now")), "the hold to end");
  const changed = await runHearth(home, ["run", ...yolo, "-s", id, "again"], { env });
  expect([changed.code, changed.stderr]).toEqual([2, expect.stringContaining("have changed since")]);
  await runHearth(home, ["daemon", "stop"]);
});

const real = importImage();

test.skipIf(real === undefined)(
  "podman: the container has the project and not this machine, git reads there, and kill -9 of the daemon ends it",
  { timeout: 120_000 },
  async () => {
    const { podman, image } = real ?? { podman: "", image: "" };
    const { home, model } = await openCliWorld();
    writeAll(home.project, { "a.txt": "alpha\n" });
    const outside = join(home.folder("outside"), "b.txt");
    writeFileSync(outside, "secret\n");
    model.script((request) =>
      toolResults(request).length === 0
        ? say({
            call: "bash",
            input: {
              command: `cat a.txt; echo beta > b.txt; cat ${outside} || echo unseen; (setsid sleep 86398 &)`,
            },
          })
        : say("Done."),
    );
    const done = await runHearth(home, ["run", ...yolo, "--in", image, "look"]);
    expect([done.code, done.stderr]).toEqual([0, expect.any(String)]);
    const [result] = toolResults(await model.request(1));
    expect(result?.text).toContain("alpha\n");
    expect(result?.text).toContain("unseen");
    expect(readFileSync(join(home.project, "b.txt"), "utf8")).toBe("beta\n");

    const ours = () =>
      execFileSync(podman, ["ps", "--format", "{{.Names}} {{.Mounts}}"], { encoding: "utf8" })
        .split("\n")
        .filter((line) => line.startsWith("hearth-ses"));
    expect(ours()).toHaveLength(1);
    const inside = execFileSync(podman, ["top", ours()[0]?.split(" ")[0] ?? "", "args"], {
      encoding: "utf8",
    });
    expect(inside).not.toContain("86398"); // what a run leaves behind ends with it
    const daemon = processesOf(home.dir).find(({ command }) => / serve\b/.test(command));
    process.kill(daemon?.pid ?? 0, "SIGKILL");
    await eventually(() => ours().length === 0, "the container to end");
    const again = await runHearth(home, ["run", ...yolo, "-c", "look again"]);
    expect(again.code).toBe(0);
    expect((await runHearth(home, ["daemon", "stop"])).code).toBe(0);
    expect(ours()).toEqual([]);
  },
);
