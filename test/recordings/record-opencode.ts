// node test/recordings/record-opencode.ts
// Records what a real `opencode serve` says, for the tests of the translator: opencode-serve-VERSION-SCENE.jsonl,
// first what the scene is bound to, then an event a line; paths scrubbed and long texts cut. RECORD_TO: where, else here.
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { createMessageIds } from "../../src/agent/opencode/message-ids.ts";
import { agentTools, createAgentModel } from "../support/agent-model.ts";
import { say, startModelServer } from "../support/model-server.ts";
import { agentPath, cachedAgent, realAgentEnv, whyMissing } from "../support/real-agents.ts";

type Event = { type: string; properties: Record<string, unknown> };
type Asked = { id: string; sessionID: string };

/** What trails a turn's end is part of the recording. */
const SETTLE_MS = 800;
const password = "secret";
const real = cachedAgent("opencode");
if (real === undefined) throw new Error(whyMissing("opencode"));

const base = realpathSync(mkdtempSync(join(tmpdir(), "rec-oc-")));
const home = join(base, "home");
const project = join(base, "project");
for (const folder of [home, project]) mkdirSync(folder);
const server = await startModelServer({ isStrict: false });
const model = createAgentModel(server, agentTools.opencode);
const child = spawn(real.program, ["serve", "--port", "0", "--hostname", "127.0.0.1"], {
  cwd: project,
  env: {
    PATH: agentPath(),
    HOME: home,
    TMPDIR: base,
    ...realAgentEnv("opencode", server.origin),
    OPENCODE_SERVER_PASSWORD: password,
    OPENCODE_PERMISSION: '{"edit":"ask","bash":"ask"}',
  },
  stdio: ["ignore", "pipe", "ignore"],
});
try {
  const origin = await new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const found = /listening on (http:\S+)/.exec(line)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
  await recordAll(origin, real.version);
} finally {
  child.kill("SIGTERM");
  await server.close();
  rmSync(base, { recursive: true, force: true, maxRetries: 5 });
}

async function recordAll(origin: string, version: string): Promise<void> {
  const authorization = `Basic ${Buffer.from(`opencode:${password}`).toString("base64")}`;
  const place = `directory=${encodeURIComponent(project)}`;
  const call = (method: string, path: string, body?: unknown) =>
    fetch(`${origin}${path}?${place}`, {
      method,
      headers: { authorization, "content-type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const events: Event[] = [];
  const waiters = new Set<(event: Event) => void>();
  const stream = await fetch(`${origin}/event?${place}`, { headers: { authorization } });
  const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
  void (async () => {
    let rest = "";
    for (;;) {
      const chunk = await reader?.read().catch(() => undefined);
      if (chunk?.value === undefined) return;
      const lines = (rest + chunk.value).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines.filter((text) => text.startsWith("data:"))) {
        const event = JSON.parse(line.slice(5)) as Event;
        events.push(event);
        for (const waiter of [...waiters]) waiter(event);
      }
    }
  })();
  /** From `mark` on, past or future. */
  const until = (mark: number, fits: (event: Event) => boolean) =>
    new Promise<Event>((resolve) => {
      const found = events.slice(mark).find(fits);
      if (found !== undefined) return resolve(found);
      const waiter = (event: Event) => {
        if (!fits(event)) return;
        waiters.delete(waiter);
        resolve(event);
      };
      waiters.add(waiter);
    });
  const { id: session } = (await (await call("POST", "/session", {})).json()) as { id: string };
  const newId = createMessageIds(Date.now);
  const isIdle = (event: Event) => event.type === "session.idle" && event.properties["sessionID"] === session;
  const post = (id: string, text: string) =>
    call("POST", `/session/${session}/prompt_async`, { messageID: id, parts: [{ type: "text", text }] });

  async function scene(name: string, play: (mark: number, id: string) => Promise<string>) {
    const mark = events.length;
    const first = newId();
    model.forget();
    const message_id = await play(mark, first);
    await sleep(SETTLE_MS);
    const kept = events
      .slice(mark)
      .filter(({ type }) => /^(message|session|permission|todo|question)\./.test(type));
    const lines = [{ session_id: session, message_id }, ...kept].map((line) =>
      scrub(JSON.stringify(line, shorten)),
    );
    const file = join(
      process.env["RECORD_TO"] ?? import.meta.dirname,
      `opencode-serve-${version}-${name}.jsonl`,
    );
    writeFileSync(file, `${lines.join("\n")}\n`);
    process.stdout.write(`${name}: ${kept.length} events\n`);
  }
  const turn = async (mark: number, id: string, text: string, answer?: object) => {
    await post(id, text);
    if (answer !== undefined) {
      const asked = await until(mark, ({ type }) => type === "permission.asked");
      await call("POST", `/permission/${(asked.properties as unknown as Asked).id}/reply`, answer);
    }
    await until(mark, isIdle);
    return id;
  };
  const tools = agentTools.opencode;
  const usage = { input: 1000, output: 20, cache_read: 400 };
  await scene("text", async (mark, id) => {
    model.enqueue({ pieces: [{ reasoning: "The user greets." }, "Hello ", "there."], usage });
    return turn(mark, id, "Say hello");
  });
  await scene("write", async (mark, id) => {
    model.enqueue(say("I write it.", tools.write(join(project, "new.txt"), "one\ntwo\n")), say("Written."));
    return turn(mark, id, "Write new.txt", { reply: "once" });
  });
  await scene("shell", async (mark, id) => {
    model.enqueue(say(tools.shell("echo out; echo err >&2; exit 3")), say("It said out."));
    return turn(mark, id, "Run echo", { reply: "once" });
  });
  await scene("deny", async (mark, id) => {
    model.enqueue(say(tools.shell("touch denied.txt")), say("Then not."));
    return turn(mark, id, "Touch denied.txt", { reply: "reject", message: "Not today." });
  });
  await scene("reject", async (mark, id) => {
    model.enqueue(say(tools.shell("touch denied.txt")), say("Never said."));
    return turn(mark, id, "Touch denied.txt", { reply: "reject" });
  });
  await scene("plan", async (mark, id) => {
    model.enqueue(say(tools.plan("Look", "Change")), say("Planned."));
    return turn(mark, id, "Plan it");
  });
  // The next prompt is sent as soon as the abort has returned: the first one's second end comes into it.
  await scene("abort-race", async (mark, first) => {
    model.enqueue(say("Talking", { stop: "hang" }), say("The second one."));
    await post(first, "Talk for ever");
    await until(mark, ({ type }) => type === "message.part.delta");
    await call("POST", `/session/${session}/abort`, {});
    const second = newId();
    const lineOf = events.length;
    await post(second, "And now?");
    await until(
      lineOf,
      ({ type, properties }) =>
        type === "message.updated" &&
        (properties["info"] as { parentID?: string; finish?: string }).parentID === second &&
        (properties["info"] as { finish?: string }).finish === "stop",
    );
    return second;
  });
  await scene("error", async (mark, id) => {
    model.answerAll({ status: 401, body: { error: { message: "Incorrect API key provided." } } });
    await turn(mark, id, "Fail");
    model.answerAll(undefined);
    return id;
  });
}

function shorten(_key: string, value: unknown): unknown {
  return typeof value === "string" && value.length > 2000 ? `${value.slice(0, 2000)}…` : value;
}

function scrub(text: string): string {
  return text
    .replaceAll(project, "/project")
    .replaceAll(home, "/home/user")
    .replaceAll(base, "/tmp")
    .replaceAll(base.slice(1), "tmp");
}
