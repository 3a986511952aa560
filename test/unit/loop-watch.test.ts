import { expect, test } from "vitest";
import type { Log, LogFields } from "../../src/server/daemon/log.ts";
import { createLoopWatch } from "../../src/server/daemon/loop-watch.ts";
import { soon } from "../support/happenings.ts";

test("a daemon that stood still says for how long, and what was going on", async () => {
  const said = Promise.withResolvers<[message: string, fields: LogFields | undefined]>();
  const log: Log = {
    info: () => {},
    warn: (message, fields) => said.resolve([message, fields]),
    error: () => {},
  };
  const watch = createLoopWatch({ log, running: () => ["run_1 (hearth)"], isWorking: () => false });
  watch.onRequest("GET /v1/health");
  const until = performance.now() + 600;
  while (performance.now() < until);
  const [message, fields] = await soon(said.promise, "a line in the log");
  watch.stop();
  expect(message).toBe("the event loop stood still");
  expect(fields).toMatchObject({ requests: ["GET /v1/health"], runs: ["run_1 (hearth)"] });
  expect(fields?.["ms"]).toBeGreaterThan(200);
});
