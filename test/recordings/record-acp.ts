// node test/recordings/record-acp.ts [NAME…]
// Records what real agents say over ACP, for the tests of the translator: NAME-VERSION-SCENE.jsonl, a line a
// message, [who said it, the message], paths and dates scrubbed and long lists cut. RECORD_TO: where, else here.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { quirksOf } from "../../src/agent/acp/quirks.ts";
import { knownAgents } from "../../src/agent/registry/known-agents.ts";
import { type AgentModel, agentTools, createAgentModel } from "../support/agent-model.ts";
import { say, startModelServer } from "../support/model-server.ts";
import {
  agentPath,
  cachedAgent,
  type RealAgent,
  realAgentEnv,
  realAgentFiles,
  whyMissing,
} from "../support/real-agents.ts";

type Json = Record<string, unknown>;
type Line = ["agent" | "client", Json];
type Place = { base: string; home: string; project: string; origin: string };

const recordable = ["goose", "qwen", "opencode", "claude", "codex", "gemini"] as const;
/** What trails a response is part of the recording. */
const settleMs = 800;
const folder = process.env["RECORD_TO"] ?? import.meta.dirname;
const listMax = 6;

async function record(agent: RealAgent, name: (typeof recordable)[number]): Promise<void> {
  const base = realpathSync(mkdtempSync(join(tmpdir(), `rec-${name}-`)));
  const server = await startModelServer({ isStrict: false });
  const place = { base, home: join(base, "home"), project: join(base, "project"), origin: server.origin };
  mkdirSync(place.home);
  mkdirSync(place.project);
  const file = realAgentFiles[name];
  if (file) {
    mkdirSync(dirname(join(place.home, file.path)), { recursive: true });
    writeFileSync(join(place.home, file.path), JSON.stringify(file.content));
  }
  const model = createAgentModel(server, agentTools[name]);
  let first: Agent | undefined;
  let second: Agent | undefined;
  const save = (scene: string, lines: readonly Line[]) => {
    const text = lines.map((line) => scrub(JSON.stringify(line, shorten), place)).join("\n");
    writeFileSync(join(folder, `${name}-${agent.version}-${scene}.jsonl`), `${text}\n`);
    process.stdout.write(`${name} ${scene}: ${lines.length} messages\n`);
  };
  try {
    first = start(agent, place);
    await playScenes(first, name, model, place, save);
    await first.stop();
    if (!quirksOf(name, agent.program).canLoad) return;
    second = start(agent, place);
    await second.initialize();
    const mark = second.lines.length;
    await second.request("session/load", { sessionId: first.sessionId, cwd: place.project, mcpServers: [] });
    model.forget();
    model.enqueue(say("Here again."));
    await second.prompt("Are you there?", first.sessionId);
    save("load", second.lines.slice(mark));
  } finally {
    await Promise.all([first?.stop(), second?.stop()]);
    await server.close();
    rmSync(base, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function playScenes(
  agent: Agent,
  name: (typeof recordable)[number],
  model: AgentModel,
  { project }: Place,
  save: (scene: string, lines: readonly Line[]) => void,
): Promise<void> {
  const tools = agentTools[name];
  const scene = async (title: string, play: () => Promise<unknown>) => {
    const mark = agent.lines.length;
    model.forget();
    await play();
    await sleep(settleMs);
    save(title, agent.lines.slice(mark));
  };
  const usage = { input: 1000, output: 20, cache_read: 400 };
  await scene("open", async () => {
    await agent.initialize();
    await agent.open(project);
    const modeId = knownAgents[name]?.modes.ask ?? null;
    if (typeof modeId === "string")
      await agent.request("session/set_mode", { sessionId: agent.sessionId, modeId });
  });
  await scene("text", async () => {
    model.enqueue({ pieces: [{ reasoning: "The user greets." }, "Hello ", "there."], usage });
    await agent.prompt("Say hello");
  });
  await scene("text-again", async () => {
    model.enqueue({ pieces: ["Hello ", "again."], usage: { input: 1200, output: 30, cache_read: 1000 } });
    await agent.prompt("Say hello again");
  });
  await scene("write", async () => {
    model.enqueue(
      { pieces: ["I write it.", tools.write(join(project, "new.txt"), "one\ntwo\n")] },
      say("Written."),
    );
    await agent.prompt("Write new.txt");
  });
  await scene("edit", async () => {
    const file = join(project, "new.txt");
    model.enqueue(say(tools.read(file)), say(tools.edit(file, "two", "three")), say("Edited."));
    await agent.prompt("Edit new.txt");
  });
  await scene("shell", async () => {
    model.enqueue(say(tools.shell("echo out; echo err >&2; exit 3")), say("It said out."));
    await agent.prompt("Run echo");
  });
  await scene("deny", async () => {
    agent.answer = "reject_once";
    model.enqueue(say(tools.shell("touch denied.txt")), say("Then not."));
    await agent.prompt("Touch denied.txt");
    agent.answer = "allow_once";
  });
  if ("plan" in tools) {
    await scene("plan", async () => {
      model.enqueue(say(tools.plan("Look", "Change")), say("Planned."));
      await agent.prompt("Plan it");
    });
  }
  await scene("cancel-text", async () => {
    const seen = model.requests.length;
    // goose hears a cancel only when the model says something.
    model.enqueue(() =>
      say(...Array.from({ length: 40 }, (_, n) => [`Word${n} `, { until: sleep(50 * n) }]).flat()),
    );
    const done = agent.prompt("Talk for ever");
    await model.asked(seen + 1);
    await agent.until((message) => JSON.stringify(message).includes("Word5"));
    agent.cancel();
    await done;
  });
  await scene("cancel-permission", async () => {
    agent.answer = "wait";
    model.enqueue(say(tools.shell("touch canceled.txt")), say("Too late."));
    const done = agent.prompt("Touch canceled.txt");
    await agent.until((message) => message["method"] === "session/request_permission");
    agent.cancel();
    await done;
    agent.answer = "allow_once";
  });
  await scene("cancel-shell", async () => {
    const file = join(project, "started");
    model.enqueue(say(tools.shell(`touch ${file}; tail -f /dev/null`)), say("Too late."));
    const done = agent.prompt("Wait for ever");
    while (!exists(file)) await sleep(20);
    agent.cancel();
    await done;
  });
  await scene("model", async () => {
    const { id, value } = agent.anotherModel;
    const { sessionId } = agent;
    if (id === null) await agent.request("session/set_model", { sessionId, modelId: value });
    else await agent.request("session/set_config_option", { sessionId, configId: id, value });
    model.enqueue(say("Another me."));
    await agent.prompt("Who are you?");
  });
  // These try for a long time.
  if (name === "claude" || name === "codex") return;
  await scene("error", async () => {
    model.answerAll({ status: 401, body: { message: "Incorrect API key provided." } });
    await agent.prompt("Fail");
    model.answerAll(undefined);
  });
}

function exists(file: string): boolean {
  try {
    readFileSync(file);
    return true;
  } catch {
    return false;
  }
}

type ConfigOption = { id: string; category?: string; options: { value: string }[] };
type NewSession = {
  sessionId: string;
  configOptions?: ConfigOption[];
  models?: { availableModels: { modelId: string }[] };
};
type Agent = {
  readonly lines: readonly Line[];
  sessionId: string;
  /** The option that chooses the model, where there is one, and its last value. */
  anotherModel: { id: string | null; value: string };
  /** What is said to questions for permission. */
  answer: "allow_once" | "reject_once" | "wait";
  request(method: string, params: Json): Promise<Json>;
  initialize(): Promise<Json>;
  open(cwd: string): Promise<void>;
  prompt(text: string, sessionId?: string): Promise<Json>;
  cancel(): void;
  until(fits: (message: Json) => boolean): Promise<void>;
  stop(): Promise<void>;
};

/** A client that does no more than its capabilities need. */
function start(agent: RealAgent, { base, home, project, origin }: Place): Agent {
  const [command, ...args] = agent.command;
  const env = {
    PATH: agentPath(),
    HOME: home,
    TMPDIR: base,
    GOOSE_MODE: "approve",
    ...realAgentEnv(agent.name, origin),
  };
  const child = spawn(command, args, {
    env: { ...env, OPENCODE_SERVER_PASSWORD: "secret", OPENCODE_PERMISSION: '{"edit":"ask","bash":"ask"}' },
    cwd: project,
    detached: true,
    stdio: ["pipe", "pipe", "ignore"],
  });
  const lines: Line[] = [];
  const pending = new Map<number, (message: Json) => void>();
  const waiters = new Set<(message: Json) => void>();
  const open = new Set<() => void>();
  const terminals = new Map<string, Terminal>();
  let nextId = 0;

  function send(message: Json) {
    lines.push(["client", message]);
    child.stdin.write(`${JSON.stringify(message)}\n`);
  }
  createInterface({ input: child.stdout }).on("line", (text) => {
    const message = JSON.parse(text) as Json;
    lines.push(["agent", message]);
    for (const waiter of waiters) waiter(message);
    if (typeof message["method"] === "string") {
      if ("id" in message) void answerRequest(message, message["method"], (message["params"] ?? {}) as Json);
    } else pending.get(message["id"] as number)?.(message);
  });

  async function answerRequest(message: Json, method: string, params: Json) {
    const reply = (fields: Json) => send({ jsonrpc: "2.0", id: message["id"], ...fields });
    switch (method) {
      case "session/request_permission": {
        const isCanceled = self.answer === "wait";
        if (isCanceled) await new Promise<void>((resolve) => open.add(resolve));
        const options = params["options"] as { optionId: string; kind: string }[];
        const chosen = options.find(({ kind }) => kind === self.answer);
        const outcome =
          chosen && !isCanceled
            ? { outcome: "selected", optionId: chosen.optionId }
            : { outcome: "cancelled" };
        return reply({ result: { outcome } });
      }
      case "fs/read_text_file":
        try {
          return reply({ result: { content: readFileSync(params["path"] as string, "utf8") } });
        } catch (error) {
          return reply({ error: { code: -32002, message: `Resource not found: ${error}` } });
        }
      case "fs/write_text_file":
        writeFileSync(params["path"] as string, params["content"] as string);
        return reply({ result: {} });
      case "terminal/create": {
        const id = `term_${terminals.size}`;
        terminals.set(id, runTerminal(params["command"] as string, project));
        return reply({ result: { terminalId: id } });
      }
      case "terminal/output": {
        const { output, exit } = terminals.get(params["terminalId"] as string) ?? noTerminal;
        return reply({ result: { output: output(), truncated: false, exitStatus: exit() } });
      }
      case "terminal/wait_for_exit":
        return reply({ result: await (terminals.get(params["terminalId"] as string) ?? noTerminal).ended });
      case "terminal/kill":
      case "terminal/release":
        terminals.get(params["terminalId"] as string)?.kill();
        return reply({ result: {} });
      default:
        return reply({ error: { code: -32601, message: `"Method not found": ${method}` } });
    }
  }

  const self: Agent = {
    lines,
    sessionId: "",
    anotherModel: { id: null, value: "" },
    answer: "allow_once",
    request(method, params) {
      nextId += 1;
      const id = nextId;
      const answered = new Promise<Json>((resolve) => pending.set(id, resolve));
      send({ jsonrpc: "2.0", id, method, params });
      return answered;
    },
    initialize: () =>
      self.request("initialize", {
        protocolVersion: 1,
        clientCapabilities: {
          fs: { readTextFile: quirksOf(agent.name, agent.program).readsFiles, writeTextFile: true },
          terminal: true,
        },
        clientInfo: { name: "hearth", version: "0.1.0" },
      }),
    async open(cwd) {
      const { result } = await self.request("session/new", { cwd, mcpServers: [] });
      const { sessionId, configOptions, models } = result as NewSession;
      const option = configOptions?.find(({ category }) => category === "model");
      self.sessionId = sessionId;
      self.anotherModel =
        option === undefined
          ? { id: null, value: models?.availableModels.at(-1)?.modelId ?? "" }
          : { id: option.id, value: option.options.at(-1)?.value ?? "" };
    },
    prompt: (text, sessionId = self.sessionId) =>
      self.request("session/prompt", { sessionId, prompt: [{ type: "text", text }] }),
    cancel() {
      send({ jsonrpc: "2.0", method: "session/cancel", params: { sessionId: self.sessionId } });
      for (const resolve of open) resolve();
      for (const terminal of terminals.values()) terminal.kill();
    },
    until: (fits) =>
      new Promise<void>((resolve) => {
        const waiter = (message: Json) => {
          if (!fits(message)) return;
          waiters.delete(waiter);
          resolve();
        };
        waiters.add(waiter);
      }),
    async stop() {
      for (const terminal of terminals.values()) terminal.kill();
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = new Promise((resolve) => child.once("exit", resolve));
      if (child.pid !== undefined) process.kill(-child.pid, "SIGTERM");
      await exited;
    },
  };
  return self;
}

type Exit = { exitCode: number | null; signal: string | null };
type Terminal = { output(): string; exit(): Exit | null; ended: Promise<Exit>; kill(): void };
const noTerminal: Terminal = {
  output: () => "",
  exit: () => null,
  ended: Promise.resolve({ exitCode: null, signal: null }),
  kill: () => {},
};

function runTerminal(line: string, cwd: string): Terminal {
  const child = spawn("/bin/sh", ["-c", line], { cwd, detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let exit: Exit | null = null;
  child.stdout.on("data", (chunk) => (output += String(chunk)));
  child.stderr.on("data", (chunk) => (output += String(chunk)));
  const ended = new Promise<Exit>((resolve) => {
    child.once("close", (exitCode, signal) => {
      exit = { exitCode, signal };
      resolve(exit);
    });
  });
  return {
    output: () => output,
    exit: () => exit,
    ended,
    kill() {
      if (child.pid !== undefined && exit === null) process.kill(-child.pid, "SIGKILL");
    },
  };
}

/** Whole texts of the agent's own, which its protocol has no word for. */
const privateTexts = new Set(["availableSkillDetails"]);
const longLists = new Set(["options", "availableModels", "availableCommands", "availableModes"]);
function shorten(key: string, value: unknown): unknown {
  if (privateTexts.has(key)) return undefined;
  if (Array.isArray(value) && longLists.has(key))
    return value.slice(0, key === "availableModes" ? 9 : listMax);
  return typeof value === "string" && value.length > 4000 ? `${value.slice(0, 4000)}…` : value;
}

function scrub(text: string, { project, home, base, origin }: Place): string {
  return text
    .replaceAll(project, "/project")
    .replaceAll(home, "/home/user")
    .replaceAll(base, "/tmp")
    .replaceAll(origin, "http://127.0.0.1:8080")
    .replaceAll(/20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)/g, "2026-01-02T03:04:05.006Z")
    .replaceAll(/20\d{6}_(\d+)/g, "20260102_$1");
}

const asked = process.argv.slice(2);
for (const name of recordable) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  const agent = cachedAgent(name);
  if (agent === undefined) {
    process.stderr.write(`${whyMissing(name)}\n`);
    process.exitCode = 1;
    continue;
  }
  await record(agent, name);
}
