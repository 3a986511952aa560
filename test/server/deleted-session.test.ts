import { expect, onTestFinished, test } from "vitest";
import type { Backend } from "../../src/agent/backend.ts";
import { pathsHere } from "../../src/client/here.ts";
import type { AgentSource } from "../../src/server/agents.ts";
import { createServices } from "../../src/server/create-services.ts";
import { createLog } from "../../src/server/daemon/log.ts";
import { preparePrivateFolders } from "../../src/server/daemon/private-folders.ts";
import { openStore } from "../../src/server/store/open.ts";
import { soon } from "../support/happenings.ts";
import { createHome } from "../support/home.ts";
import { newId } from "../support/scripted-session.ts";

/** The daemon's services in this process, with one agent, `kept`, whose turns end when they are told to. */
async function openServices() {
  const home = createHome();
  home.config({ agent: "kept" });
  const paths = pathsHere(home.env);
  preparePrivateFolders(paths, process.getuid?.() ?? 0);
  const started = Promise.withResolvers<void>();
  const mayEnd = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<void>();
  const order: string[] = [];
  const backend: Backend = {
    kind: "acp",
    open: async () => ({
      kind: "resumed",
      isUsable: async () => true,
      async runTurn() {
        started.resolve();
        await mayEnd.promise;
        order.push("turn settled");
        return { outcome: "canceled" };
      },
      kill: async () => {},
      async close() {
        order.push("let go");
        closed.resolve();
      },
    }),
    close: async () => {},
  };
  const source: AgentSource = {
    backend,
    describe: async () => ({
      ...{ name: "kept", backend: "acp", status: "ready", reason: null, fix: null, version: null },
      ...{ model: null, models: [], modes: [], commands: [] },
    }),
  };
  const store = openStore(paths.database);
  const log = createLog(paths.log, () => new Date());
  const services = await createServices({
    ...{ paths, store, log, newId, requestStop: () => {}, version: "0", build: "0", protocol: "1.0" },
    ...{ env: home.env, now: () => new Date(), moreAgents: new Map([["kept", source]]) },
  });
  onTestFinished(async () => {
    mayEnd.resolve();
    await services.stop(2000);
    store.close();
    log.close();
    home.remove();
  });
  const { workspace } = await services.workspaces.open({ path: home.project, env: home.env }, "opener");
  return { services, wid: workspace.id, started, mayEnd, closed, order };
}

test("a deleted session lets its agent go, once the turn that it cut short has settled", async () => {
  const { services, wid, started, mayEnd, closed, order } = await openServices();
  const { id } = services.sessions.create(wid, {}, null);
  services.runs.accept(wid, { session_id: id, prompt: "work" }, "somebody");
  await soon(started.promise, "the turn");
  services.sessions.remove(wid, id, { force: false }, "somebody");
  expect(order).toEqual([]);
  mayEnd.resolve();
  await soon(closed.promise, "the agent to be let go");
  expect(order).toEqual(["turn settled", "let go"]);
});
