// `hearth run`, built and run as a script would run it (design.md §11).
import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { eventSchemas, type HearthEvent } from "../../src/protocol/events.ts";
import { runHearth, startHearth } from "../support/cli.ts";
import { openCliWorld, openWarmCliWorld } from "../support/cli-world.ts";
import { findStartedDaemon } from "../support/daemon.ts";
import { createGate, eventually } from "../support/happenings.ts";
import { launcher, localConfig } from "../support/home.ts";
import { lastPrompt, refuse, say, sentText, silence } from "../support/model-server.ts";

const write = (path: string, content: string) => ({ call: "write", input: { path, content } }) as const;

test("run prints the answer and nothing else, starting the daemon on the way", async () => {
  const { home, model } = await openCliWorld();
  model.enqueue(say("Hello ", "there."), say("Still here."));
  expect(await runHearth(home, ["run", "hello"])).toMatchObject({
    code: 0,
    stdout: "Hello there.\n",
    stderr: "",
  });
  const { pid } = await findStartedDaemon(home);
  expect(await runHearth(home, ["run", "again"])).toMatchObject({
    code: 0,
    stdout: "Still here.\n",
    stderr: "",
  });
  expect((await findStartedDaemon(home)).pid).toBe(pid);
  expect(model.requests.map(lastPrompt)).toEqual(["hello", "again"]);
});

test("run says on stderr that another provider answers than the environment names", async () => {
  const { home, model } = await openWarmCliWorld((baseUrl) => {
    const { model: _, ...unnamed } = localConfig(baseUrl);
    return unnamed;
  });
  const dead = { env: { OLLAMA_HOST: "127.0.0.1:9" } };
  model.enqueue(say("Hello."), say("Hello."));
  expect(await runHearth(home, ["run", "hello"], dead)).toMatchObject({
    ...{ code: 0, stdout: "Hello.\n" },
    stderr:
      "hearth: Ollama does not answer at http://127.0.0.1:9 (OLLAMA_HOST): local/big answers instead.\n",
  });
  expect(await runHearth(home, ["run", "--model", "local/big", "hello"], dead)).toMatchObject({ stderr: "" });
});

test("--format json prints the payload of run.completed, once", async () => {
  const { home, model } = await openWarmCliWorld();
  model.enqueue({ ...say("Hello."), usage: { input: 1000, output: 500, cache_read: 100 } });
  const result = await runHearth(home, ["run", "--format", "json", "hello"]);
  expect([result.code, result.stderr]).toEqual([0, ""]);
  const lines = result.stdout.trimEnd().split("\n");
  expect(lines).toHaveLength(1);
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({
    outcome: "end_turn",
    text: "Hello.",
    usage: { input_tokens: 1000, output_tokens: 500, cache_read_tokens: 100 },
  });
});

test("--format stream-json prints one event a line as on the stream, this run's alone, and ends with run.completed", async () => {
  const { home, model } = await openWarmCliWorld();
  home.write("a.txt", "alpha\n");
  model.script((request) =>
    lastPrompt(request).includes("noise") ? say("noise ".repeat(50)) : say("Fine."),
  );
  model.enqueue(say({ reasoning: "hm" }, "Reading.", { call: "read", input: { path: "a.txt" } }));
  const noise = startHearth(home, ["run", "noise"]);
  const result = await runHearth(home, ["run", "--format", "stream-json", "read it"]);
  await noise.result;
  expect(result.code).toBe(0);
  const events = result.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as HearthEvent);
  for (const event of events)
    expect(eventSchemas[event.type].safeParse(event).error?.message).toBeUndefined();
  const seqs = events.map((event) => event.seq);
  expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
  expect(events.at(-1)).toMatchObject({ type: "run.completed", payload: { outcome: "end_turn" } });
  expect(events.filter((event) => event.type === "run.completed")).toHaveLength(1);
  expect(events[0]?.type).toMatch(/^(run\.accepted|message\.created|session\.)/);
  expect(result.stdout).not.toContain("noise");
});

test("the prompt comes from the arguments, or from stdin for - and when there is none", async () => {
  const { home, model } = await openWarmCliWorld();
  const cases: [string[], string | undefined, string][] = [
    [["run", "two", "words"], undefined, "two words"],
    [["run", "-"], "from stdin\n", "from stdin"],
    [["run"], "piped in", "piped in"],
    [["run", "only this"], "never read", "only this"],
    [["run", "--", "--looks-like-an-option"], undefined, "--looks-like-an-option"],
    [["run", "é 漢字 🎉"], undefined, "é 漢字 🎉"],
  ];
  for (const [args, stdin, expected] of cases) {
    const result = await runHearth(home, args, stdin === undefined ? {} : { stdin });
    expect([args, result.code, result.stderr]).toEqual([args, 0, ""]);
    expect(lastPrompt(model.requests.at(-1) ?? (await model.request(0))).trimEnd()).toBe(expected);
  }
});

