import fc from "fast-check";
import type { BackendEvent } from "../../src/agent/backend.ts";
import type { RunId } from "../../src/protocol/ids.ts";
import { noUsage } from "../../src/protocol/usage.ts";
import { type createScriptedBackend, newId, type openSession } from "./scripted-session.ts";

/** What happens to a session from outside and from its backend, by index so that any order makes sense. */
export type Move =
  | { move: "prompt"; delivery: "queue" | "steer" }
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

export const moves: fc.Arbitrary<Move[]> = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        move: fc.constant("prompt" as const),
        delivery: fc.constantFrom("queue" as const, "steer" as const),
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
  const turn = () => scripted.turns.at(-1);
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

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
            agent: "scripted",
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
        return onAccepted(id);
      }
      case "cancel":
        return void coordinator.cancel(move.scope, "tester");
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
        return void current?.host.takeSteering();
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
        if (coordinator.isIdle() && coordinator.unfinished().length === 0) return;
        coordinator.resume();
      }
      throw new Error("the session never came to rest");
    },
  };
}
