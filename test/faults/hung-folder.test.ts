// A folder on a dead network share: every call that names it waits for ever. Only who works there may notice.
import { stat } from "node:fs/promises";
import { expect, onTestFinished, test } from "vitest";
import { createFolderGate } from "../../src/agent/files/folder-gate.ts";
import { pathsHere } from "../../src/client/here.ts";
import type { RunId } from "../../src/protocol/ids.ts";
import { createServices } from "../../src/server/create-services.ts";
import { createLog } from "../../src/server/daemon/log.ts";
import { preparePrivateFolders } from "../../src/server/daemon/private-folders.ts";
import { openStore } from "../../src/server/store/open.ts";
import { createHappenings, eventually } from "../support/happenings.ts";
import { createHome, localConfig } from "../support/home.ts";
import { checkStore } from "../support/invariants.ts";
import { say, startModelServer } from "../support/model-server.ts";
import { newId } from "../support/scripted-session.ts";

/** Folders that do answer do so sooner, also on a busy machine. */
const ANSWER_MS = 5_000;

/** The daemon's services in this process; `hang` makes a folder one that does not answer. */
async function openServices(answerMsMax: number) {
  const home = createHome();
  const model = await startModelServer();
  home.config(localConfig(model.baseUrl));
  const paths = pathsHere(home.env);
  preparePrivateFolders(paths, process.getuid?.() ?? 0);
  const store = openStore(paths.database);
  const log = createLog(paths.log, () => new Date());
  const hung = new Set<string>();
  const hangs = createHappenings<string>(() => "a look at a hung folder");
  const folders = createFolderGate((folder) => {
    if (!hung.has(folder)) return stat(folder);
    hangs.add(folder);
    return new Promise(() => {});
  }, answerMsMax);
  const services = await createServices({
    ...{ paths, store, log, newId, requestStop: () => {}, version: "0", build: "0", protocol: "1.0" },
    ...{ env: home.env, now: () => new Date(), folders },
  });
  onTestFinished(async ({ task }) => {
    await services.stop(2000);
    store.close();
    log.close();
    await model.close();
    if (task.result?.state !== "fail") checkStore(home);
    home.remove();
  });
  async function openPlace(path: string) {
    const { workspace } = await services.workspaces.open({ path, env: home.env }, "opener");
    const { id: sid } = services.sessions.create(workspace.id, {}, null);
    return {
      wid: workspace.id,
      sid,
      prompt: (text: string) =>
        services.runs.accept(workspace.id, { session_id: sid, prompt: text }, "prompter").run_id,
      ended: (id: RunId) =>
        eventually(() => {
          const run = services.runs.get(workspace.id, sid, id);
          return run.state === "completed" ? run : undefined;
        }, `the end of ${id}`),
    };
  }
  return { home, model, services, openPlace, hangs, hang: (path: string) => void hung.add(path) };
}

test("while a run waits for a folder everybody else goes on, and it is canceled at once", async () => {
  const { home, model, services, openPlace, hangs, hang } = await openServices(1_000_000);
  const there = await openPlace(home.project);
  const here = await openPlace(home.folder("other"));
  hang(home.project);

  const stuck = there.prompt("Hello?");
  await hangs.until(() => hangs.all.length > 0, "a look at the hung folder");
  model.enqueue(say("Here I am."));
  expect(services.health().status).toBe("ok");
  expect((await here.ended(here.prompt("Hello?"))).outcome).toBe("end_turn");

  expect(services.runs.cancel(there.wid, there.sid, "all", "canceller").canceled).toEqual([stuck]);
  expect((await there.ended(stuck)).outcome).toBe("canceled");
  expect(model.requests).toHaveLength(1);
});

test("a prompt in a folder that does not answer ends with a sentence", async () => {
  const { home, model, openPlace, hang } = await openServices(ANSWER_MS);
  const { prompt, ended } = await openPlace(home.project);
  hang(home.project);
  const { outcome, error } = await ended(prompt("Hello?"));
  expect([outcome, error?.code]).toEqual(["error", "folder_unresponsive"]);
  expect(error?.message).toContain(`The folder ${home.project} does not respond.`);
  expect(model.requests).toHaveLength(0);
});

test("a folder that does not answer is not opened; what was open there is still shown", async () => {
  const { home, services, openPlace, hang } = await openServices(ANSWER_MS);
  const { wid, sid } = await openPlace(home.project);
  hang(home.project);
  const opening = services.workspaces.open({ path: home.project }, "opener");
  await expect(opening).rejects.toMatchObject({ code: "folder_unresponsive" });
  const snapshot = await services.snapshot(wid, { session_id: sid, limit: 10 });
  expect(snapshot.sessions.map(({ id }) => id)).toEqual([sid]);
  expect((await services.workspaces.list()).map(({ id }) => id)).toEqual([wid]);
});
