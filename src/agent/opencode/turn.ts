import { inBackground, notMissed } from "../../async/in-background.ts";
import { pause, settlesWithin } from "../../async/wait.ts";
import type { RunError } from "../../protocol/run.ts";
import type { Turn, TurnHost, TurnResult } from "../backend.ts";
import type { Child, ChildEnd } from "../children/child.ts";
import { asRunFailure } from "./failure.ts";
import type { ModelChoice } from "./named-model.ts";
import type { OwnWork } from "./own-work.ts";
import { permissionRequest } from "./permission.ts";
import { promptBody } from "./prompt-body.ts";
import type { OpencodeServer } from "./server.ts";
import { createTurnTranslator, type Said } from "./translate.ts";
import {
  isListening,
  newOwnTurn,
  newTurn,
  stepTurn,
  type TurnEffect,
  type TurnEvent,
  type TurnState,
} from "./turn-state.ts";
import {
  type AssistantInfo,
  eventsOfMessages,
  PermissionAsked as Pending,
  type PermissionAsked,
  type QuestionAsked,
} from "./wire.ts";

/** How often a canceled turn is asked for again: an abort that comes before the work begins is not heard. */
const ABORT_EVERY_MS = 250;
const LOOK_AGAIN_MS = 1000;
/** What a session's newest messages may be, to find those of one turn. */
const MESSAGES_MAX = 200;
const NOBODY_ANSWERS =
  "Nobody can be asked in this way here. Decide yourself, or end your turn and put the question in your answer.";

export type TurnPlace = {
  agent: string;
  /** opencode's own id. */
  session_id: string;
  /** null: it has no prompt, the agent works by itself. */
  message_id: string | null;
  /** Whose words are whose. */
  own: OwnWork;
  root: string;
  child: Child<OpencodeServer>;
  /** null: the one that the session has used last, or its own choice. */
  model: ModelChoice | null;
  /** Which of its agents works; null: its own choice. */
  mode: string | null;
  /** Something to be told before the turn's first words. */
  notice: { code: string; text: string } | null;
  now: number;
};

