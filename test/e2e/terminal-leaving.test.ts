// Leaving in the moment in which something was typed: it arrives, or it is there as a draft.
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createGate, soon } from "../support/happenings.ts";
import { lastPrompt, say } from "../support/model-server.ts";
import { connectTestPty, openTestPty } from "../support/test-pty.ts";
import { openWorld, type World } from "../support/world.ts";

const CTRL_D = "\x04";

/** No session to join: the first prompt makes one. */
async function emptyWorld(): Promise<World> {
  const world = await openWorld();
  await world.daemon.api("test").expect(200, "DELETE", `/v1/workspaces/${world.wid}/sessions/${world.sid}`);
  return world;
}

function draftIn({ home }: World): string | undefined {
  const folder = `${home.dir}/state/terminals`;
  const [name] = readdirSync(folder).filter((file) => file.endsWith(".json"));
  if (name === undefined) return undefined;
  return (JSON.parse(readFileSync(`${folder}/${name}`, "utf8")) as { draft: string[] }).draft.join("");
}

test("a prompt that was sent as the terminal was left is carried out", async () => {
  const world = await emptyWorld();
  const gate = createGate();
  world.model.enqueue(say("It begins. ", { until: gate.passed }, "It is done.\n"));
  const pty = await connectTestPty(world);
  pty.type(`the last word\r${CTRL_D}`);
  expect(await soon(pty.exited, "the end of the terminal")).toBe(0);
  expect(pty.text()).toContain("work continues · resume with: hearth -c");
  expect(draftIn(world)).toBeUndefined();
  const back = await connectTestPty(world);
  await back.until((text) => text.includes("It begins."), "the turn that goes on");
  gate.open();
  await back.until((text) => text.includes("It is done."), "its end");
  expect(lastPrompt(world.model.requests[0] as never)).toBe("the last word");
});

test("a prompt typed ahead and the end of the input behind it are carried out, too", async () => {
  const world = await emptyWorld();
  world.model.enqueue(say("Read.\n"));
  const pty = openTestPty(world);
  await pty.until((text) => text.includes("›"), "the first frame");
  pty.type(`ahead of everything\r${CTRL_D}`);
  expect(await soon(pty.exited, "the end of the terminal")).toBe(0);
  expect(pty.text()).toContain("resume with: hearth -c");
  const back = await connectTestPty(world, { args: ["-c"] });
  await back.until((text) => text.includes("Read."), "the answer");
});

test("a question that was answered as the terminal was left is answered", async () => {
  const world = await openWorld();
  world.model.enqueue(say({ call: "bash", input: { command: "echo asked" } }), say("Answered.\n"));
  const pty = await connectTestPty(world, { args: ["--session", world.sid] });
  // Asked for by another client: behind what was typed here just now, keys would have to wait for a moment.
  const watcher = await world.terminal("watcher");
  await watcher.prompt("ask");
  await pty.until((text) => text.includes("allow once"), "the question");
  pty.type(`1${CTRL_D}`);
  expect(await soon(pty.exited, "the end of the terminal")).toBe(0);
  await watcher.events.until("run.completed");
  expect(JSON.stringify(await watcher.messages())).toContain("Answered.");
});

test("what a daemon that says nothing has not taken is the draft of whoever comes back", async () => {
  const world = await emptyWorld();
  const pty = await connectTestPty(world);
  process.kill(world.daemon.pid, "SIGSTOP");
  try {
    pty.type(`not lost\r${CTRL_D}`);
    await pty.until((text) => text.includes("leave again to skip"), "what is waited for");
    pty.type(CTRL_D);
    expect(await soon(pty.exited, "the end of the terminal")).toBe(0);
  } finally {
    process.kill(world.daemon.pid, "SIGCONT");
  }
  expect(pty.text()).toContain("not sent, kept as draft: 1 prompt");
  expect(draftIn(world)).toBe("not lost");
});

test("a draft that was cleared and left in one go is no draft", async () => {
  const world = await emptyWorld();
  const pty = await connectTestPty(world);
  pty.type("half a thought");
  await pty.until((text) => text.includes("› half a thought"), "the draft");
  pty.type(`\x15${CTRL_D}`);
  expect(await soon(pty.exited, "the end of the terminal")).toBe(0);
  expect(draftIn(world)).toBeUndefined();
});
