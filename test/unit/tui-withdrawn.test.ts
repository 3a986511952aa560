import { expect, test } from "vitest";
import type { Replica } from "../../src/client/replica.ts";
import { applyEvent } from "../../src/client/replica.ts";
import type { HearthEvent } from "../../src/protocol/events.ts";
import { noUsage } from "../../src/protocol/usage.ts";
import { createSessionFeed } from "../../src/tui/session/feed.ts";
import { prompt, replica, run, SESSION } from "../support/tui-state.ts";

const TIME = "2026-01-01T00:00:00.000Z";

test("a queued prompt that is taken back leaves one line and neither a prompt nor a canceled turn", () => {
  let current: Replica = replica({ messages: [prompt(1, "first")], runs: [run(1)] });
  const conversation = createSessionFeed({
    clientId: "me",
    now: () => 0,
    replica: () => current,
    skipped: new Set(),
    isStill: false,
  });
  const shown: { type: string; text: string }[] = [];
  const play = (type: HearthEvent["type"], payload: unknown) => {
    const event = { seq: current.seq + 1, type, time: TIME, session_id: SESSION, payload } as HearthEvent;
    current = applyEvent(current, event);
    conversation.observe(current, event);
    for (const block of conversation.advance(current).closed) {
      shown.push({ type: block.type, text: "text" in block ? block.text : "" });
    }
  };
  const queued = run(2, { state: "queued", started_at: null });
  play("message.created", { message: prompt(2, "second") });
  play("run.queued", { run: queued });
  const end = {
    ...prompt(3, ""),
    run_id: queued.id,
    role: "assistant",
    parts: [
      {
        id: "prt_9",
        type: "notice",
        level: "info",
        code: "withdrawn",
        text: "Withdrawn before it began: second",
      },
    ],
    finish_reason: "canceled",
  };
  play("message.created", { message: end });
  play("run.completed", {
    ...{ run_id: queued.id, outcome: "canceled", error: null, usage: noUsage, cost: 0 },
    ...{ canceled_by: "other", duration_ms: 0 },
  });
  expect(shown).toEqual([
    { type: "prompt", text: "first" },
    { type: "presence", text: "withdrawn by another client before it began: second" },
  ]);
  // Who comes later is told the same: neither a prompt nor a canceled turn.
  const late = createSessionFeed({
    clientId: "late",
    now: () => 0,
    replica: () => current,
    skipped: new Set(),
    isStill: false,
  });
  const blocks = late.advance(current).closed.map((block) => [block.type, "text" in block ? block.text : ""]);
  expect(blocks).toEqual([
    ["prompt", "first"],
    ["presence", "withdrawn before it began: second"],
  ]);
});
