// The accepted-then-canceled race (design.md G5) through the real services, coordinator, store and native backend.
// The gate between accepted and active is the injected backend's opening: nothing in src/ knows of it.
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Backend } from "../../src/agent/backend.ts";
import { createFolderGate } from "../../src/agent/files/folder-gate.ts";
import { createNativeBackend } from "../../src/agent/native/backend.ts";
import { createProcessSupervisor } from "../../src/agent/process/supervisor.ts";
import { createTools } from "../../src/agent/tools/catalog.ts";
import { pathsHere } from "../../src/client/here.ts";
import { limitDefaults } from "../../src/protocol/config.ts";
import type { SessionId, WorkspaceId } from "../../src/protocol/ids.ts";
import type { AgentSource } from "../../src/server/agents.ts";
import { createServices } from "../../src/server/create-services.ts";
import { createLog } from "../../src/server/daemon/log.ts";
import { preparePrivateFolders } from "../../src/server/daemon/private-folders.ts";
import { openStore } from "../../src/server/store/open.ts";
import { createGate, createHappenings, eventually, type Gate, soon } from "../support/happenings.ts";
import { CANARY_KEY, createHome, localConfig } from "../support/home.ts";
import { checkStore } from "../support/invariants.ts";
import { say, startModelServer } from "../support/model-server.ts";
import { newId } from "../support/scripted-session.ts";

type Opening = { gate: Gate; signal: AbortSignal };

/** The daemon's services in this process, with one more agent, `gated`: hearth's own behind a door. */
async function openGatedServices() {
  const home = createHome();
  const model = await startModelServer();
  const config = { ...localConfig(model.baseUrl), agent: "gated" };
  home.config(config);
  const paths = pathsHere(home.env);
  preparePrivateFolders(paths, process.getuid?.() ?? 0);
  const processes = await createProcessSupervisor({ recordDir: home.folder("records") });
  const native = createNativeBackend({
    settings: () => ({ config, limits: { ...limitDefaults }, providerEnv: { LOCAL_KEY: CANARY_KEY } }),
    processes,
    folders: createFolderGate(),
    tools: createTools(),
    now: Date.now,
  });
  const openings = createHappenings<Opening>(() => "an opening");
  const backend: Backend = {
    kind: "native",
    async open(session, signal) {
      const gate = createGate();
      openings.add({ gate, signal });
      await gate.passed;
      return { ...(await native.open(session, signal)), isUsable: async () => false };
    },
    close: () => native.close(),
  };
  const source: AgentSource = {
    backend,
    describe: async () => ({
      ...{ name: "gated", backend: "native", status: "ready", reason: null, fix: null, version: null },
      ...{ model: null, models: [], modes: [], commands: [] },
    }),
  };
  const store = openStore(paths.database);
  const log = createLog(paths.log, () => new Date());
  const services = await createServices({
    ...{ paths, store, log, newId, requestStop: () => {}, version: "0", build: "0", protocol: "1.0" },
    ...{ env: home.env, now: () => new Date(), moreAgents: new Map([["gated", source]]) },
  });
  onTestFinished(async ({ task }) => {
    for (const { gate } of openings.all) gate.open();
    await services.stop(2000);
    await processes.close();
    store.close();
    log.close();
    await model.close();
    if (task.result?.state !== "fail") checkStore(home);
    home.remove();
  });
  const { workspace } = await services.workspaces.open({ path: home.project, env: home.env }, "opener");
  const wid: WorkspaceId = workspace.id;
  const sid: SessionId = services.sessions.create(wid, {}, null).id;
  const frames: string[] = [];
  services.events.attach(
    wid,
    { id: "watcher", kind: "tui", label: "", attached_at: new Date().toISOString() },
    null,
    {
      send: (frame) => void frames.push(frame.toString()),
      whenDrained: (next) => void setImmediate(next),
      end: () => {},
    },
  );
  const prompt = (text: string) =>
    services.runs.accept(wid, { session_id: sid, prompt: text }, "prompter").run_id;
  const opening = (index: number) =>
    openings
      .until((_) => openings.all.length > index, `opening ${index}`)
      .then(() => {
        const found = openings.all[index];
        if (found === undefined) throw new Error(`no opening ${index}`);
        return found;
      });
  const outcome = (runId: string) =>
    eventually(() => {
      const run = services.runs.list(wid, sid, 100).find((candidate) => candidate.id === runId);
      return run?.state === "completed" ? run : undefined;
    }, `the end of ${runId}`);
  const told = (type: string) => frames.filter((frame) => frame.includes(`\nevent: ${type}\n`));
  return { home: join(home.dir), model, services, wid, sid, prompt, opening, openings, outcome, told };
}

