import { describe, expect, test } from "vitest";
import type { Agent, AgentSession } from "../../src/protocol/agent.ts";
import type { Message } from "../../src/protocol/message.ts";
import { createSessionFeed, pastContext } from "../../src/tui/session/feed.ts";
import { newListOverlay } from "../../src/tui/state/overlay.ts";
import { itemIds, markedIndex, modelItems } from "../../src/tui/state/overlay-items.ts";
import type { Block } from "../../src/tui/text/blocks/block.ts";
import { blocksOf } from "../../src/tui/text/blocks/message-blocks.ts";
import { statusOf } from "../../src/tui/view/status.ts";
import { connected, prompt, replica, run, SESSION, session } from "../support/tui-state.ts";

const agent = (name: string, fields: Partial<Agent> = {}): Agent => ({
  ...{ name, backend: "acp", status: "ready", reason: null, fix: null, version: null, model: null },
  ...{ models: [], modes: [], commands: [], ...fields },
});
const hearth = agent("hearth", { backend: "native" });
const said = (number: number, by: string, text = "Said."): Message => ({
  ...prompt(number, text),
  ...{ role: "assistant", agent: by, finish_reason: "end_turn" },
});
const known = (name: string, fields: Partial<AgentSession> = {}): AgentSession => ({
  ...{ session_id: SESSION, agent: name, backend: "acp", status: "warm", has_session: true },
  ...{ input_tokens: 0, output_tokens: 0, cost: 0, last_active_at: null, ...fields },
});

describe("the status line says what the next prompt comes to with the session's agent", () => {
  const state = (by: string, messages: Message[], sessions: AgentSession[], runs = [] as never[]) =>
    statusOf(
      connected({
        ...{ sessions: [session({ agent: by })], agents: [hearth, agent("goose"), agent("qwen")] },
        ...{ messages, agent_sessions: sessions, runs },
      }),
      "",
    ).agentState;

  test.each([
    { what: "new session", messages: [], sessions: [] },
    { what: "history", messages: [prompt(1, "q"), said(2, "hearth")], sessions: [] },
    {
      what: "history",
      messages: [prompt(1, "q"), said(2, "qwen")],
      sessions: [known("goose", { has_session: false, status: "cold" })],
    },
    { what: "resumed", messages: [prompt(1, "q"), said(2, "qwen")], sessions: [known("goose")] },
    {
      what: "resumed",
      messages: [prompt(1, "q"), said(2, "goose")],
      sessions: [known("goose", { status: "crashed" })],
    },
    { what: undefined, messages: [prompt(1, "q"), said(2, "goose")], sessions: [known("goose")] },
  ])("$what", ({ what, messages, sessions }) => {
    expect(state("goose", messages, sessions)).toBe(what);
  });

  test("and nothing while a turn runs, or for hearth's own agent", () => {
    expect(state("goose", [prompt(1, "q")], [], [run(1)] as never[])).toBeUndefined();
    expect(state("hearth", [prompt(1, "q"), said(2, "goose")], [])).toBeUndefined();
  });
});

test("a model of another agent is told by its name where that is shorter", () => {
  const models = [{ id: "$runtime|openai|big(openai)", name: "big", context_window: null }];
  const state = (name: string, backend: "acp" | "native") =>
    connected({
      sessions: [session({ agent: name, model: "$runtime|openai|big(openai)" })],
      agents: [agent(name, { models, backend })],
    });
  expect(statusOf(state("qwen", "acp"), "").model).toBe("big");
  expect(statusOf(state("hearth", "native"), "").model).toBe("$runtime|openai|big(openai)");
});

describe("who made it", () => {
  const named = (blocks: readonly Block[]) =>
    blocks.map((block) => ("agent" in block && block.agent !== undefined ? block.agent : "-"));
  const messages = [
    prompt(1, "a"),
    said(2, "hearth", "one"),
    prompt(3, "b"),
    said(4, "goose", "two"),
    said(5, "goose", "three"),
    prompt(6, "c"),
    said(7, "shell", ""),
    said(8, "goose", "four"),
    prompt(9, "d"),
    said(10, "hearth", "five"),
  ];

  test("is told where another one begins to speak, whichever agent the session has now", () => {
    for (const by of ["hearth", "goose"]) {
      const now = replica({ messages, sessions: [session({ agent: by })] });
      const texts = messages
        .filter(({ role }) => role === "assistant")
        .flatMap((message) => blocksOf(message, pastContext(now)).filter(({ type }) => type === "text"));
      expect(named(texts)).toEqual(["-", "goose", "-", "-", "hearth"]);
    }
  });

  test("is told of every call and every turn of another agent", () => {
    const call = {
      ...{ id: "prt_c", type: "tool_call", tool_call_id: "c", name: "bash", kind: "execute" },
      ...{ title: "ls", input: {}, status: "completed", output: "" },
    } as unknown as Message["parts"][number];
    const message = { ...said(2, "goose"), parts: [call, ...said(2, "goose").parts] };
    const now = replica({ messages: [prompt(1, "a"), message], sessions: [session({ agent: "goose" })] });
    const conversation = createSessionFeed({
      ...{ clientId: "me", now: () => 0, replica: () => now, skipped: new Set<string>(), isStill: true },
    });
    const { closed } = conversation.advance(now);
    expect(closed.map(({ type }) => type)).toEqual(["prompt", "tool_call", "text", "turn_end"]);
    expect(named(closed)).toEqual(["-", "goose", "goose", "goose"]);
  });
});

describe("a list to pick from begins at what the session has", () => {
  const models = ["small", "big"].map((id) => ({ id, name: id, context_window: null }));
  const state = connected({
    sessions: [session({ agent: "goose", model: "big" })],
    agents: [hearth, agent("goose", { models })],
  });

  test("its model", () => {
    const overlay = newListOverlay("models", "big");
    expect(markedIndex(itemIds(state, overlay, {}), overlay)).toBe(2);
    expect(modelItems(state, overlay).map(({ isCurrent }) => isCurrent)).toEqual([false, false, true]);
    const usual = connected({
      sessions: [session({ agent: "goose" })],
      agents: [agent("goose", { models })],
    });
    expect(modelItems(usual, overlay).map(({ isCurrent }) => isCurrent)).toEqual([true, false, false]);
  });

  test("its agent", () => {
    const overlay = newListOverlay("agents", "goose");
    expect(markedIndex(itemIds(state, overlay, {}), overlay)).toBe(1);
  });
});
