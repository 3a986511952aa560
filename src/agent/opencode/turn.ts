import { ignoreError, inBackground } from "../../async/in-background.ts";
import { pause, settlesWithin } from "../../async/wait.ts";
import type { RunError } from "../../protocol/run.ts";
import type { Turn, TurnHost, TurnResult } from "../backend.ts";
import type { Child, ChildEnd } from "../children/child.ts";
import { asRunFailure } from "./failure.ts";
import type { MessageOwners } from "./message-owners.ts";
import type { ModelChoice } from "./named-model.ts";
import { permissionRequest } from "./permission.ts";
import { promptBody } from "./prompt-body.ts";
import type { OpencodeServer } from "./server.ts";
import { createTurnTranslator, type TurnAction } from "./translate.ts";
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

/** The abort is repeated this often: opencode ignores one that comes before the work begins. */
const ABORT_EVERY_MS = 250;
const POLL_AGAIN_MS = 1000;
/** How many of the session's newest messages are read to find those of one turn. */
const MESSAGES_MAX = 200;
const NOBODY_ANSWERS =
  "Nobody can be asked in this way here. Decide yourself, or end your turn and put the question in your answer.";

export type TurnPlace = {
  agent: string;
  /** opencode's session id. */
  session_id: string;
  /** null: there is no prompt, the agent works by itself. */
  message_id: string | null;
  owners: MessageOwners;
  root: string;
  child: Child<OpencodeServer>;
  /** null: the session's last model, or opencode's default. */
  model: ModelChoice | null;
  /** The opencode agent to use; null: its default. */
  mode: string | null;
  /** Shown before the turn's first output. */
  notice: { code: string; text: string } | null;
  now: number;
};

