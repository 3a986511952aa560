import assert from "node:assert/strict";
import fc from "fast-check";
import type { BackendEvent } from "../../src/agent/backend.ts";
import type { RunId } from "../../src/protocol/ids.ts";
import { noUsage } from "../../src/protocol/usage.ts";
import { type createScriptedBackend, newId, type openSession } from "./scripted-session.ts";

/** What happens to a session from outside and from its backend, by index so that any order makes sense. */
export type Move =
  | { move: "prompt"; delivery: "queue" | "steer"; agent: "scripted" | "other" }
  | { move: "edit"; nth: number; prompt: string | null; delivery: "queue" | "steer" }
  /** What two clients ask for in the same moment: nothing happens in between. */
  | { move: "at_once"; moves: Move[] }
  | { move: "cancel"; scope: "all" | "active" }
  | {
      move:
        | "text"
        | "tool"
        | "tool_done"
        | "step"
        | "end"
        | "fail"
        | "late"
        | "resume"
        | "attend"
        | "withdraw"
        | "settle_all";
    };

const delivery = fc.constantFrom("queue" as const, "steer" as const);
const single: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      move: fc.constant("prompt" as const),
      delivery,
      agent: fc.constantFrom("scripted" as const, "scripted" as const, "other" as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      move: fc.constant("edit" as const),
      nth: fc.nat({ max: 5 }),
      prompt: fc.option(fc.constantFrom("edited once", "edited twice")),
      delivery,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      move: fc.constant("cancel" as const),
      scope: fc.constantFrom("all" as const, "active" as const),
    }),
  },
  {
    weight: 12,
    arbitrary: fc.record({
      move: fc.constantFrom(
        "text" as const,
        "tool" as const,
        "tool_done" as const,
        "step" as const,
        "end" as const,
        "fail" as const,
        "late" as const,
        "resume" as const,
        "attend" as const,
        "withdraw" as const,
        "settle_all" as const,
      ),
    }),
  },
);
export const moves: fc.Arbitrary<Move[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: single },
    {
      weight: 1,
      arbitrary: fc.record({
        move: fc.constant("at_once" as const),
        moves: fc.array(single, { minLength: 2, maxLength: 5 }),
      }),
    },
  ),
  { minLength: 1, maxLength: 40 },
);

type Playing = {
  session: ReturnType<typeof openSession>;
  scripted: ReturnType<typeof createScriptedBackend>;
  /** Called once the store has said yes to a prompt. */
  onAccepted(id: RunId): void;
};

const finished: Extract<BackendEvent, { type: "step_finished" }> = {
  type: "step_finished",
  finish_reason: "end_turn",
  usage: noUsage,
  cost: 0,
};

/** Plays moves one after the other; between two of them everything that is ready happens. */
export function createPlayer({ session, scripted, onAccepted }: Playing) {
  const { coordinator } = session;
  let prompts = 0;
  let tools = 0;
  const settledTurns = new Set<number>();
  /** What each prompt says since it was last edited. */
  const wanted = new Map<string, string>();
  const agentOf = (runId: string) => session.store.runs.get(runId)?.agent;
  const turn = () => scripted.turns.at(-1);
  /** An agent session is read up to and opened some turns of the event loop behind the prompt that needs it. */
  const settle = async () => {
    for (let turns = 0; turns < 4; turns += 1) await new Promise<void>((resolve) => setImmediate(resolve));
  };

  function act(move: Move) {
    const current = turn();
    switch (move.move) {
      case "prompt": {
        prompts += 1;
        const id = newId("run");
        coordinator.accept({
          ...{
            run_id: id,
            prompt: `prompt ${prompts}`,
            attachments: [],
            agent: move.agent,
            model: null,
            mode: null,
          },
          ...{
            delivery: move.delivery,
            env: null,
            max_steps: null,
            on_question: "wait",
            request_hash: id,
            by: "tester",
          },
        });
        wanted.set(id, `prompt ${prompts}`);
        return onAccepted(id);
      }
      case "edit": {
        const waiting = coordinator.unfinished().filter((run) => coordinator.isWaiting(run.id));
        const run = waiting[move.nth % Math.max(1, waiting.length)];
        if (run === undefined) return;
        coordinator.edit(run.id, { prompt: move.prompt ?? undefined, delivery: move.delivery });
        if (move.prompt !== null) wanted.set(run.id, move.prompt);
        return;
      }
      case "at_once":
        for (const each of move.moves) act(each);
        return;
      case "cancel":
        coordinator.cancel(move.scope, "tester");
        if (move.scope === "all")
          assert.deepEqual(coordinator.unfinished(), [], "G5: a cancel ends all that was accepted before it");
        return;
      case "text":
        current?.say({ type: "step_started", model: "m" });
        return current?.say({ type: "text_delta", text: `[${current.run_id}]` });
      case "tool":
        tools += 1;
        return current?.say({
          ...{
            type: "tool_call",
            tool_call_id: `call_${tools}`,
            name: "bash",
            kind: "execute",
            title: "sleep",
          },
          ...{ input: {}, status: "running" },
        });
      case "tool_done":
        return current?.say({
          ...{
            type: "tool_call_updated",
            tool_call_id: `call_${tools}`,
            status: "completed",
            output: "done",
          },
        });
      case "step":
        current?.say({ ...finished, finish_reason: "tool_use" });
        for (const message of current?.host.takeSteering() ?? [])
          assert.equal(
            message.agent,
            agentOf(current?.run_id ?? ""),
            "a prompt for one agent is not folded into another's turn",
          );
        return;
      case "end":
        current?.say({ type: "step_started", model: "m" });
        current?.say({ type: "text_delta", text: "the answer" });
        current?.say(finished);
        return current?.end({ outcome: "end_turn" });
      case "fail":
        return current?.end({
          ...{ outcome: "error", error: { code: "provider_error", message: "It broke.", retryable: false } },
        });
      case "late":
        // A turn whose run is over goes on talking.
        return scripted.turns
          .find(({ run_id }) => !coordinator.unfinished().some(({ id }) => id === run_id))
          ?.say({ type: "text_delta", text: "[late]" });
      case "resume":
        return void coordinator.resume();
      case "attend":
        return coordinator.attend();
      case "withdraw": {
        const waiting = coordinator.unfinished().find((run) => coordinator.isWaiting(run.id));
        return waiting && coordinator.withdraw(waiting.id, "tester");
      }
      case "settle_all":
        for (const [index, each] of scripted.turns.entries()) {
          if (!each.signal.aborted || settledTurns.has(index)) continue;
          settledTurns.add(index);
          each.end({ outcome: "end_turn" });
        }
    }
  }

  return {
    async play(script: readonly Move[]) {
      for (const move of script) {
        act(move);
        await settle();
      }
    },
    /** Whatever was played: everything that can end, ends. */
    async drain() {
      coordinator.attend();
      coordinator.resume();
      for (let round = 0; round < 500; round += 1) {
        await settle();
        act({ move: "settle_all" });
        act({ move: "end" });
        await settle();
        if (coordinator.isIdle() && coordinator.unfinished().length === 0) {
          for (const { run_id, prompt } of scripted.turns)
            if (wanted.has(run_id))
              assert.equal(prompt, wanted.get(run_id), "a turn has what its prompt said last");
          return;
        }
        coordinator.resume();
      }
      throw new Error("the session never came to rest");
    },
  };
}
