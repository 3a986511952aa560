import { expect, test } from "vitest";
import { offersOf } from "../../src/cli/agents.ts";
import type { Agent } from "../../src/protocol/agent.ts";

const agent: Agent = {
  ...{ name: "goose", backend: "acp", status: "ready", reason: null, fix: null, version: "1.34.0" },
  ...{ model: null, models: [], modes: [], commands: [] },
};

test("a probe tells what the agent has, the first names of each kind", () => {
  const models = Array.from({ length: 20 }, (_, index) => ({
    ...{ id: `model-${index + 1}`, name: "", context_window: null },
  }));
  const modes = [{ id: "auto", name: "Auto" }];
  const commands = [{ name: "plan", description: "" }];
  expect(offersOf({ ...agent, models, modes, commands })).toBe(
    [
      "",
      "goose",
      "  models    model-1, model-2, model-3, model-4, model-5, model-6, model-7, model-8 and 12 more",
      "  modes     auto",
      "  commands  /plan",
      "",
    ].join("\n"),
  );
});

test("an agent that said nothing has no paragraph", () => {
  expect(offersOf(agent)).toBe("");
});
