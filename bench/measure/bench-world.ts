import type { Config } from "../../src/protocol/config.ts";
import type { PromptReply } from "../../src/protocol/routes/runs.ts";
import type { Api } from "../../test/support/api.ts";
import { type Daemon, startDaemon } from "../../test/support/daemon.ts";
import type { EventReader } from "../../test/support/event-reader.ts";
import { createHome, type Home, localConfig } from "../../test/support/home.ts";
import { type ModelServer, startModelServer } from "../../test/support/model-server.ts";

/** A built daemon with one session and one attached client, and a scripted model, for measuring. */
export type BenchWorld = {
  home: Home;
  model: ModelServer;
  daemon: Daemon;
  api: Api;
  events: EventReader;
  wid: string;
  sid: string;
  prompt(text: string): Promise<PromptReply>;
  cancel(): Promise<unknown>;
  completed(runId: string): Promise<unknown>;
  close(): Promise<void>;
};

/** `config` makes the configuration from the model's address and the project's folder. */
export async function openBenchWorld(
  config: (baseUrl: string, project: string) => Config = (baseUrl) => localConfig(baseUrl),
): Promise<BenchWorld> {
  const home = createHome();
  const model = await startModelServer();
  home.config(config(model.baseUrl, home.project));
  const daemon = await startDaemon(home);
  try {
    return await attach(home, model, daemon);
  } catch (error) {
    await daemon.stop();
    await model.close();
    throw error;
  }
}

async function attach(home: Home, model: ModelServer, daemon: Daemon): Promise<BenchWorld> {
  const api = daemon.api("bench");
  const { workspace } = await api.expect<{ workspace: { id: string } }>(201, "POST", "/v1/workspaces", {
    body: { path: home.project, env: home.env },
  });
  const path = `/v1/workspaces/${workspace.id}`;
  const { session } = await api.expect<{ session: { id: string } }>(201, "POST", `${path}/sessions`, {
    body: { mode: "yolo" },
  });
  const events = await daemon.events(workspace.id, "bench", { kind: "tui", validate: false });
  return {
    ...{ home, model, daemon, api, events, wid: workspace.id, sid: session.id },
    prompt: (text) =>
      api.expect<PromptReply>(202, "POST", `${path}/agent`, {
        body: { session_id: session.id, prompt: text },
      }),
    cancel: () => api.expect(200, "POST", `${path}/agent/sessions/${session.id}/cancel`),
    completed: (runId) => events.until("run.completed", (event) => event.payload.run_id === runId),
    async close() {
      events.drop();
      await daemon.stop();
      await model.close();
      home.remove();
    },
  };
}
