import { settlesWithin } from "../../async/wait.ts";
import type { Connection } from "../../client/connect.ts";
import type { NewId, RunId, SessionId } from "../../protocol/ids.ts";
import type { Session } from "../../protocol/session.ts";
import { SHELL_AGENT, shellCommand } from "../commands/shell-command.ts";
import type { SessionLink } from "../session/link.ts";
import type { Effect } from "../state/effects.ts";
import { type AppState, activeRun, currentSessionId, type Flash } from "../state/state.ts";
import type { Store } from "../state/store.ts";
import { errorSentence } from "./error-sentence.ts";

/** How long a cancel waits for prompts that are being sent: longer than accepting one takes, too short to notice. */
const OVERTAKE_MS = 20;
type SendEffect = Extract<Effect, { do: "send" }>;

/** Sends prompts, in the order in which they were typed, and cancels runs. Creates the session for the first prompt. */
export function createPromptSender(
  options: {
    ready: Promise<{ connection: Connection; link: SessionLink }>;
    store: Store<AppState>;
    newId: NewId;
    update: (change: (state: AppState) => AppState) => void;
    giveBack: (text: string, flash: Flash) => void;
    /** Settles when the sessions requested so far are open. */
    opened: () => Promise<void>;
    /** Settles when the settings changed so far are stored. */
    changed: () => Promise<void>;
  },
  signal: AbortSignal,
) {
  const { ready, store, newId, update, giveBack } = options;
  /** The session that is being created for the first prompts: all of them wait for it. */
  let creating: Promise<Session> | undefined;
  /** Prompts that are being sent. A cancel stops what was accepted before it, so it waits for them. */
  const underWay = new Map<Promise<void>, string>();
  /** Prompts are sent one after the other, so that they are accepted in the order in which they were typed. */
  let posting: Promise<unknown> = Promise.resolve();

  async function sessionForPrompt(): Promise<Session["id"]> {
    const known = currentSessionId(store.get());
    if (known !== null) return known;
    creating ??= createSession().finally(() => {
      creating = undefined;
    });
    return (await creating).id;
  }

  async function createSession(): Promise<Session> {
    const { connection, link } = await ready;
    const { session } = await connection.request("POST /v1/workspaces/{wid}/sessions", {
      params: { wid: connection.workspace.id },
      body: store.get().defaults,
      signal,
    });
    link.adopt(session);
    return session;
  }

  async function post(effect: SendEffect, before: Promise<unknown>): Promise<void> {
    const { text, delivery, attachments, isShell = false } = effect;
    const runId: RunId = newId("run");
    const prompt = isShell ? (shellCommand(text) ?? text) : text;
    const changed = options.changed();
    update((state) => ({ ...state, sending: [...state.sending, { runId, text: prompt, isShell }] }));
    try {
      // Only after connecting it is known whether there is a session.
      const { connection } = await ready;
      await options.opened();
      await changed;
      const sessionId = await sessionForPrompt();
      await before;
      await connection.request("POST /v1/workspaces/{wid}/agent", {
        params: { wid: connection.workspace.id },
        body: {
          session_id: sessionId,
          prompt,
          run_id: runId,
          delivery,
          ...(isShell && { agent: SHELL_AGENT }),
          ...(attachments.length > 0 && { attachments: [...attachments] }),
        },
        signal,
      });
    } catch (error) {
      if (signal.aborted) return;
      update((state) => ({ ...state, sending: state.sending.filter((sent) => sent.runId !== runId) }));
      giveBack(text, { text: `Not sent: ${errorSentence(error)}`, level: "error" });
    }
  }

  async function cancel(id: SessionId | undefined): Promise<void> {
    if (underWay.size > 0) {
      const arrived = Promise.allSettled(underWay.keys());
      // If a run is active, a slow prompt does not delay the cancel.
      await (activeRun(store.get()) === undefined ? arrived : settlesWithin(arrived, OVERTAKE_MS));
    }
    const sid = id ?? currentSessionId(store.get());
    if (sid === null) return;
    const { connection } = await ready;
    await connection.request("POST /v1/workspaces/{wid}/agent/sessions/{sid}/cancel", {
      params: { wid: connection.workspace.id, sid },
      body: { scope: "active" },
      signal,
    });
  }

  return {
    send(effect: SendEffect): Promise<void> {
      const sent = post(effect, posting).finally(() => underWay.delete(sent));
      posting = sent;
      underWay.set(sent, effect.text);
      return sent;
    },
    cancel,
    get creating() {
      return creating;
    },
    /** Prompts that the daemon has not accepted yet, in order. */
    unsent: (): readonly string[] => [...underWay.values()],
  };
}
