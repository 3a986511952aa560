// attacks.md A16, A55, A59, A60: no key and nothing of the daemon's own reaches a command, a file, a log or a screen.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runHearth } from "../support/cli.ts";
import { openWarmCliWorld } from "../support/cli-world.ts";
import { CANARY_KEY, localConfig } from "../support/home.ts";
import { refuse, say, toolResults } from "../support/model-server.ts";
import { listProcesses } from "../support/processes.ts";
import { openWorld, toolRunning, toolsOf } from "../support/world.ts";

const ANOTHER_KEY = "sk-ant-canary-0badc0ffee5ec4e7";
const bash = (command: string) => ({ call: "bash", input: { command } }) as const;
const keys = [CANARY_KEY, ANOTHER_KEY];
const withKeys = (text: string) => keys.filter((key) => text.includes(key));

test("a command sees no provider's key and nothing of the daemon's, however it looks for it", async () => {
  const world = await openWorld({
    isAlone: true,
    session: { mode: "yolo" },
    daemon: { env: { ANTHROPIC_API_KEY: ANOTHER_KEY } },
  });
  const env = { ...world.home.env, ANTHROPIC_API_KEY: ANOTHER_KEY, SSH_AUTH_SOCK: "/agent.sock" };
  await world.openWorkspace(world.home.project, env);
  const terminal = await world.terminal("only");
  const commands = [
    "printenv; set; export -p",
    "tr '\\0' '\\n' < /proc/self/environ; tr '\\0' ' ' < /proc/self/cmdline",
    // What the command's own parents were started with, up to but not including the daemon.
    'p=$PPID; while [ "$p" -gt 1 ] && ! grep -qa serve /proc/$p/cmdline; do tr "\\0" "\\n" < /proc/$p/environ; p=$(awk "/^PPid/ {print \\$2}" /proc/$p/status); done',
    "ls -l /proc/self/fd",
  ];
  world.model.enqueue(say(...commands.map(bash)), say("ok"));
  expect((await terminal.ask("look", { env: { LOCAL_KEY: CANARY_KEY, LANG: "C" } })).outcome).toBe(
    "end_turn",
  );
  const results = toolResults(await world.model.request(1)).map(({ text }) => text);
  const all = results.join("\n");
  expect(all).toContain("PATH=");
  expect(withKeys(all)).toEqual([]);
  expect(all).not.toMatch(/^HEARTH_(HOME|READY_FD|TOKEN)=/m);
  // The descriptors of a command lead to its own input and outputs and nowhere else of ours.
  expect(results.at(-1)).not.toMatch(/hearth\.db|daemon\.(lock|log|sock)/);
});

test("no process that runs for a prompt has a key in its environment or its arguments", async () => {
  const world = await openWorld({
    isAlone: true,
    session: { mode: "yolo" },
    daemon: { env: { OPENAI_API_KEY: ANOTHER_KEY } },
  });
  const terminal = await world.terminal("only");
  world.model.enqueue(say(bash("(sleep 300 &) ; echo up; sleep 300")));
  const { run_id } = await terminal.prompt("run it");
  await toolRunning(terminal, "up");
  const started = toolsOf(world);
  expect(started.length).toBeGreaterThan(0);
  const guardians = listProcesses().filter(({ command }) => command.includes("hearth-guardian"));
  for (const { pid, command } of [...started, ...guardians]) {
    expect(withKeys(command)).toEqual([]);
    expect(withKeys(readFileSync(`/proc/${pid}/environ`, "latin1"))).toEqual([]);
    const files = readdirSync(`/proc/${pid}/fd`);
    expect(files.length).toBeLessThan(16);
  }
  await terminal.cancel();
  expect((await terminal.completed(run_id)).outcome).toBe("canceled");
});

test("a key that a provider repeats in its answer to us is in no event, no store, no log and on no screen", async () => {
  const { home, model } = await openWarmCliWorld((url) => ({
    ...localConfig(url),
    limits: { max_retries: 0 },
  }));
  model.script(() => refuse(401, `Incorrect API key provided: ${CANARY_KEY}. Find yours at example.com.`));
  for (const format of ["text", "json", "stream-json"]) {
    const result = await runHearth(home, ["run", "--format", format, "hello"]);
    expect(result.code).not.toBe(0);
    expect(result.stdout + result.stderr).toMatch(/key/i);
    expect(withKeys(result.stdout + result.stderr)).toEqual([]);
  }
  const shown = await runHearth(home, ["config", "show"], { env: { ANTHROPIC_API_KEY: ANOTHER_KEY } });
  expect(withKeys(shown.stdout + shown.stderr)).toEqual([]);
  const doctor = await runHearth(home, ["doctor"], { env: { ANTHROPIC_API_KEY: ANOTHER_KEY } });
  expect(withKeys(doctor.stdout + doctor.stderr)).toEqual([]);
  const logs = await runHearth(home, ["daemon", "logs"]);
  expect(withKeys(logs.stdout)).toEqual([]);
});

test("a literal key in the configuration is shown to nobody either", async () => {
  const { home } = await openWarmCliWorld((url) => {
    const config = localConfig(url);
    const local = config.providers?.["local"];
    if (local) local.api_key = CANARY_KEY;
    return config;
  });
  expect((await runHearth(home, ["run", "hello"])).code).toBe(0);
  for (const args of [
    ["config", "show"],
    ["doctor"],
    ["agents", "list"],
    ["daemon", "logs"],
    ["sessions", "list"],
  ]) {
    const result = await runHearth(home, args);
    expect([args, withKeys(result.stdout + result.stderr)]).toEqual([args, []]);
  }
});

test("no escape sequence of a model, a tool, a file or a title reaches the screen of a command", async () => {
  const { home, model } = await openWarmCliWorld();
  const clipboard = "\u001b]52;c;ZXZpbA==\u0007";
  const title = "\u001b]0;owned\u0007";
  const link = "\u001b]8;;http://evil.example\u0007click\u001b]8;;\u0007";
  const bad = `${clipboard}${title}${link}\u001b[2J\u009b31m`;
  home.write("notes.txt", `plain ${bad}\n`);
  model.script((_, index) =>
    index % 2 === 0 ? say({ call: "read", input: { path: "notes.txt" } }) : say(`said ${bad} and the end`),
  );
  const results = [
    await runHearth(home, ["run", "--verbose", `prompt ${bad}`]).then((first) =>
      first.code === 2 ? runHearth(home, ["run", `prompt ${bad}`]) : first,
    ),
    await runHearth(home, ["sessions", "list"]),
  ];
  const id = /ses_[0-9a-f]+/.exec(results[1]?.stdout ?? "")?.[0] ?? "";
  results.push(await runHearth(home, ["sessions", "show", id]));
  results.push(await runHearth(home, ["daemon", "logs"]));
  for (const { stdout, stderr } of results.slice(1)) {
    expect(stdout + stderr).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
  }
  expect(results[0]?.stderr).not.toMatch(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/);
  expect(join("", results[2]?.stdout ?? "")).toContain("and the end");
});
