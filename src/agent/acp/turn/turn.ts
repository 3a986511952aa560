import type { Turn, TurnHost } from "../../backend.ts";
import { createClientRequests } from "../client/requests.ts";
import type { ClientTerminals } from "../client/terminals.ts";
import type { TurnEnd } from "../session/state.ts";
import { textOf, type Wire, wireOf, wiresOf } from "../wire.ts";
import { createTurnCalls, type TurnCallsDeps } from "./calls.ts";
import { type Outcome, outcomeFor } from "./permission.ts";
import type { promptBlocks } from "./prompt-blocks.ts";
import { titleOf } from "./tool-call.ts";

type RunningTurnDeps = TurnCallsDeps & { agent: string; terminals: ClientTerminals };

export type RunningTurn = ReturnType<typeof createRunningTurn>;

/** A turn, from its beginning until all processes that it started are dead. */
export type CurrentTurn = {
  turn: Turn;
  host: TurnHost;
  signal: AbortSignal;
  end: PromiseWithResolvers<TurnEnd>;
  /** Resolves when its processes are dead, too. */
  over: PromiseWithResolvers<void>;
  prompt?: Awaited<ReturnType<typeof promptBlocks>>;
  /** Set once the prompt is sent. */
  running?: RunningTurn;
  stopWatching?: () => void;
  response?: unknown;
  error?: unknown;
};

/** A running turn: turns the agent's updates into events, and judges and answers its requests. */
export function createRunningTurn(deps: RunningTurnDeps) {
  const { agent, host, signal, root, now } = deps;
  const calls = createTurnCalls(deps);
  const requests = createClientRequests({ ...deps, calls });
  let lastMessageAt = now();

  async function askPermission(params: Wire, aborted: AbortSignal): Promise<{ outcome: Outcome }> {
    if (signal.aborted) return { outcome: { outcome: "cancelled" } };
    // The question has more detail than the announcement, and may come without one.
    const { status: _, ...fields } = wireOf(params["toolCall"]);
    const id = textOf(fields["toolCallId"]) ?? calls.announce(fields);
    calls.track(id, fields);
    const decision = await calls.judge(id, aborted);
    const outcome = outcomeFor(decision, wiresOf(params["options"]));
    if (decision !== "allow") return { outcome };
    if (outcome.outcome === "selected") calls.allow(id);
    else {
      const call = calls.find(id);
      const what = call === undefined ? "this" : titleOf(call, root);
      const text = `${agent} offers only "always allow" here, which hearth does not choose for you: ${what} was not allowed.`;
      host.emit({ type: "notice", level: "warning", code: "permission", text });
    }
    return { outcome };
  }

  return {
    calls,
    update(update: Wire) {
      lastMessageAt = now();
      const id = textOf(update["toolCallId"]);
      if (id === undefined) return calls.update(update);
      calls.update(update);
      const call = calls.find(id);
      if (call !== undefined) requests.show(call);
    },
    /** Throws ClientRefusal. `taken`: the agent takes its request back. */
    async request(method: string, params: Wire, withdrawn: AbortSignal): Promise<unknown> {
      const aborted = AbortSignal.any([signal, withdrawn]);
      try {
        if (method === "session/request_permission") return await askPermission(params, aborted);
        return await requests.answer(method, params, aborted);
      } finally {
        lastMessageAt = now();
      }
    },
    /** Milliseconds since the agent's last message. */
    sinceMessageMs: (): number => now() - lastMessageAt,
    /** The same, but 0 while a question is open or a call is running. */
    silentMs: (): number => (calls.isWorking() ? 0 : now() - lastMessageAt),
  };
}
