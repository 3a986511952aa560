import type { ContextChange, Message } from "../../../protocol/message.ts";
import type { Usage } from "../../../protocol/usage.ts";
import type { SessionContext, TurnHost } from "../../backend.ts";
import { COMPACTED, hasNewSince, lastChange, PRUNED, spokenOf } from "../../run/context-changes.ts";
import type { Conversation } from "../context/conversation.ts";
import { sentOf } from "../context/cut.ts";
import type { NativeSettings } from "../models/choice/settings.ts";
import type { ModelFailure } from "../models/errors/failure.ts";
import type { Model } from "../models/model.ts";
import type { RequestRecorder } from "../requests/recorder.ts";
import type { ToolSet } from "../tool-set.ts";
import { planCompaction, planPruning, roomIn, tokensUsed, windowIn } from "./room.ts";
import { tokensOf, tokensOfMessages } from "./sizes.ts";
import { summarise } from "./summarise.ts";
import { headOf } from "./summary-request.ts";

/** Where nobody says how large a window is, a summary may use this much of one. */
const UNKNOWN_WINDOW = 64_000;
/** After a refusal without figures, the window is taken to be this share of what was sent. */
const REFUSED_SHARE = 0.9;

const count = (tokens: number): string => tokens.toLocaleString("en-US");

type CompactorDeps = {
  session: Pick<SessionContext, "session_id" | "agent" | "onEvent">;
  conversation: Conversation;
  tools: ToolSet;
  requests: RequestRecorder;
};

/** What a turn gives to make room in its conversation. */
export type Room = {
  model: Model;
  limits: NativeSettings["limits"];
  host: TurnHost;
  /** Opens the next step's message, which shows what was done. */
  open(): void;
};

/** `failed` is told by a notice already. */
export type Compacted = "done" | "failed" | "nothing";

type Prepared = { from_seq: number; summary: string; head: string; after: string | undefined };

/**
 * Keeps a session's conversation within its model's window: leaves out old outputs of tools, then replaces the older
 * messages by a summary, which is prepared in the background before it is needed. The transcript stays whole; what is
 * done is told by a notice in it, which is also where it is remembered.
 */