test("nothing to say is a usage error that starts no run", async () => {
  const { home, model } = await openWarmCliWorld();
  for (const [args, stdin] of [
    [["run"], ""],
    [["run", ""], undefined],
    [["run", "  "], undefined],
    [["run", "-"], " \n"],
  ] as const) {
    const result = await runHearth(home, args, stdin === undefined ? {} : { stdin });
    expect([args, result.code]).toEqual([args, 2]);
    expect(result.stdout).toBe("");
    expect(result.stderr).not.toBe("");
  }
  expect(model.requests).toEqual([]);
});

test("a wrong command line names what is wrong, exits 2, and starts no daemon", async () => {
  const { home } = await openCliWorld();
  const wrong: [string[], RegExp][] = [
    [["run", "--fromat", "json", "x"], /--fromat/],
    [["run", "--format", "xml", "x"], /xml/],
    [["run", "--timeout", "soon", "x"], /soon|number/],
    [["run", "--timeout", "-1", "x"], /timeout/],
    [["run", "--max-steps", "0", "x"], /max-steps/],
    [["run", "--permission-mode", "root", "x"], /root/],
    [["run", "--continue", "--session", "ses_1", "x"], /--continue|--session/],
    [["sessions", "burn"], /burn/],
    [["config", "nothing"], /nothing/],
  ];
  for (const [args, says] of wrong) {
    const result = await runHearth(home, args);
    expect([args, result.code]).toEqual([args, 2]);
    expect(result.stderr).toMatch(says);
    expect(result.stdout).toBe("");
  }
  expect(existsSync(join(home.dir, "run", "daemon.json"))).toBe(false);
});

test("--help and --version start no daemon", async () => {
  const { home } = await openCliWorld();
  for (const args of [["--help"], ["--version"], ["run", "--help"], ["help"], ["-h"], ["-V"]]) {
    const result = await runHearth(home, args);
    expect([args, result.code, result.stderr]).toEqual([args, 0, ""]);
    expect(result.stdout).not.toBe("");
  }
  const { version } = JSON.parse(readFileSync(join(import.meta.dirname, "../../package.json"), "utf8")) as {
    version: string;
  };
  expect((await runHearth(home, ["--version"])).stdout).toBe(`${version}\n`);
  expect(existsSync(join(home.dir, "run"))).toBe(false);
  expect(existsSync(join(home.dir, "data"))).toBe(false);
});

test("the exit code says how the run ended", async () => {
  const { home, model } = await openWarmCliWorld((url) => ({
    ...localConfig(url),
    limits: { max_retries: 0 },
  }));
  home.write("a.txt", "alpha\n");
  const read = say({ call: "read", input: { path: "a.txt" } });
  const cases: {
    name: string;
    args: string[];
    replies: Parameters<typeof model.enqueue>;
    code: number;
    says?: RegExp;
  }[] = [
    { name: "done", args: ["x"], replies: [say("ok")], code: 0 },
    {
      name: "the provider refuses",
      args: ["x"],
      replies: [refuse(400, "no such parameter")],
      code: 1,
      says: /no such parameter/,
    },
    { name: "the key is wrong", args: ["x"], replies: [refuse(401, "bad key")], code: 3, says: /LOCAL_KEY/ },
    { name: "no such model", args: ["--model", "local/none", "x"], replies: [], code: 3, says: /none/ },
    {
      name: "a model that is no more",
      args: ["x"],
      replies: [refuse(404, "The model `big` does not exist")],
      code: 3,
      says: /big/,
    },
    { name: "no such provider", args: ["--model", "nowhere/x", "x"], replies: [], code: 3, says: /nowhere/ },
    { name: "no such agent", args: ["--agent", "nobody", "x"], replies: [], code: 3, says: /nobody/ },
    { name: "no such session", args: ["--session", "ses_none", "x"], replies: [], code: 2, says: /ses_none/ },
    {
      name: "a permission was needed",
      args: ["x"],
      replies: [say(write("b.txt", "b"))],
      code: 4,
      says: /no terminal is attached to approve it.*--permission-mode/,
    },
    {
      name: "denied, and done",
      args: ["--permission-mode", "deny", "x"],
      replies: [say(write("b.txt", "b")), say("ok")],
      code: 0,
    },
    { name: "the limit of steps", args: ["--max-steps", "1", "x"], replies: [read], code: 6, says: /step/ },
    {
      name: "worktree without git",
      args: ["--isolation", "worktree", "x"],
      replies: [],
      code: 2,
      says: /isolation|worktree/,
    },
  ];
  for (const { name, args, replies, code, says } of cases) {
    model.enqueue(...replies);
    const result = await runHearth(home, ["run", ...args]);
    expect([name, result.code, result.stderr]).toEqual([name, code, expect.any(String)]);
    if (says) expect(result.stderr, name).toMatch(says);
    else expect([name, result.stderr]).toEqual([name, ""]);
    expect(result.stderr.trimEnd().split("\n").length, `${name}: ${result.stderr}`).toBeLessThanOrEqual(1);
  }
  expect(existsSync(join(home.project, "b.txt"))).toBe(false);
});

