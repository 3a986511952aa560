import { expect, test } from "vitest";
import type { AgentSessionEvent, BackendEvent, TurnHost } from "../../src/agent/backend.ts";
import { withContextUsage } from "../../src/agent/run/context-usage.ts";
import { noUsage } from "../../src/protocol/usage.ts";

test("each step's request tells how full the window is, and one without figures tells nothing", () => {
  const heard: BackendEvent[] = [];
  const told: AgentSessionEvent[] = [];
  const host: TurnHost = {
    emit: (...events) => void heard.push(...events),
    authorize: async () => ({ decision: "allow" }),
    ask: async () => ({ kind: "nobody" }),
    delegate: async () => null,
    transcript: () => [],
    takeSteering: () => [],
  };
  const { emit } = withContextUsage(host, { onEvent: (event) => void told.push(event) });
  const finish = (input_tokens: number, output_tokens: number) =>
    emit({
      type: "step_finished",
      finish_reason: "tool_use",
      usage: { ...noUsage, input_tokens, output_tokens, cache_read_tokens: input_tokens },
      cost: 0,
    });
  emit({ type: "step_started", model: "local/big" });
  finish(900, 100);
  emit({ type: "step_started", model: "local/small" });
  finish(0, 0);
  finish(1200, 30);
  expect(heard).toHaveLength(5);
  expect(told).toEqual([
    { type: "context", used: 1000, window: null, model: "local/big" },
    { type: "context", used: 1230, window: null, model: "local/small" },
  ]);
});
