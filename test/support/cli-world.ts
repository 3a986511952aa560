import { dirname } from "node:path";
import { onTestFinished } from "vitest";
import type { Config } from "../../src/protocol/config.ts";
import { createHome, type Home, localConfig } from "./home.ts";
import { checkNobodyLeft, checkSecrets, checkStore } from "./invariants.ts";
import { type ModelServer, startModelServer } from "./model-server.ts";
import { descendantsOf, processesOf, signal } from "./processes.ts";
import { startSharedDaemon } from "./shared-daemon.ts";

/** A home with a model and no daemon: whatever the test starts in it is ended, and checked, when it finishes. */
export async function openCliWorld(
  config: (baseUrl: string) => Config | string | undefined = localConfig,
): Promise<{ home: Home; model: ModelServer }> {
  const home = createHome();
  const model = await startModelServer();
  const written = config(model.baseUrl);
  if (written !== undefined) home.config(written);
  onTestFinished(async ({ task }) => {
    const left = processesOf(dirname(home.dir));
    const all = [...left, ...left.flatMap((found) => descendantsOf(found.pid))];
    for (const found of left) signal(found, "SIGTERM");
    try {
      await checkNobodyLeft(home, all);
      if (task.result?.state !== "fail") {
        checkStore(home);
        if (model.violations.length > 0) throw new Error(model.violations.join("\n"));
        checkSecrets(home);
      }
    } finally {
      for (const found of all) signal(found, "SIGKILL");
      await model.close();
      home.remove();
    }
  });
  return { home, model };
}

/** The same with a daemon that already runs, for what is not about its start: starting one takes most of a test. */
export async function openWarmCliWorld(
  config: (baseUrl: string) => Config | string | undefined = localConfig,
): Promise<{ home: Home; model: ModelServer }> {
  const world = await openCliWorld(config);
  const daemon = await startSharedDaemon(world.home);
  onTestFinished(() => daemon.stop());
  return world;
}