test("a failure in json and stream-json is told in the payload, with the same exit code", async () => {
  const { home, model } = await openWarmCliWorld();
  model.script(() => refuse(401, "bad key"));
  for (const format of ["json", "stream-json"]) {
    const result = await runHearth(home, ["run", "--format", format, "x"]);
    expect([format, result.code]).toEqual([format, 3]);
    const last = JSON.parse(result.stdout.trimEnd().split("\n").at(-1) ?? "{}") as Record<string, unknown>;
    const payload = format === "json" ? last : last["payload"];
    expect(payload).toMatchObject({ outcome: "error", error: { code: "provider_auth", retryable: false } });
  }
});

test("--timeout cancels the run and exits 124", async () => {
  const { home, model } = await openWarmCliWorld();
  model.script(() => say("working", { stop: "hang" }));
  const result = await runHearth(home, ["run", "--timeout", "1", "x"]);
  expect(result.code).toBe(124);
  expect(result.stderr).toMatch(/1 s|timeout|time/i);
  // On a slow machine the time is over before there is a request.
  for (const { closed } of model.requests) expect((await closed).by).toBe("client");
});

test("Ctrl+C cancels the run, and the exit code is 130", async () => {
  const { home, model } = await openWarmCliWorld();
  model.script(() => say("working", { stop: "hang" }));
  const run = startHearth(home, ["run", "--format", "stream-json", "x"]);
  await run.line((line) => line.includes("working"));
  run.kill("SIGINT");
  const result = await run.result;
  expect(result.code).toBe(130);
  expect((await (await model.request(0)).closed).by).toBe("client");
  expect(JSON.parse(result.stdout.trimEnd().split("\n").at(-1) ?? "")).toMatchObject({
    type: "run.completed",
    payload: { outcome: "canceled" },
  });
});

test("a run that is killed outright goes on in the daemon", async () => {
  const { home, model } = await openWarmCliWorld();
  const gate = createGate();
  model.enqueue(say("one ", { until: gate.passed }, "two"));
  const run = startHearth(home, ["run", "--format", "stream-json", "x"]);
  await run.line((line) => line.includes("one "));
  run.kill("SIGKILL");
  await run.result;
  gate.open();
  await eventually(async () => {
    const list = await runHearth(home, ["sessions", "list", "--json"]);
    return list.stdout.includes('"idle"');
  }, "the run to be over");
  const id = /ses_[0-9a-f]+/.exec((await runHearth(home, ["sessions", "list", "--json"])).stdout)?.[0] ?? "";
  expect((await runHearth(home, ["sessions", "show", id])).stdout).toContain("one two");
});

test("--continue and --session go on with a session, and a plain run starts its own", async () => {
  const { home, model } = await openWarmCliWorld();
  await runHearth(home, ["run", "first thing"]);
  const continued = await runHearth(home, ["run", "--continue", "second thing"]);
  expect(continued.stderr).toMatch(/^hearth: Continues "first thing" \([0-9a-z_]+\)\.$/m);
  expect(sentText(await model.request(1))).toContain("first thing");
  await runHearth(home, ["run", "third thing"]);
  expect(sentText(await model.request(2))).not.toContain("first thing");
  const list = JSON.parse((await runHearth(home, ["sessions", "list", "--json"])).stdout) as unknown;
  const sessions = (Array.isArray(list) ? list : (list as { sessions: unknown[] }).sessions) as {
    id: string;
    title: string;
  }[];
  expect(sessions).toHaveLength(2);
  const first = sessions.find((session) => session.title.includes("first thing"))?.id ?? "";
  await runHearth(home, ["run", "--session", first, "fourth thing"]);
  expect(sentText(await model.request(3))).toContain("second thing");
  expect((await runHearth(home, ["sessions", "delete", first])).code).toBe(0);
  expect((await runHearth(home, ["run", "--session", first, "fifth"])).code).toBe(2);
  expect(model.requests).toHaveLength(4);
});

test("two that race to start get one daemon and both their answers", async () => {
  const { home, model } = await openCliWorld();
  model.script((request) => say(`you said ${lastPrompt(request)}`));
  const [left, right] = await Promise.all([
    runHearth(home, ["run", "left"]),
    runHearth(home, ["run", "right"]),
  ]);
  expect(left).toMatchObject({ code: 0, stdout: "you said left\n", stderr: "" });
  expect(right).toMatchObject({ code: 0, stdout: "you said right\n", stderr: "" });
});

