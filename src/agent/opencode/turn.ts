import { isAbsolute, join } from "node:path";
import { pathToFileURL } from "node:url";
import { pause, settlesWithin, untilAborted } from "../../async/wait.ts";
import type { Attachment } from "../../protocol/routes.ts";
import type { Turn, TurnHost, TurnResult } from "../backend.ts";
import type { Child } from "../children/child.ts";
import { asRunFailure } from "./failure.ts";
import type { ModelChoice } from "./named-model.ts";
import { permissionRequest } from "./permission.ts";
import type { OpencodeServer, Reply } from "./server.ts";
import { createTurnTranslator, type TurnEffect } from "./translate.ts";
import {
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
  message_id: string;
  root: string;
  child: Child<OpencodeServer>;
  /** null: the one that the session has used last, or its own choice. */
  model: ModelChoice | null;
  /** Which of its agents works; null: its own choice. */
  mode: string | null;
  /** Something to be told before the turn's first words. */
  notice: { code: string; text: string } | null;
};

/** One turn, from its prompt until opencode has done with it. `force` settles it from outside. */
export async function runTurn(
  { agent, session_id, message_id, root, child, model, mode, notice }: TurnPlace,
  turn: Turn,
  host: TurnHost,
  signal: AbortSignal,
  force: AbortSignal,
): Promise<TurnResult> {
  if (signal.aborted) return { outcome: "canceled" };
  const server = child.connection;
  const translator = createTurnTranslator({ agent, session_id, message_id, root });
  const settled = Promise.withResolvers<TurnResult>();
  const over = new AbortController();
  const until = AbortSignal.any([over.signal, force]);
  const asking = new AbortController();
  const waiting = AbortSignal.any([asking.signal, signal]);
  const session = `/session/${encodeURIComponent(session_id)}`;
  let isLooking = false;
  let isLookDue = false;
  let wasIdle = false;

  const settle = (result: TurnResult) => settled.resolve(signal.aborted ? { outcome: "canceled" } : result);
  const fail = (error: unknown) => settle({ outcome: "error", error: asRunFailure(agent, error) });
  const quietly = (work: Promise<unknown>) => void work.catch(() => {}); // its loss shows in how the turn ends

  function perform(effects: readonly TurnEffect[]) {
    for (const effect of effects) {
      if (effect.do === "emit") host.emit(effect.event);
      else if (effect.do === "settle") settle(effect.result);
      else if (effect.do === "look") void look();
      else if (effect.do === "ask") quietly(ask(effect.permission));
      else quietly(answer(effect.question));
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
    const { status } = await server.call("POST", `/permission/${permission.id}/reply`, reply, until);
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
    const { status } = await server.call("POST", `/question/${id}/reply`, { answers }, until);
    if (status >= 400) await server.call("POST", `/question/${id}/reject`, {}, until);
  }

  /** One look at a time; what asks for one meanwhile gets another behind it. */
  async function look() {
    isLookDue = true;
    if (isLooking) return;
    isLooking = true;
    try {
      while (isLookDue && !until.aborted) {
        isLookDue = false;
        await lookOnce();
      }
    } catch (error) {
      fail(error);
    } finally {
      isLooking = false;
    }
  }

  async function lookOnce() {
    const { json } = await server.call("GET", "/session/status", undefined, until);
    const isBusy = statusOf(json, session_id) !== "idle";
    const path = `${session}/message?limit=${MESSAGES_MAX}`;
    const messages = await server.call("GET", path, undefined, until);
    perform(translator.merge(eventsOfMessages(messages.json)));
    if (isBusy || translator.isSettled) {
      wasIdle = false;
      return;
    }
    // Between taking a prompt and beginning to work it is idle, too.
    if (translator.isAnswered || wasIdle) return perform(translator.idle());
    wasIdle = true;
    await pause(LOOK_AGAIN_MS, until);
    isLookDue = true;
  }

  const stopListening = server.listen({
    event: (event) => perform(translator.accept(event)),
    missed() {
      translator.lostTrack();
      quietly(
        server.call("GET", "/permission", undefined, until).then(({ json }) => {
          for (const asked of pendingIn(json))
            perform(translator.accept({ type: "permission.asked", properties: asked }));
        }),
      );
      void look();
    },
  });
  void child.gone.then(({ kind, message }) =>
    settle({
      outcome: "error",
      error: {
        code: kind === "crashed" ? "agent_crashed" : "agent_unavailable",
        message: `${message}. The next prompt starts it again.`,
        retryable: true,
      },
    }),
  );
  force.addEventListener("abort", () => settle({ outcome: "canceled" }), { once: true });

  /** A prompt whose answer was lost may have been taken all the same: posted again, it would be written twice. */
  async function post(): Promise<Reply> {
    const send = () =>
      server.call(
        "POST",
        `${session}/prompt_async`,
        promptBody(turn, message_id, { root, model, mode }),
        until,
      );
    try {
      return await send();
    } catch (error) {
      if (until.aborted || !child.isUsable) throw error;
      const known = await server.call("GET", `${session}/message/${message_id}`, undefined, until);
      return known.status === 200 ? known : send();
    }
  }

  /** Until it has really stopped: the next turn must not meet this one's end (agents.md §5.3). */
  async function cancel(posted: Promise<unknown>) {
    await posted.catch(() => {});
    for (;;) {
      await server.call("POST", `${session}/abort`, {}, until);
      await settlesWithin(settled.promise, ABORT_EVERY_MS, until);
      const { json } = await server.call("GET", "/session/status", undefined, until);
      if (statusOf(json, session_id) === "idle") break;
    }
    const { json } = await server.call("GET", "/permission", undefined, until);
    for (const { id, sessionID } of pendingIn(json)) {
      if (!translator.has(sessionID)) continue;
      await server.call("POST", `/permission/${id}/reply`, { reply: "reject" }, until);
    }
  }

  let canceling: Promise<void> | null = null;
  try {
    if (notice !== null) host.emit({ type: "notice", level: "info", ...notice });
    host.emit({ type: "prompted" });
    const posted = post();
    const onAbort = () => {
      asking.abort();
      canceling ??= cancel(posted).then(
        () => settle({ outcome: "canceled" }),
        () => {}, // its child is gone or `force` came: both settle the turn
      );
    };
    signal.addEventListener("abort", onAbort, { once: true });
    if (signal.aborted) onAbort();
    posted.then(({ status, json }) => {
      if (status >= 300) fail(new Error(`it refused the prompt (${status}): ${messageIn(json)}`));
    }, fail);
    const result = await settled.promise;
    if (canceling !== null) await Promise.race([canceling, child.gone, untilAborted(force)]);
    return result;
  } finally {
    stopListening();
    asking.abort();
    over.abort();
  }
}

function promptBody(
  turn: Turn,
  messageID: string,
  { root, model, mode }: Pick<TurnPlace, "root" | "model" | "mode">,
) {
  const text = (words: string) => ({ type: "text", text: words });
  return {
    messageID,
    parts: [
      ...(turn.handover === null ? [] : [text(turn.handover)]),
      ...(turn.prompt === "" ? [] : [text(turn.prompt)]),
      ...turn.attachments.map((attachment) => filePart(attachment, root)),
    ],
    ...(model === null ? {} : { model }),
    ...(mode === null ? {} : { agent: mode }),
  };
}

function filePart({ name, media_type, path, data }: Attachment, root: string) {
  const url =
    data !== undefined
      ? `data:${media_type};base64,${data}`
      : pathToFileURL(path !== undefined && isAbsolute(path) ? path : join(root, path ?? name)).href;
  return { type: "file", mime: media_type, filename: name, url };
}

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
