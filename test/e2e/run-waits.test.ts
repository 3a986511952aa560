// What `hearth run` does beside a terminal, and beside a daemon in its last moments.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runHearth, startHearth } from "../support/cli.ts";
import { openWarmCliWorld } from "../support/cli-world.ts";
import { findStartedDaemon } from "../support/daemon.ts";
import { soon } from "../support/happenings.ts";
import { launcher } from "../support/home.ts";
import { refuse, say } from "../support/model-server.ts";
import { processesOf, signal } from "../support/processes.ts";
import { openWorld } from "../support/world.ts";

const write = { call: "write", input: { path: "b.txt", content: "b" } } as const;

test("a question beside an open terminal is waited for, and stderr says for what and where", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("first", { label: "pts/42" });
  world.model.enqueue(say(write), say("Written."));
  const run = startHearth(world.home, ["run", "--format", "json", "write it"]);
  await terminal.answer(await terminal.question(), "allow_once");
  const result = await run.result;
  expect([result.code, existsSync(join(world.home.project, "b.txt"))]).toEqual([0, true]);
  expect(result.stderr).toMatch(/^hearth: Waits for an answer in pts\/42: .*b\.txt/);
});

test("--permission-mode deny asks nobody, also while a terminal is open", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("first");
  world.model.enqueue(say(write), say("Then not."));
  const result = await runHearth(world.home, ["run", "--permission-mode", "deny", "write it"]);
  expect(result).toMatchObject({ code: 0, stdout: "Then not.\n" });
  expect(terminal.events.all("permission.requested")).toEqual([]);
  expect(existsSync(join(world.home.project, "b.txt"))).toBe(false);
});

test("a run that is started while the daemon stops waits, and the next daemon answers it", async () => {
  const world = await openWorld({ isAlone: true, session: { mode: "yolo" } });
  const terminal = await world.terminal("first");
  const command = "trap '' TERM; echo started; while :; do sleep 0.2; done";
  world.model.enqueue(say({ call: "bash", input: { command } }), say("From the next."));
  await terminal.prompt("go");
  await terminal.events.until("part.delta", ({ payload }) => payload.text.includes("started"));
  await terminal.api.expect(202, "POST", "/v1/daemon/shutdown", { body: {} });
  const result = await runHearth(world.home, ["run", "hello"]);
  expect(result).toMatchObject({ code: 0, stdout: "From the next.\n" });
  await soon(world.daemon.exited, "the first daemon's end");
  const next = await findStartedDaemon(world.home);
  expect(next.pid).not.toBe(world.daemon.pid);
  for (const found of processesOf(world.home.dir)) signal(found, "SIGTERM");
});

test("what a provider or a title says reaches no terminal with escape sequences", async () => {
  const { home, model } = await openWarmCliWorld();
  const evil = "\u001b]52;c;aGk=\u0007\u001b[2J\u009b31mBad";
  model.enqueue(refuse(400, evil));
  const failed = await runHearth(home, ["run", evil]);
  expect(failed.code).toBe(1);
  expect(failed.stderr).toContain("Bad");
  const listed = await runHearth(home, ["sessions", "list"]);
  const json = await runHearth(home, ["sessions", "list", "--json"]);
  const [session] = JSON.parse(json.stdout) as { id: string }[];
  const deleted = await runHearth(home, ["sessions", "delete", session?.id ?? ""]);
  for (const { stdout, stderr } of [failed, listed, json, deleted])
    expect(stdout + stderr).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
});

test("an answer that cannot be written down is a failure", async () => {
  const { home, model } = await openWarmCliWorld();
  model.enqueue(say("Lost words."));
  const child = spawn("sh", ["-c", '"$0" "$1" run hello > /dev/full', process.execPath, launcher], {
    cwd: home.project,
    env: home.env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const code = await soon(new Promise((resolve) => child.once("close", resolve)), "the end of hearth run");
  expect([code, said]).toEqual([1, expect.stringContaining("could not be written")]);
});