test("daemon status, stop and restart say what is, and exit 5 when there is none", async () => {
  const { home } = await openCliWorld();
  expect((await runHearth(home, ["daemon", "status"])).code).toBe(5);
  expect((await runHearth(home, ["daemon", "status", "--json"])).code).toBe(5);
  await runHearth(home, ["run", "x"]);
  const { pid } = await findStartedDaemon(home);
  const status = await runHearth(home, ["daemon", "status", "--json"]);
  expect(status.code).toBe(0);
  expect(JSON.parse(status.stdout)).toMatchObject({ pid });
  expect((await runHearth(home, ["daemon", "status"])).stdout).toContain(String(pid));
  expect((await runHearth(home, ["daemon", "restart"])).code).toBe(0);
  const next = await findStartedDaemon(home);
  expect(next.pid).not.toBe(pid);
  expect((await runHearth(home, ["daemon", "logs", "-n", "5"])).stdout).not.toBe("");
  expect((await runHearth(home, ["daemon", "stop"])).code).toBe(0);
  expect((await runHearth(home, ["daemon", "status"])).code).toBe(5);
  expect(existsSync(home.socket)).toBe(false);
});

test("config show says what counts and where from, hides keys, and the schema is a JSON Schema", async () => {
  const { home } = await openCliWorld((url) => {
    const config = localConfig(url);
    const local = config.providers?.["local"];
    return {
      ...config,
      providers: { local: { ...local, type: "openai-compatible", api_key: "sk-literal-secret" } },
    };
  });
  const show = await runHearth(home, ["config", "show"]);
  expect(show.code).toBe(0);
  expect(show.stdout).toContain("local/big");
  expect(`${show.stdout}${(await runHearth(home, ["config", "show", "--json"])).stdout}`).not.toContain(
    "sk-literal-secret",
  );
  expect((await runHearth(home, ["config", "path"])).stdout).toContain(
    join(home.dir, "config", "hearth.jsonc"),
  );
  const schema = JSON.parse((await runHearth(home, ["config", "schema"])).stdout) as { properties: object };
  expect(Object.keys(schema.properties)).toEqual(
    expect.arrayContaining(["model", "providers", "permissions", "limits"]),
  );
});

test("a reader that goes away early is no error, and the run goes on", async () => {
  const { home, model } = await openWarmCliWorld();
  model.enqueue(say(...Array.from({ length: 200 }, (_, index) => `line ${index}\n`)));
  const shell = spawn("/bin/sh", ["-c", '"$0" "$1" run x | head -n 1', process.execPath, launcher], {
    cwd: home.project,
    env: home.env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  shell.stdout.on("data", (chunk) => (output += String(chunk)));
  shell.stderr.on("data", (chunk) => (output += String(chunk)));
  await new Promise((resolve) => shell.once("close", resolve));
  expect(output).toBe("line 0\n");
  await eventually(async () => {
    const list = await runHearth(home, ["sessions", "list", "--json"]);
    return list.stdout.includes('"idle"');
  }, "the run to be over");
});

test("without any model the built-in demo answers about the real files and says what it is", async () => {
  const { home } = await openWarmCliWorld(() => undefined);
  home.write("README.md", "# Rocket\n\nA tool that launches rockets.\n");
  home.write("src/launch.js", "export const launch = () => {};\n");
  const result = await runHearth(home, ["run", "what is this project?"], { env: { LOCAL_KEY: undefined } });
  expect(result.code).toBe(0);
  expect(result.stdout).toMatch(/demo/i);
  expect(result.stderr).toContain("No model provider was found");
  expect(result.stdout).toMatch(/README|launch|Rocket/);
  rmSync(join(home.project, "README.md"));
  rmSync(join(home.project, "src"), { recursive: true });
  const empty = await runHearth(home, ["run", "what is this project?"], { env: { LOCAL_KEY: undefined } });
  expect(empty.stdout).toMatch(/empty/i);
});

test("a silent model, and a client that waits, use no second daemon and end on SIGTERM", async () => {
  const { home, model } = await openWarmCliWorld();
  model.script(silence);
  const run = startHearth(home, ["run", "x"]);
  await model.request(0);
  run.kill("SIGTERM");
  expect((await run.result).code).toBe(130);
});

test("run --max-cost ends with code 6 once the run has cost that much", async () => {
  const { home, model } = await openWarmCliWorld();
  model.enqueue({ ...say("One.", { call: "list", input: {} }), usage: { input: 2_000_000, output: 0 } });
  const end = await runHearth(home, ["run", "--max-cost", "1", "work"]);
  expect(end.code).toBe(6);
  expect(end.stderr).toContain("This run has cost $2.0000, and --max-cost allows $1.");
  expect(model.requests).toHaveLength(1);
});
