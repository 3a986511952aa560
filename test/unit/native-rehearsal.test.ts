import { createServer } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { ModelSpec } from "../../src/agent/native/models/spec.ts";
import { rehearseTurn } from "../../src/agent/native/rehearsal.ts";
import { createToolSet } from "../../src/agent/native/tool-set.ts";
import type { ProcessSupervisor } from "../../src/agent/process/types.ts";
import { createTools } from "../../src/agent/tools/catalog.ts";
import { limitDefaults } from "../../src/protocol/config.ts";

let connections = 0;
const server = createServer(() => {
  connections += 1;
});
let port = 0;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  port = typeof address === "object" && address !== null ? address.port : 0;
});
afterAll(() => void server.close());

const nothing = () => Promise.reject(new Error("a rehearsal starts no children"));
const processes: ProcessSupervisor = { spawn: nothing, stopOwner: nothing, close: nothing };

test.each(["openai-compatible", "openai", "anthropic", "google"] as const)(
  "a rehearsal with a model of type %s plays a whole turn and reaches nobody",
  async (type) => {
    const spec: ModelSpec = {
      ...{ id: "some/model", label: "some", type, model: "model", addressFrom: "a test", keyFrom: null },
      ...{ baseUrl: `http://127.0.0.1:${port}/v1`, apiKey: "a-secret-key", headers: {}, contextWindow: null },
      ...{ maxOutputTokens: null, cost: { input: 0, output: 0, cache_read: 0, cache_write: 0 } },
    };
    const result = await rehearseTurn({
      ...{ spec, root: "/nonexistent", tools: createToolSet(createTools()), processes },
      settings: { config: {}, providerEnv: {}, limits: limitDefaults },
      ...{ now: Date.now, random: Math.random },
    });
    expect(result).toEqual({ outcome: "end_turn" });
    expect(connections).toBe(0);
  },
);