test("a run canceled at the gate between accepted and active ends canceled, and never starts", async () => {
  const world = await openGatedServices();
  const first = world.prompt("first");
  const { gate, signal } = await world.opening(0);
  expect(world.services.runs.get(world.wid, world.sid, first).state).toBe("accepted");

  expect(world.services.runs.cancel(world.wid, world.sid, "all", "canceller")).toEqual({
    canceled: [first],
    held: [],
  });
  expect(await world.outcome(first)).toMatchObject({
    outcome: "canceled",
    error: null,
    canceled_by: "canceller",
  });
  expect(signal.aborted).toBe(true);
  gate.open();

  // The door opened after the cancel: neither the run nor its model call gets through it.
  const second = world.prompt("second");
  (await soon(world.opening(1), "the second opening")).gate.open();
  expect((await world.outcome(second)).outcome).toBe("end_turn");
  expect(world.model.requests).toHaveLength(1);
  expect(world.told("run.started")).toHaveLength(1);
  expect(world.told("run.completed")).toHaveLength(2);
  const { messages: turn } = await world.services.sessions.messages(world.wid, world.sid, { limit: 100 });
  expect(turn.map((message) => [message.role, message.finish_reason])).toEqual([
    ["user", null],
    ["assistant", "canceled"],
    ["user", null],
    ["assistant", "end_turn"],
  ]);
});

test("a follow-up behind a run canceled at the gate is canceled with it, and what comes after runs", async () => {
  const world = await openGatedServices();
  const first = world.prompt("first");
  const second = world.prompt("second");
  const { gate } = await world.opening(0);
  const { canceled } = world.services.runs.cancel(world.wid, world.sid, "all", null);
  expect(canceled.toSorted()).toEqual([first, second].toSorted());
  const third = world.prompt("third");
  expect(world.services.runs.get(world.wid, world.sid, third).state).toBe("accepted");
  expect(world.openings.all).toHaveLength(1);
  gate.open();
  (await soon(world.opening(1), "the third prompt's opening")).gate.open();
  expect((await world.outcome(first)).outcome).toBe("canceled");
  expect((await world.outcome(second)).outcome).toBe("canceled");
  expect((await world.outcome(third)).outcome).toBe("end_turn");
  expect(world.model.requests).toHaveLength(1);
});

test("a cancel in the very tick in which the gate opens is either heard before the start or after it", async () => {
  const world = await openGatedServices();
  world.model.script(() => say("Working", { stop: "hang" }));
  for (let round = 0; round < 20; round += 1) {
    const run = world.prompt(`round ${round}`);
    const { gate } = await world.opening(round);
    gate.open();
    for (let turn = 0; turn < round; turn += 1) await Promise.resolve();
    const { canceled } = world.services.runs.cancel(world.wid, world.sid, "all", null);
    expect(canceled).toEqual([run]);
    expect((await world.outcome(run)).outcome).toBe("canceled");
  }
  expect(world.told("run.completed")).toHaveLength(20);
});

test("withdrawing at the gate is too late for the run that is about to start, and cancel is not", async () => {
  const world = await openGatedServices();
  const first = world.prompt("first");
  const { gate } = await world.opening(0);
  expect(() => world.services.runs.withdraw(world.wid, world.sid, first as never, null)).toThrow(/started/);
  world.services.runs.cancel(world.wid, world.sid, "active", null);
  gate.open();
  expect((await world.outcome(first)).outcome).toBe("canceled");
});
