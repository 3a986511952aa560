import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { noOptions, optionsFrom } from "../../src/agent/acp/session/agent-options.ts";
import { createMeter } from "../../src/agent/acp/session/meter.ts";
import {
  beginTurn,
  denyCall,
  endTurn,
  type Mapped,
  mapUpdate,
  type TurnState,
  trackCall,
} from "../../src/agent/acp/turn/update-mapper.ts";
import { at, isWire, type Wire, wireOf } from "../../src/agent/acp/wire.ts";
import type { BackendEvent } from "../../src/agent/backend.ts";
import { repository } from "./home.ts";

const folder = join(repository, "test/recordings");

/** `NAME-VERSION-SCENE.jsonl`, a line a message: [who said it, the message]. */
export type Recording = { agent: string; version: string; scene: string; lines: [string, Wire][] };

export function readRecording(agent: string, scene: string): Recording {
  const file = readdirSync(folder).find((name) => {
    const found = /^([a-z]+)-(\d[\d.]*)-(.+)\.jsonl$/.exec(name);
    return found?.[1] === agent && found[3] === scene;
  });
  if (file === undefined) throw new Error(`no recording of ${agent}: ${scene}`);
  const text = readFileSync(join(folder, file), "utf8");
  const lines = text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as [string, Wire]);
  return { agent, version: file.split("-")[1] ?? "", scene, lines };
}

/** All that there is of an agent. */
export const scenesOf = (agent: string): string[] =>
  readdirSync(folder).flatMap((name) => {
    const found = /^([a-z]+)-\d[\d.]*-(.+)\.jsonl$/.exec(name);
    return found?.[1] === agent && found[2] !== undefined ? [found[2]] : [];
  });

/** Every update, in the order it came. */
export const updatesIn = ({ lines }: Recording): Wire[] =>
  lines.flatMap(([from, said]) => {
    const update = at(said, "params", "update");
    return from === "agent" && isWire(update) ? [update] : [];
  });

/** What it answered to the last request of that method. */
export function answerTo({ lines }: Recording, method: string): Wire | undefined {
  const asked = lines.findLast(([from, said]) => from === "client" && said["method"] === method);
  const answer = lines.find(
    ([from, said]) => from === "agent" && said["method"] === undefined && said["id"] === asked?.[1]["id"],
  );
  return answer?.[1];
}

/** What a turn comes to when its events are laid over each other, as a reader of the transcript sees it. */
export type Told = {
  text: string;
  reasoning: string;
  calls: Call[];
  notices: string[];
  plan: { content: string; status: string }[] | undefined;
  steps: { finish: string; input: number; output: number; cost: number }[];
  events: BackendEvent[];
};
type Call = {
  id: string;
  name: string;
  kind: string;
  title: string;
  status: string;
  output: string;
  input: unknown;
  view: Extract<BackendEvent, { type: "tool_call_updated" }>["view"];
};

/**
 * Plays the turn of a recording through the translator: what the agent said between the prompt and its response. The
 * last prompt, where there are several. `deny`: what it asks for is turned down.
 */
export function tellTurn({ lines }: Recording, { deny = false, meter = createMeter("turn") } = {}): Told {
  const first = lines.findLastIndex(
    ([from, said]) => from === "client" && said["method"] === "session/prompt",
  );
  const id = lines[first]?.[1]["id"];
  const last = lines.findIndex(
    ([from, said], index) =>
      index > first && from === "agent" && said["id"] === id && said["method"] === undefined,
  );
  let state: TurnState = beginTurn("/project", "a-model");
  const events: BackendEvent[] = [];
  const apply = (mapped: Mapped) => {
    state = mapped.state;
    events.push(...mapped.events);
  };
  for (const [from, said] of lines.slice(first, last)) {
    const update = wireOf(at(said, "params", "update"));
    if (from !== "agent") continue;
    if (said["method"] === "session/update") {
      meter.update(update);
      apply(mapUpdate(state, update, 1000));
    } else if (said["method"] === "session/request_permission") {
      const { status: _, ...call } = wireOf(at(said, "params", "toolCall"));
      const callId = String(call["toolCallId"]);
      apply(trackCall(state, callId, call, 1000));
      if (deny) apply(denyCall(state, callId));
    }
  }
  const response = lines[last]?.[1];
  if (response !== undefined && "result" in response) {
    const { usage, cost } = meter.end(response["result"], true);
    apply(endTurn(state, "end_turn", usage, cost));
  }
  return fold(events);
}

export function fold(events: readonly BackendEvent[]): Told {
  const told: Told = {
    text: "",
    reasoning: "",
    calls: [],
    notices: [],
    plan: undefined,
    steps: [],
    events: [...events],
  };
  let isOpen = false;
  for (const event of events) {
    const call =
      "tool_call_id" in event ? told.calls.find((known) => known.id === event.tool_call_id) : undefined;
    const isOfStep = !["step_started", "notice", "plan", "tool_call_updated", "tool_output"].includes(
      event.type,
    );
    if (isOfStep && !isOpen) throw new Error(`${event.type} outside of a step`);
    switch (event.type) {
      case "step_started":
        if (isOpen) throw new Error("a step within a step");
        isOpen = true;
        break;
      case "step_finished":
        isOpen = false;
        told.steps.push({
          finish: event.finish_reason,
          input: event.usage.input_tokens,
          output: event.usage.output_tokens,
          cost: event.cost,
        });
        break;
      case "text_delta":
        told.text += event.text;
        break;
      case "reasoning_delta":
        told.reasoning += event.text;
        break;
      case "tool_call": {
        if (call !== undefined) throw new Error(`${event.tool_call_id} was announced twice`);
        const { name, kind, title, input, status } = event;
        told.calls.push({
          id: event.tool_call_id,
          name,
          kind,
          title,
          status,
          input,
          output: "",
          view: undefined,
        });
        break;
      }
      case "tool_call_updated": {
        if (call === undefined) throw new Error(`${event.tool_call_id} was never announced`);
        const { type: _, tool_call_id: __, ...changes } = event;
        Object.assign(call, changes);
        break;
      }
      case "tool_output":
        if (call !== undefined) call.output += event.text;
        break;
      case "notice":
        told.notices.push(event.text);
        break;
      case "plan":
        told.plan = event.entries;
    }
  }
  return told;
}

/** What a session offers, by the answer that opened it. */
export function choicesIn({ lines }: Recording) {
  const answer = lines.find(
    ([from, said]) => from === "agent" && at(said, "result", "sessionId") !== undefined,
  );
  return optionsFrom(noOptions, answer?.[1]["result"]);
}
