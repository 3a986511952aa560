// How a session is opened in an ACP agent: called off, shared with others, and beside a probe.
import { describe, expect, test } from "vitest";
import type { SessionMcpServer } from "../../src/protocol/mcp.ts";
import type { Deed } from "../support/scripted-acp.ts";
import { openScriptedWorld, type ScriptedWorld } from "../support/scripted-world.ts";

const say = (text: string): Deed => ({ do: "say", texts: [text] });
const slow = { answers: { "session/new": { gate: "open" } } };

async function canceledInOpening(at: ScriptedWorld) {
  const runId = at.world.prompt("Never mind");
  await at.acp.asked("session/new");
  at.world.cancel();
  expect(await at.world.ended(runId)).toMatchObject({ outcome: "canceled" });
  await at.world.idle();
}

describe("a session that is slow to open", () => {
  test("survives the cancel of its prompt, and serves the next one", async () => {
    const at = await openScriptedWorld();
    at.acp.everyStart(slow);
    await canceledInOpening(at);
    at.acp.nextTurn({ deeds: [say("here")] });
    const next = at.world.prompt("Again");
    await at.world.until((event) => event.type === "run.accepted", "the second prompt");
    at.acp.openGate("open");
    expect(await at.world.ended(next)).toMatchObject({ outcome: "end_turn", text: "here" });
    expect(at.acp.count("session/new")).toBe(1);
    expect(at.acp.count("session/close")).toBe(0);
  });

  test("is closed when nobody wants it any more, and its child is there for the next", async () => {
    const at = await openScriptedWorld();
    at.acp.everyStart(slow);
    await canceledInOpening(at);
    at.acp.openGate("open");
    await at.acp.asked("session/close");
    at.acp.nextTurn({ deeds: [say("here")] });
    expect(await at.world.ask("Again")).toMatchObject({ outcome: "end_turn", text: "here" });
    expect(at.acp.pids()).toHaveLength(1);
    expect(at.acp.paramsOf("session/close")).toHaveLength(1);
    const prompted = at.acp.paramsOf("session/prompt").at(-1);
    expect(prompted?.["sessionId"]).not.toBe(at.acp.paramsOf("session/close")[0]?.["sessionId"]);
  });
});

describe("an agent that holds one session", () => {
  test("has a child for each of ours", async () => {
    const at = await openScriptedWorld();
    at.acp.everyStart({ sessionsMax: 1 });
    const sessions = [at.world.sid, at.world.newSession(), at.world.newSession()];
    for (const round of ["first", "second"]) {
      for (const session of sessions) {
        at.acp.nextTurn({ deeds: [say(round)] });
        expect(await at.world.ask("Go", { session })).toMatchObject({ outcome: "end_turn", text: round });
      }
    }
    expect(at.acp.pids()).toHaveLength(3);
    expect(new Set(at.acp.paramsOf("session/prompt").map((params) => params["sessionId"])).size).toBe(3);
  });

  test("and refuses even the only one says why", async () => {
    const at = await openScriptedWorld();
    at.acp.everyStart({ sessionsMax: 0 });
    expect(await at.world.ask("Go")).toMatchObject({
      outcome: "error",
      error: { message: expect.stringContaining("a session is open already") },
    });
  });

  test.each([{ keepsOpen: false }, { keepsOpen: true }])(
    "is a prompt's before it is a probe's (%o)",
    async ({ keepsOpen }) => {
      const at = await openScriptedWorld();
      at.acp.everyStart({ sessionsMax: 1, keepsOpen, ...slow });
      const probing = at.probe();
      await at.acp.asked("session/new");
      at.acp.nextTurn({ deeds: [say("here")] });
      const runId = at.world.prompt("Go");
      await at.world.until((event) => event.type === "run.accepted", "the prompt");
      await new Promise((resolve) => setImmediate(resolve));
      at.acp.openGate("open");
      expect(await at.world.ended(runId)).toMatchObject({ outcome: "end_turn", text: "here" });
      await probing;
      expect(at.acp.pids()).toHaveLength(keepsOpen ? 2 : 1);
    },
  );

  test("is not probed while it is busy, which is no error", async () => {
    const at = await openScriptedWorld();
    at.acp.everyStart({ sessionsMax: 1 });
    at.acp.nextTurn({ deeds: [say("here")] });
    await at.world.ask("Go");
    expect(await at.probe()).toBeNull();
  });
});

test("a prompt preempts a probe that has just started", async () => {
  const at = await openScriptedWorld();
  at.acp.everyStart({ answers: { initialize: { gate: "start" } } });
  const probing = at.probe();
  await at.acp.asked("initialize");
  at.acp.nextTurn({ deeds: [say("here")] });
  const runId = at.world.prompt("Go");
  await at.world.until((event) => event.type === "run.accepted", "the prompt");
  await new Promise((resolve) => setImmediate(resolve));
  at.acp.openGate("start");
  expect(await at.world.ended(runId)).toMatchObject({ outcome: "end_turn", text: "here" });
  expect(await probing).toBeNull();
  expect(at.acp.count("session/new")).toBe(1);
});

test("a session's MCP servers are given to the agent as it can use them, and anew when they change", async () => {
  const own = (name: string): SessionMcpServer => ({
    ...{ transport: "stdio", name, command: "server", args: ["-v"], env: { TOKEN: "t" } },
  });
  const http = { transport: "http", name: "far", url: "http://h/mcp", headers: { A: "b" } } as const;
  let servers: SessionMcpServer[] = [own("near"), http];
  const at = await openScriptedWorld({ mcpServers: () => servers });
  const go = async (text: string) => {
    at.acp.nextTurn({ deeds: [say(text)] });
    expect(await at.world.ask(text)).toMatchObject({ outcome: "end_turn", text });
  };
  const near = { name: "near", command: "server", args: ["-v"], env: [{ name: "TOKEN", value: "t" }] };
  await go("one");
  expect(at.acp.paramsOf("session/new")).toMatchObject([{ mcpServers: [near] }]);
  expect(JSON.stringify(at.world.messages())).toContain("takes no MCP servers at an address: far left out");
  servers = [own("near"), { ...http }];
  await go("two");
  expect([at.acp.count("session/new"), at.acp.count("session/load")]).toEqual([1, 0]);
  servers = [own("near"), own("next")];
  await go("three");
  expect(at.acp.paramsOf("session/load")).toMatchObject([{ mcpServers: [near, { ...near, name: "next" }] }]);

  const other = await openScriptedWorld({ mcpServers: () => [http] });
  other.acp.everyStart({ takesHttp: true });
  other.acp.nextTurn({ deeds: [say("here")] });
  await other.world.ask("Go");
  expect(other.acp.paramsOf("session/new")).toMatchObject([
    {
      mcpServers: [{ type: "http", name: "far", url: "http://h/mcp", headers: [{ name: "A", value: "b" }] }],
    },
  ]);
});