/** One turn, from its prompt until opencode has done with it. `force` settles it from outside. */
export async function runTurn(
  place: TurnPlace,
  turn: Turn,
  host: TurnHost,
  signal: AbortSignal,
  force: AbortSignal,
): Promise<TurnResult> {
  if (signal.aborted) return { outcome: "canceled" };
  const { agent, session_id, message_id, own, root, child, notice } = place;
  const server = child.connection;
  const mine = own.begin(message_id, place.now);
  const isMine = (info: AssistantInfo, isStored: boolean) => own.turnOf(info, isStored) === mine;
  const translator = createTurnTranslator({ agent, session_id, message_id, root, isMine });
  const settled = Promise.withResolvers<TurnResult>();
  /** It said its own end, which a cancel waits for. */
  const heardEnd = Promise.withResolvers<void>();
  const over = new AbortController();
  const asking = new AbortController();
  const waiting = AbortSignal.any([asking.signal, signal]);
  const session = `/session/${encodeURIComponent(session_id)}`;
  let life: TurnState = message_id === null ? newOwnTurn : newTurn;

  function dispatch(event: TurnEvent) {
    const { state, effects } = stepTurn(life, event);
    life = state;
    if (!isListening(state)) heardEnd.resolve();
    for (const effect of effects) perform(effect);
  }

  const failed = (error: unknown) => asRunFailure(agent, error);
  /** Does what the turn cannot go on without. */
  const needed = (work: Promise<TurnEvent>, lost: (error: RunError) => TurnEvent = failure) =>
    inBackground(
      async () => dispatch(await work.catch((error: unknown) => lost(failed(error)))),
      settled.reject, // a fault of our own: whoever waits for the turn tells it
    );
  const failure = (error: RunError): TurnEvent => ({ type: "failed", error });
  /** Its loss shows in how the turn ends. */
  const quietly = (work: Promise<unknown>) => inBackground(() => work, notMissed);
  const get = (path: string) => server.call("GET", path, undefined, over.signal);

  function perform(effect: TurnEffect) {
    switch (effect.do) {
      case "post":
        return needed(post(), (error) => ({ type: "post_lost", error }));
      case "find_post":
        return needed(findPost());
      case "look":
        return needed(look(effect.isLater));
      case "tell_retry":
        return host.emit({ type: "notice", level: "warning", code: "retry", text: effect.text });
      case "abort":
        return quietly(abort().then(dispatch));
      case "withdraw":
        return quietly(withdraw().then(dispatch));
      case "settle":
        return end(effect.result ?? silently);
    }
  }

  const silently: TurnResult =
    message_id === null ? { outcome: "end_turn" } : { outcome: "error", error: silent(agent) };
  function end(result: TurnResult) {
    own.end(message_id, result.outcome !== "error" && result.outcome !== "canceled");
    settled.resolve(result);
  }

  /** What opencode says counts until the turn's own end, also within one answer of its. */
  function hear(all: readonly Said[]) {
    for (const said of all) {
      if (!isListening(life)) return;
      if (said.do === "emit") host.emit(said.event);
      else if (said.do === "step") dispatch(said.event);
      else if (said.do === "ask") quietly(ask(said.permission));
      else quietly(answer(said.question));
    }
  }

  async function ask(permission: PermissionAsked) {
    const call = translator.call(permission.tool?.callID);
    const request = permissionRequest(permission, call, root);
    if (call === undefined) {
      const { tool_call_id, kind, title } = request;
      const input = permission.metadata;
      host.emit({
        type: "tool_call",
        tool_call_id,
        name: permission.permission,
        kind,
        title,
        input,
        status: "pending",
      });
    }
    const verdict = await host.authorize(request, waiting);
    // A canceled turn's questions are taken back behind its abort.
    if (verdict.decision === "canceled") return;
    if (verdict.decision === "deny") translator.deny(request.tool_call_id);
    const reply =
      verdict.decision === "allow"
        ? { reply: "once" }
        : { reply: "reject", message: verdict.message || "The user refused this." };
    const { status } = await server.call("POST", `/permission/${permission.id}/reply`, reply, over.signal);
    // Its end has overtaken the answer.
    if (status === 404) return;
    if (call === undefined) {
      const isAllowed = verdict.decision === "allow";
      host.emit({
        type: "tool_call_updated",
        tool_call_id: request.tool_call_id,
        status: isAllowed ? "completed" : "denied",
      });
    }
  }

  async function answer({ id, questions }: QuestionAsked) {
    const answers = questions.map(() => [NOBODY_ANSWERS]);
    const { status } = await server.call("POST", `/question/${id}/reply`, { answers }, over.signal);
    if (status >= 400) await server.call("POST", `/question/${id}/reject`, {}, over.signal);
  }

  const isBusy = async () => statusOf((await get("/session/status")).json, session_id) !== "idle";

  async function look(isLater: boolean): Promise<TurnEvent> {
    if (isLater) await pause(LOOK_AGAIN_MS, over.signal);
    const wasBusy = await isBusy();
    const messages = await get(`${session}/message?limit=${MESSAGES_MAX}`);
    hear(translator.merge(eventsOfMessages(messages.json)));
    return { type: "looked", isBusy: wasBusy };
  }

  async function post(): Promise<TurnEvent> {
    const body = promptBody(turn, place);
    const { status, json } = await server.call("POST", `${session}/prompt_async`, body, over.signal);
    if (status < 300) return { type: "posted" };
    return failure(failed(new Error(`it refused the prompt (${status}): ${messageIn(json)}`)));
  }

  /** A prompt whose answer was lost may have been taken all the same: posted again, it would be written twice. */
  async function findPost(): Promise<TurnEvent> {
    const { status } = await get(`${session}/message/${message_id}`);
    return { type: "post_found", wasTaken: status === 200 };
  }

  /** Until it has really stopped: the next turn must not meet this one's end (agents.md §5.3). */
  async function abort(): Promise<TurnEvent> {
    await server.call("POST", `${session}/abort`, {}, over.signal);
    await settlesWithin(heardEnd.promise, ABORT_EVERY_MS, over.signal);
    return { type: "aborted", isBusy: await isBusy() };
  }

  async function withdraw(): Promise<TurnEvent> {
    for (const { id, sessionID } of pendingIn((await get("/permission")).json)) {
      if (!translator.has(sessionID)) continue;
      await server.call("POST", `/permission/${id}/reply`, { reply: "reject" }, over.signal);
    }
    return { type: "withdrawn" };
  }

  async function hearPending() {
    for (const asked of pendingIn((await get("/permission")).json))
      hear(translator.accept({ type: "permission.asked", properties: asked }));
  }

  const onAbort = () => {
    asking.abort();
    dispatch({ type: "canceled" });
  };
  const stopListening = server.listen({
    event: (event) => hear(translator.accept(event)),
    missed() {
      translator.lostTrack();
      quietly(hearPending());
      dispatch({ type: "missed" });
    },
  });
  inBackground(async () => dispatch({ type: "child_gone", error: gone(await child.gone) }), settled.reject);
  const onWanted = () => dispatch({ type: "gave_way" });
  const onForce = () => dispatch({ type: "forced" });
  force.addEventListener("abort", onForce, { once: true });
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    if (notice !== null) host.emit({ type: "notice", level: "info", ...notice });
    host.emit({ type: "prompted" });
    if (message_id !== null) perform({ do: "post" });
    else {
      quietly(hearPending());
      perform({ do: "look", isLater: false });
      if (turn.goesOn?.aborted) onWanted();
      turn.goesOn?.addEventListener("abort", onWanted, { once: true });
    }
    if (signal.aborted) onAbort();
    if (force.aborted) onForce();
    return await settled.promise;
  } finally {
    force.removeEventListener("abort", onForce);
    signal.removeEventListener("abort", onAbort);
    turn.goesOn?.removeEventListener("abort", onWanted);
    stopListening();
    asking.abort();
    over.abort();
  }
}

const gone = ({ kind, message }: ChildEnd): RunError => ({
  code: kind === "crashed" ? "agent_crashed" : "agent_unavailable",
  message: `${message}. The next prompt starts it again.`,
  retryable: true,
});

const silent = (agent: string): RunError => ({
  code: "provider_error",
  message: `${agent} ended the turn without an answer.`,
  retryable: true,
});

function statusOf(json: unknown, sessionId: string): string {
  const entry = typeof json === "object" && json !== null ? Object.entries(json) : [];
  const mine: unknown = entry.find(([id]) => id === sessionId)?.[1];
  if (typeof mine !== "object" || mine === null || !("type" in mine)) return "idle";
  return String(mine.type);
}

const pendingIn = (json: unknown): PermissionAsked[] =>
  (Array.isArray(json) ? json : []).flatMap((entry) => Pending.safeParse(entry).data ?? []);

function messageIn(json: unknown): string {
  return json === undefined ? "no reason given" : JSON.stringify(json).slice(0, 300);
}
