import type { Turn, TurnHost } from "../backend.ts";
import { createClientRequests } from "./client-requests.ts";
import type { ClientTerminals } from "./client-terminals.ts";
import { type Outcome, outcomeFor } from "./permission.ts";
import type { promptBlocks } from "./prompt-blocks.ts";
import type { TurnEnd } from "./session-state.ts";
import { titleOf } from "./tool-call.ts";
import { createTurnCalls, type TurnCallsDeps } from "./turn-calls.ts";
import { textOf, type Wire, wireOf, wiresOf } from "./wire.ts";

type RunningTurnDeps = TurnCallsDeps & { agent: string; terminals: ClientTerminals };

export type RunningTurn = ReturnType<typeof createRunningTurn>;

/** A turn from its beginning until all that it started is dead. */
export type CurrentTurn = {
  turn: Turn;
  host: TurnHost;
  signal: AbortSignal;
  end: PromiseWithResolvers<TurnEnd>;
  /** What it had run is dead, too. */
  over: PromiseWithResolvers<void>;
  prompt?: Awaited<ReturnType<typeof promptBlocks>>;
  /** From the prompt on. */
  running?: RunningTurn;
  stopWatching?: () => void;
  response?: unknown;
  error?: unknown;
};

/** One prompt's turn while it runs: what the agent says becomes events, what it asks for is judged and done. */
export function createRunningTurn(deps: RunningTurnDeps) {
  const { agent, host, signal, root, now } = deps;
  const calls = createTurnCalls(deps);
  const requests = createClientRequests({ ...deps, calls });
  let heardAt = now();

  async function askPermission(params: Wire, aborted: AbortSignal): Promise<{ outcome: Outcome }> {
    if (signal.aborted) return { outcome: { outcome: "cancelled" } };
    // What it asks with says more than what it announced, or is the first that is heard of the call.
    const { status: _, ...said } = wireOf(params["toolCall"]);
    const id = textOf(said["toolCallId"]) ?? calls.announce(said);
    calls.track(id, said);
    const decision = await calls.judge(id, aborted);
    const outcome = outcomeFor(decision, wiresOf(params["options"]));
    if (decision !== "allow") return { outcome };
    if (outcome.outcome === "selected") calls.allow(id);
    else {
      const call = calls.find(id);
      const what = call === undefined ? "this" : titleOf(call, root);
      const text = `${agent} can only be allowed this for good, which hearth does not choose for you: ${what} was not allowed.`;
      host.emit({ type: "notice", level: "warning", code: "permission", text });
    }
    return { outcome };
  }

  return {
    calls,
    update(said: Wire) {
      heardAt = now();
      const id = textOf(said["toolCallId"]);
      if (id === undefined) return calls.hear(said);
      calls.hear(said);
      const call = calls.find(id);
      if (call !== undefined) requests.show(call);
    },
    /** Throws ClientRefusal. `taken`: the agent takes its request back. */
    async request(method: string, params: Wire, taken: AbortSignal): Promise<unknown> {
      const aborted = AbortSignal.any([signal, taken]);
      try {
        if (method === "session/request_permission") return await askPermission(params, aborted);
        return await requests.answer(method, params, aborted);
      } finally {
        heardAt = now();
      }
    },
    /** Milliseconds without a word, whatever goes on. */
    unheardMs: (): number => now() - heardAt,
    /** Milliseconds without a word; 0 while something goes on that takes its time. */
    silentMs: (): number => (calls.isWorking() ? 0 : now() - heardAt),
  };
}