export function createCompactor({ session, conversation, tools, requests }: CompactorDeps) {
  const closing = new AbortController();
  /** Windows that providers named in a refusal, by model. */
  const refused = new Map<string, number>();
  let prepared: Prepared | undefined;
  let preparing: Promise<void> | undefined;
  /** The turn that pays; null between turns. */
  let paying: TurnHost | null = null;
  /** A model gave no summary in this turn: it is only asked again when the provider refuses the conversation. */
  let hasFailed = false;

  const windowOf = (model: Model): number | undefined => {
    const known = refused.get(model.id) ?? Number.POSITIVE_INFINITY;
    const window = Math.min(known, model.contextWindow ?? Number.POSITIVE_INFINITY);
    return Number.isFinite(window) ? window : undefined;
  };

  function pay(usage: Usage, cost: number, model: Model) {
    if (usage.input_tokens + usage.output_tokens === 0) return;
    if (paying !== null) paying.emit({ type: "usage", usage, cost, isLost: true });
    else session.onEvent({ type: "spent", usage, cost, model: model.id });
  }

  const keyOf = (transcript: readonly Message[]): string | undefined => {
    const last = lastChange(transcript, "compacted");
    return last && `${last.message.id} ${last.position}`;
  };

  function measure(transcript: readonly Message[], model: Model) {
    const cut = conversation.cut();
    const sent = sentOf(transcript, cut);
    const fixed = conversation.fixedTokens(model);
    return { sent, used: tokensUsed({ sent, fixed, validFrom: cut.validFrom, agent: session.agent }) };
  }

  /** A summary of what is older; a sentence if there is none. Throws if `signal` aborts. */
  async function build(
    transcript: readonly Message[],
    { model, limits }: Pick<Room, "model" | "limits">,
    asked: { keep: string } | undefined,
    signal: AbortSignal,
  ): Promise<Prepared | { why: string } | undefined> {
    const window = windowOf(model) ?? UNKNOWN_WINDOW;
    const { verbatim } = roomIn(window, model.outputTokensMax);
    const cut = conversation.cut();
    const plan = planCompaction(sentOf(transcript, cut), verbatim, asked !== undefined);
    if (plan === undefined) return undefined;
    const after = keyOf(transcript);
    const { summary, why, usage, cost } = await summarise(
      { model, tools, limits, requests, conversation: session.session_id },
      { older: plan.older, before: cut.head, keep: asked?.keep ?? "", window },
      signal,
    );
    pay(usage, cost, model);
    if (summary === undefined) return { why };
    const older = spokenOf(transcript).filter(({ seq }) => seq < plan.from_seq);
    return {
      from_seq: plan.from_seq,
      summary,
      head: headOf(summary, older, conversation.facts()),
      after,
    };
  }

  function prepare(transcript: readonly Message[], room: Room, signal: AbortSignal) {
    if (preparing !== undefined || prepared !== undefined || hasFailed) return;
    const until = AbortSignal.any([signal, closing.signal]);
    preparing = build([...transcript], room, undefined, until)
      .then((made) => {
        if (made === undefined || "why" in made) hasFailed = true;
        else prepared = made;
      })
      .catch(() => {}) // aborted
      .finally(() => {
        preparing = undefined;
      });
  }

  function tell({ host, open }: Room, text: string, code: string, context: ContextChange) {
    open();
    const seq = (host.transcript().at(-1)?.seq ?? 0) + 1;
    host.emit({ type: "notice", level: "info", code, text, context });
    const cut = conversation.cut();
    if (context.kind === "compacted")
      conversation.changed({ ...cut, head: context.head, fromSeq: context.from_seq, validFrom: seq });
    if (context.kind === "pruned")
      conversation.changed({ ...cut, prunedBefore: context.before_seq, validFrom: seq });
  }

  function prune(transcript: readonly Message[], room: Room): boolean {
    const { sent } = measure(transcript, room.model);
    const plan = planPruning(sent, lastChange(transcript, "pruned"));
    if (plan === undefined) return false;
    const text = `Old outputs of tools left out of what the model sees: about ${count(plan.tokens)} tokens`;
    tell(room, text, PRUNED, { kind: "pruned", ...plan });
    return true;
  }

  function adopt(transcript: readonly Message[], room: Room, made: Prepared) {
    const before = measure(transcript, room.model).used;
    const kept = transcript.filter(({ seq }) => seq >= made.from_seq);
    const fixed = conversation.fixedTokens(room.model) - tokensOf(conversation.cut().head?.length ?? 0);
    const after = fixed + tokensOf(made.head.length) + tokensOfMessages(kept);
    prepared = undefined;
    const { from_seq, summary, head } = made;
    tell(
      room,
      `Conversation compacted for the model: about ${count(before)} → ${count(after)} tokens · /undo takes it back`,
      COMPACTED,
      { kind: "compacted", from_seq, summary, head, tokens_before: before, tokens_after: after },
    );
    session.onEvent({ type: "context", used: after, window: null, model: room.model.id });
  }

  async function compact(
    room: Room,
    asked: { keep: string } | undefined,
    signal: AbortSignal,
  ): Promise<Compacted> {
    const { host } = room;
    if (!hasNewSince(host.transcript(), lastChange(host.transcript(), "compacted"))) return "nothing";
    await preparing;
    signal.throwIfAborted();
    const transcript = host.transcript();
    const isFitting = asked === undefined && prepared !== undefined && prepared.after === keyOf(transcript);
    const made = isFitting
      ? prepared
      : await build(transcript, room, asked, AbortSignal.any([signal, closing.signal]));
    if (made === undefined) return "nothing";
    if ("why" in made) {
      hasFailed = true;
      const text = `The conversation could not be compacted: ${made.why}`;
      room.open();
      host.emit({ type: "notice", level: "warning", code: "compaction_failed", text });
      return "failed";
    }
    adopt(host.transcript(), room, made);
    return "done";
  }

  return {
    /** Call it when a turn begins and ends. */
    begins(host: TurnHost) {
      paying = host;
      hasFailed = false;
    },
    ends() {
      paying = null;
    },
    /** Makes room for the next request where its window is nearly full. Throws if `signal` aborts. */
    async makeRoom(room: Room, signal: AbortSignal): Promise<void> {
      const { model, host } = room;
      const window = windowOf(model);
      if (window === undefined) return;
      const { compactAt, prepareAt } = roomIn(window, model.outputTokensMax);
      let { used } = measure(host.transcript(), model);
      if (used <= prepareAt) return;
      if (prune(host.transcript(), room)) used = measure(host.transcript(), model).used;
      if (used > compactAt && !hasFailed) await compact(room, undefined, signal);
      else if (used > prepareAt) prepare(host.transcript(), room, signal);
    },
    /** The provider refused the conversation as too long. Returns whether it is shorter now. */
    async afterOverflow(room: Room, failure: ModelFailure, signal: AbortSignal): Promise<boolean> {
      const { model, host } = room;
      const { used } = measure(host.transcript(), model);
      const named = windowIn(failure.message) ?? Math.floor(used * REFUSED_SHARE);
      refused.set(model.id, Math.min(named, windowOf(model) ?? named));
      if (prune(host.transcript(), room)) return true;
      return (await compact(room, undefined, signal)) === "done";
    },
    /** A person asked for it. */
    compact: (room: Room, keep: string, signal: AbortSignal): Promise<Compacted> =>
      compact(room, { keep }, signal),
    close: () => closing.abort(),
  };
}
export type Compactor = ReturnType<typeof createCompactor>;
