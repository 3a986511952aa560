import type { FinishReason } from "../../../protocol/message.ts";
import type { Plan } from "../../../protocol/plan.ts";
import { addUsage, noUsage, type Usage } from "../../../protocol/usage.ts";
import type { BackendEvent } from "../../backend.ts";
import { usageOfChunk } from "../session/usage.ts";
import { at, textOf, type Wire, wireOf, wiresOf } from "../wire.ts";
import { contentText, isFinal, mergeCall, type ShownCall, shownCall, type TrackedCall } from "./tool-call.ts";

/**
 * The state of one turn, built from the agent's updates. Pure: every function here returns a new state and the events
 * that report the difference.
 */
export type TurnState = {
  /** Paths are shown relative to it. */
  readonly root: string;
  readonly model: string | null;
  readonly isStepOpen: boolean;
  /** Every call of the turn, by the agent's id. */
  readonly calls: ReadonlyMap<string, TrackedCall>;
  /** The ids of the open step's calls. */
  readonly stepCalls: readonly string[];
  /** The calls as last shown, so that only changes are reported. */
  readonly shown: ReadonlyMap<string, ShownCall>;
  /** Denied calls: later updates do not change their status. */
  readonly denied: ReadonlySet<string>;
  /** Usage of the open step, if the agent reports usage per step. */
  readonly stepUsage: Usage;
  readonly turnUsage: Usage;
  readonly planText: string;
  readonly chars: number;
};

export type Mapped = { state: TurnState; events: BackendEvent[] };

/** Text beyond this in one turn is dropped. */
const TURN_CHARS_MAX = 8 * 1024 * 1024;
const TURN_CALLS_MAX = 5000;
const PLAN_ENTRIES_MAX = 200;

export const beginTurn = (root: string, model: string | null): TurnState => ({
  root,
  model,
  isStepOpen: false,
  calls: new Map(),
  stepCalls: [],
  shown: new Map(),
  denied: new Set(),
  stepUsage: noUsage,
  turnUsage: noUsage,
  planText: "",
  chars: 0,
});

/** An update that begins work, unlike one about earlier work. */
export function isWork(update: Wire): boolean {
  const kind = update["sessionUpdate"];
  if (kind === "tool_call") return true;
  return (
    (kind === "agent_message_chunk" || kind === "agent_thought_chunk") &&
    contentText(update["content"]) !== ""
  );
}

/** `now` in milliseconds. Updates that are not about a turn give no events. */
export function mapUpdate(state: TurnState, update: Wire, now: number): Mapped {
  switch (update["sessionUpdate"]) {
    case "agent_message_chunk":
      return mapText(state, update, "text_delta");
    case "agent_thought_chunk":
      return mapText(state, update, "reasoning_delta");
    case "tool_call":
    case "tool_call_update":
      return mapCall(state, update, now);
    case "plan":
      return mapPlan(state, update["entries"]);
    case "notice":
      return mapNotice(state, update);
    case "compaction_update":
      return mapCompaction(state, update);
    default:
      return { state, events: [] };
  }
}

function mapText(state: TurnState, update: Wire, type: "text_delta" | "reasoning_delta"): Mapped {
  const used = usageOfChunk(update);
  const counted = used
    ? { ...state, stepUsage: addUsage(state.stepUsage, used), turnUsage: addUsage(state.turnUsage, used) }
    : state;
  const text = contentText(update["content"]);
  if (text === "") return { state: counted, events: [] };
  if (counted.chars > TURN_CHARS_MAX) return { state: counted, events: [] };
  const chars = counted.chars + text.length;
  if (chars > TURN_CHARS_MAX) return outputLimitReached({ ...counted, chars });
  const opened = openStep(counted);
  return { state: { ...opened.state, chars }, events: [...opened.events, { type, text }] };
}

const outputLimitReached = (state: TurnState): Mapped => ({
  state,
  events: [
    {
      type: "notice",
      level: "warning",
      code: "output_limit",
      text: `The agent said more than ${TURN_CHARS_MAX / 1024 / 1024} MB in one turn; the rest is left out.`,
    },
  ],
});

/** The protocol has no steps. A new one begins with the first update after all calls of the last step have ended. */
function openStep(state: TurnState): Mapped {
  const isDone =
    state.stepCalls.length > 0 &&
    state.stepCalls.every((id) => {
      const call = state.calls.get(id);
      return call === undefined || isFinal(call) || state.denied.has(id);
    });
  if (state.isStepOpen && !isDone) return { state, events: [] };
  const closed = state.isStepOpen ? closeStep(state, "tool_use", 0) : { state, events: [] };
  return {
    state: { ...closed.state, isStepOpen: true, stepCalls: [] },
    events: [...closed.events, { type: "step_started", model: state.model }],
  };
}

function closeStep(state: TurnState, finish_reason: FinishReason, cost: number): Mapped {
  return {
    state: { ...state, isStepOpen: false, stepUsage: noUsage },
    events: [{ type: "step_finished", finish_reason, usage: state.stepUsage, cost }],
  };
}

function mapCall(state: TurnState, update: Wire, now: number): Mapped {
  const id = textOf(update["toolCallId"]);
  if (id === undefined) return { state, events: [] };
  return trackCall(state, id, update, now);
}