/** Runs one turn, from its prompt until opencode has finished it. `force` settles it at once. */
export async function runTurn(
  place: TurnPlace,
  turn: Turn,
  host: TurnHost,
  signal: AbortSignal,
  force: AbortSignal,
): Promise<TurnResult> {
  if (signal.aborted) return { outcome: "canceled" };
  const { agent, session_id, message_id, owners, root, child, notice } = place;
  const server = child.connection;
  const mine = owners.begin(message_id, place.now);
  const isMine = (info: AssistantInfo, isStored: boolean) => owners.turnOf(info, isStored) === mine;
  const translator = createTurnTranslator({ agent, session_id, message_id, root, isMine });
  const settled = Promise.withResolvers<TurnResult>();
  /** Resolves when opencode reports the turn's end; a cancel waits for it. */
  const endSeen = Promise.withResolvers<void>();
  const over = new AbortController();
  const asking = new AbortController();
  const waiting = AbortSignal.any([asking.signal, signal]);
  const session = `/session/${encodeURIComponent(session_id)}`;
  let life: TurnState = message_id === null ? newOwnTurn : newTurn;

  function dispatch(event: TurnEvent) {
    const { state, effects } = stepTurn(life, event);
    life = state;
    if (!isListening(state)) endSeen.resolve();
    for (const effect of effects) perform(effect);
  }

  const failed = (error: unknown) => asRunFailure(agent, error);
  /** Runs work that the turn depends on: if it fails, the turn fails. */
  const required = (work: Promise<TurnEvent>, lost: (error: RunError) => TurnEvent = failure) =>
    inBackground(
      async () => dispatch(await work.catch((error: unknown) => lost(failed(error)))),
      settled.reject, // a bug in hearth
    );
  const failure = (error: RunError): TurnEvent => ({ type: "failed", error });
  /** Runs work whose failure needs no handling: the turn's end shows it. */
  const attempt = (work: Promise<unknown>) => inBackground(() => work, ignoreError);
  const get = (path: string) => server.call("GET", path, undefined, over.signal);

  function perform(effect: TurnEffect) {
    switch (effect.do) {
      case "post":
        return required(post(), (error) => ({ type: "post_lost", error }));
      case "find_post":
        return required(findPost());
      case "poll":
        return required(poll(effect.isLater));
      case "report_retry":
        return host.emit({ type: "notice", level: "warning", code: "retry", text: effect.text });
      case "abort":
        return attempt(abort().then(dispatch));
      case "withdraw":
        return attempt(withdraw().then(dispatch));
      case "settle":
        return end(effect.result ?? idleWithoutAnswer);
    }
  }

  const idleWithoutAnswer: TurnResult =
    message_id === null ? { outcome: "end_turn" } : { outcome: "error", error: noAnswerError(agent) };
  function end(result: TurnResult) {
    owners.end(message_id, result.outcome !== "error" && result.outcome !== "canceled");
    settled.resolve(result);
  }

  /** Stops at the turn's end, also in the middle of one batch. */
  function apply(actions: readonly TurnAction[]) {
    for (const action of actions) {
      if (!isListening(life)) return;
      if (action.do === "emit") host.emit(action.event);
      else if (action.do === "step") dispatch(action.event);
      else if (action.do === "ask") attempt(ask(action.permission));
      else attempt(answer(action.question));
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
    // The questions of a canceled turn are rejected after its abort.
    if (verdict.decision === "canceled") return;
    if (verdict.decision === "deny") translator.deny(request.tool_call_id);
    const reply =
      verdict.decision === "allow"
        ? { reply: "once" }
        : { reply: "reject", message: verdict.message || "The user refused this." };
    const { status } = await server.call("POST", `/permission/${permission.id}/reply`, reply, over.signal);
    // The question is already closed.
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

  async function poll(isLater: boolean): Promise<TurnEvent> {
    if (isLater) await pause(POLL_AGAIN_MS, over.signal);
    const wasBusy = await isBusy();
    const messages = await get(`${session}/message?limit=${MESSAGES_MAX}`);
    apply(translator.merge(eventsOfMessages(messages.json)));
    return { type: "polled", isBusy: wasBusy };
  }

  async function post(): Promise<TurnEvent> {
    const body = promptBody(turn, place);
    const { status, json } = await server.call("POST", `${session}/prompt_async`, body, over.signal);
    if (status < 300) return { type: "posted" };
    return failure(failed(new Error(`it refused the prompt (${status}): ${messageIn(json)}`)));
  }

  /** A prompt whose response was lost may have been accepted. Posting it again would store it twice. */
  async function findPost(): Promise<TurnEvent> {
    const { status } = await get(`${session}/message/${message_id}`);
    return { type: "post_found", wasTaken: status === 200 };
  }

  /** Repeated until opencode has really stopped: the next turn must not see this one's end (agents.md §5.3). */
  async function abort(): Promise<TurnEvent> {
    await server.call("POST", `${session}/abort`, {}, over.signal);
    await settlesWithin(endSeen.promise, ABORT_EVERY_MS, over.signal);
    return { type: "aborted", isBusy: await isBusy() };
  }

  async function withdraw(): Promise<TurnEvent> {
    for (const { id, sessionID } of pendingIn((await get("/permission")).json)) {
      if (!translator.has(sessionID)) continue;
      await server.call("POST", `/permission/${id}/reply`, { reply: "reject" }, over.signal);
    }
    return { type: "withdrawn" };
  }

  async function loadPending() {
    for (const asked of pendingIn((await get("/permission")).json))
      apply(translator.accept({ type: "permission.asked", properties: asked }));
  }

  const onAbort = () => {
    asking.abort();
    dispatch({ type: "canceled" });
  };
  const stopListening = server.listen({
    event: (event) => apply(translator.accept(event)),
    missed() {
      translator.markGap();
      attempt(loadPending());
      dispatch({ type: "missed" });
    },
  });
  inBackground(async () => dispatch({ type: "child_gone", error: gone(await child.gone) }), settled.reject);
  const onPreempted = () => dispatch({ type: "preempted" });
  const onForce = () => dispatch({ type: "forced" });
  force.addEventListener("abort", onForce, { once: true });
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    if (notice !== null) host.emit({ type: "notice", level: "info", ...notice });
    host.emit({ type: "prompted" });
    if (message_id !== null) perform({ do: "post" });
    else {
      attempt(loadPending());
      perform({ do: "poll", isLater: false });
      if (turn.goesOn?.aborted) onPreempted();
      turn.goesOn?.addEventListener("abort", onPreempted, { once: true });
    }
    if (signal.aborted) onAbort();
    if (force.aborted) onForce();
    return await settled.promise;
  } finally {
    force.removeEventListener("abort", onForce);
    signal.removeEventListener("abort", onAbort);
    turn.goesOn?.removeEventListener("abort", onPreempted);
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

const noAnswerError = (agent: string): RunError => ({
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
