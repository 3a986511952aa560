// attacks.md A42 to A54, through the daemon: what asks in every mode asks, and what was allowed once stays narrow.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { say, toolResults } from "../support/model-server.ts";
import { openWorld, type World } from "../support/world.ts";

const bash = (command: string) => ({ call: "bash", input: { command } }) as const;
const write = (path: string) => ({ call: "write", input: { path, content: "x" } }) as const;

/** Has the model do this with nobody there: what needs an answer is denied. */
async function attempt(world: World, pieces: Parameters<typeof say>, onQuestion = "deny") {
  const terminal = await world.terminal("headless", { kind: "headless" });
  // A run that ends for want of an answer asks the model no second time.
  world.model.enqueue(...(onQuestion === "fail" ? [say(...pieces)] : [say(...pieces), say("ok")]));
  const end = await terminal.ask("do it", { on_question: onQuestion });
  const calls = (await terminal.messages())
    .flatMap(({ parts }) => parts)
    .flatMap((part) => (part.type === "tool_call" ? [part] : []))
    .slice(-pieces.length);
  terminal.events.drop();
  return { end, statuses: calls.map(({ status }) => status) };
}

test("in yolo nothing that would take away home, root, the workspace or its history runs unasked", async () => {
  const world = await openWorld({ session: { mode: "yolo" } });
  const { project } = world.home;
  const kept = world.home.write("kept.txt", "x");
  mkdirSync(join(project, ".git"));
  symlinkSync(project, join(world.home.folder("links"), "way"));
  const commands = [
    "rm -rf /",
    "rm -rf ~",
    'rm -rf "$HOME"',
    "rm -rf ~/",
    "rm -rf .",
    "rm -rf ./",
    `rm -rf ${project}`,
    `rm -rf ${project}/`,
    "rm -rf $PWD",
    "rm -rf .git",
    "rm -r -f .git/",
    "rm -rf ../links/way/",
    "find . -delete",
    "cd .. && rm -rf project",
  ];
  for (const command of commands) {
    const { end } = await attempt(world, [bash(command)], "fail");
    expect([command, end.error?.code]).toEqual([command, "permission_needed"]);
  }
  expect(existsSync(kept)).toBe(true);
});

test("in yolo no protected file is written unasked, whether it is there or not", async () => {
  const world = await openWorld({ session: { mode: "yolo" } });
  mkdirSync(join(world.home.project, ".git"));
  const { dir, env } = world.home;
  const paths = [
    ".git/hooks/pre-commit",
    ".git/config",
    ".GIT/config",
    ".vscode/tasks.json",
    ".envrc",
    ".mcp.json",
  ];
  const more = [
    ".claude/settings.json",
    ".Claude/settings.json",
    ".hearth/hearth.jsonc",
    `${env["HOME"]}/.bashrc`,
    `${dir}/config/AGENTS.md`,
  ];
  for (const path of [...paths, ...more]) {
    const { end } = await attempt(world, [write(path)], "fail");
    expect([path, end.error?.code]).toEqual([path, "permission_needed"]);
  }
  for (const path of paths) expect(existsSync(join(world.home.project, path)), path).toBe(false);
});

test("a folder beside the workspace with the same beginning is outside of it", async () => {
  const world = await openWorld({ session: { mode: "accept_edits" } });
  const beside = world.home.folder("project-evil");
  writeFileSync(join(beside, "secret.txt"), "THE-SECRET");
  const { statuses } = await attempt(world, [
    write("../project-evil/a.txt"),
    write(`${beside}/b.txt`),
    { call: "read", input: { path: `${beside}/secret.txt` } },
    { call: "list", input: { path: "../project-evil" } },
    write("inside.txt"),
  ]);
  expect(statuses).toEqual(["denied", "denied", "denied", "denied", "completed"]);
  expect(existsSync(join(beside, "a.txt")) || existsSync(join(beside, "b.txt"))).toBe(false);
});

test('"always" for one command allows what was shown and no other command', async () => {
  const world = await openWorld();
  const terminal = await world.terminal("person");
  world.model.enqueue(say(bash("touch one.txt")), say("ok"));
  const { run_id } = await terminal.prompt("first");
  const question = await terminal.question();
  const always = question.options.find(({ decision }) => decision === "allow_always");
  expect(always?.rules).toEqual(["bash(touch one.txt)"]);
  await terminal.answer(question, "allow_always");
  await terminal.completed(run_id);
  terminal.events.drop();
  const refused = [
    "rm one.txt",
    "touch two.txt",
    "touch one.txt; rm one.txt",
    "touch one.txt && mv one.txt two.txt",
    "touch $(rm one.txt)",
    "touch one.txt > ../two.txt",
    "touch one.txt | sh",
    "touch ../two.txt",
    "env touch one.txt & rm one.txt",
  ];
  const { statuses } = await attempt(world, ["touch one.txt", ...refused].map(bash));
  expect(statuses).toEqual(["completed", ...refused.map(() => "denied")]);
  expect(existsSync(join(world.home.project, "one.txt"))).toBe(true);
});

test("pipes, devices, endless and binary files end a call, not the daemon", async () => {
  const world = await openWorld({ session: { mode: "yolo" } });
  const { project } = world.home;
  spawnSync("mkfifo", [join(project, "pipe")]);
  writeFileSync(join(project, "huge.txt"), "");
  truncateSync(join(project, "huge.txt"), 20 * 1024 ** 3);
  symlinkSync("/dev/zero", join(project, "endless"));
  world.home.write("a.txt", `${"a".repeat(100_000)}\n`);
  const terminal = await world.terminal("only");
  const read = (path: string) => ({ call: "read", input: { path } }) as const;
  world.model.enqueue(
    say(read("pipe"), read("endless"), read("/proc/kmsg"), read("huge.txt"), {
      call: "grep",
      input: { pattern: "(a+)+$b|(a|aa)+c" },
    }),
    say("ok"),
  );
  const attachments = ["pipe", "endless", "huge.txt"].map((path) => ({
    name: path,
    media_type: "text/plain",
    path,
  }));
  expect((await terminal.ask("read all", { attachments })).outcome).toBe("end_turn");
  const results = toolResults(await world.model.request(1));
  expect(results).toHaveLength(5);
  expect(JSON.stringify(results).length).toBeLessThan(300_000);
});