/** Also for a permission request about a call that was never announced. */
export function trackCall(state: TurnState, id: string, update: Wire, now: number): Mapped {
  const known = state.calls.get(id);
  if (known === undefined && state.calls.size >= TURN_CALLS_MAX) return { state, events: [] };
  const call = mergeCall(known, id, update, now);
  const next = shownCall(call, state.root, now);
  // A known call stays in the step that it began in.
  const opened = known === undefined ? openStep(state) : { state, events: [] };
  const stepCalls = known === undefined ? [...opened.state.stepCalls, id] : opened.state.stepCalls;
  const mapped: TurnState = {
    ...opened.state,
    stepCalls,
    calls: new Map(state.calls).set(id, call),
    shown: new Map(state.shown).set(id, next),
  };
  const changes = callEvents(id, state.shown.get(id), next, state.denied.has(id));
  const streamed = textOf(at(update, "_meta", "terminal_output_delta", "data"));
  const output: BackendEvent[] =
    streamed === undefined || state.denied.has(id)
      ? []
      : [{ type: "tool_output", tool_call_id: id, text: streamed }];
  const plan = mapPlan(mapped, todosOf(call));
  return { state: plan.state, events: [...opened.events, ...changes, ...output, ...plan.events] };
}

function callEvents(
  id: string,
  before: ShownCall | undefined,
  now: ShownCall,
  isDenied: boolean,
): BackendEvent[] {
  const events: BackendEvent[] = [];
  const { name, kind, title, input, status, output, view } = now;
  const isOver = status === "completed" || status === "failed";
  if (before === undefined) {
    const first = isOver ? "running" : status;
    events.push({ type: "tool_call", tool_call_id: id, name, kind, title, input, status: first });
  }
  const change: Extract<BackendEvent, { type: "tool_call_updated" }> = {
    type: "tool_call_updated",
    tool_call_id: id,
    ...(before && before.title !== title ? { title } : {}),
    ...(before && before.kind !== kind ? { kind } : {}),
    ...(before && before.input !== input && JSON.stringify(before.input) !== JSON.stringify(input)
      ? { input }
      : {}),
    ...(output !== undefined && before?.output !== output ? { output } : {}),
    ...(view !== undefined && !sameView(before?.view, view) ? { view } : {}),
    ...(!isDenied && (before ? before.status !== status : isOver) ? { status } : {}),
  };
  if (Object.keys(change).length > 2) events.push(change);
  return events;
}

/** A change of a command's duration alone is not reported. */
const sameView = (before: ShownCall["view"], now: ShownCall["view"]): boolean =>
  JSON.stringify({ ...before, duration_ms: 0 }) === JSON.stringify({ ...now, duration_ms: 0 });

/** A denied call is over, whatever the agent reports later. */
export function denyCall(state: TurnState, id: string): Mapped {
  if (state.denied.has(id)) return { state, events: [] };
  return {
    state: { ...state, denied: new Set(state.denied).add(id) },
    events: [{ type: "tool_call_updated", tool_call_id: id, status: "denied" }],
  };
}

/** Some plans come as the input of a to-do tool (opencode). */
function todosOf(call: TrackedCall): unknown {
  return call.status === "completed" || call.status === "running"
    ? wireOf(call.rawInput)["todos"]
    : undefined;
}

function mapPlan(state: TurnState, list: unknown): Mapped {
  if (!Array.isArray(list)) return { state, events: [] };
  const entries = wiresOf(list)
    .slice(0, PLAN_ENTRIES_MAX)
    .flatMap((entry): Plan["entries"] => {
      const content = textOf(entry["content"]);
      const { status } = entry;
      if (content === undefined) return [];
      return [{ content, status: status === "in_progress" || status === "completed" ? status : "pending" }];
    });
  const planText = JSON.stringify(entries);
  if (planText === state.planText || (entries.length === 0 && list.length > 0)) return { state, events: [] };
  return { state: { ...state, planText }, events: [{ type: "plan", entries }] };
}

function mapNotice(state: TurnState, update: Wire): Mapped {
  const texts = [textOf(update["title"]), textOf(update["description"])].filter((text) => text !== undefined);
  if (texts.length === 0) return { state, events: [] };
  const { severity } = update;
  const level = severity === "warning" || severity === "error" ? severity : "info";
  return { state, events: [{ type: "notice", level, code: "agent", text: texts.join(": ") }] };
}

function mapCompaction(state: TurnState, update: Wire): Mapped {
  const { status } = update;
  if (status !== "completed" && status !== "failed") return { state, events: [] };
  const error = textOf(update["error"]);
  const text =
    status === "completed"
      ? "The agent summarised the older part of its conversation."
      : `The agent could not summarise its conversation${error ? `: ${error}` : "."}`;
  const level = status === "completed" ? "info" : "warning";
  return { state, events: [{ type: "notice", level, code: "compaction", text }] };
}

/**
 * Ends the turn with the response to its prompt. `used`: usage of the whole turn; ignored when the agent reported usage
 * per step.
 */
export function endTurn(
  state: TurnState,
  finish_reason: FinishReason,
  used: Usage | undefined,
  cost: number,
): Mapped {
  const isCountedByStep = state.turnUsage.input_tokens + state.turnUsage.output_tokens > 0;
  const usage = isCountedByStep || used === undefined ? state.stepUsage : used;
  const isEmpty = usage.input_tokens + usage.output_tokens === 0 && cost === 0;
  if (!state.isStepOpen && isEmpty) return { state, events: [] };
  const opened = state.isStepOpen ? { state, events: [] } : openStep(state);
  const closed = closeStep({ ...opened.state, stepUsage: usage }, finish_reason, cost);
  return { state: closed.state, events: [...opened.events, ...closed.events] };
}
