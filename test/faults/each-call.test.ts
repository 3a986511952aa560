// What a run needs from around it (its context, backend, handover, budget, permissions) fails at each single call.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { CoordinatorDeps } from "../../src/agent/run/coordinator.ts";
import { HearthError } from "../../src/protocol/errors.ts";
import type { RunId } from "../../src/protocol/ids.ts";
import { checkStore } from "../support/check-session.ts";
import { createPlayer, type Move } from "../support/play-session.ts";
import { createScriptedBackend, openSession } from "../support/scripted-session.ts";

const inMemory = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
const queued = { move: "prompt", delivery: "queue", agent: "scripted" } as const;
const elsewhere = { move: "prompt", delivery: "queue", agent: "other" } as const;
const steering = { move: "prompt", delivery: "steer", agent: "scripted" } as const;
const before: Move[] = [queued, queued, steering, { move: "text" }, { move: "tool" }];
const after: Move[] = [
  ...([{ move: "tool_done" }, { move: "step" }, { move: "end" }, elsewhere, { move: "text" }] as const),
  ...([
    { move: "step" },
    { move: "cancel", scope: "active" },
    { move: "settle_all" },
    { move: "resume" },
  ] as const),
  ...([queued, { move: "end" }, { move: "cancel", scope: "all" }, { move: "settle_all" }] as const),
];

type Fails = "contextOf" | "backend" | "authorize" | "handover" | "budget";

/** Plays with that call failing the `nth` time, and says how often it was made. */
async function play(fails: Fails, nth: number, error: Error): Promise<number> {
  const dir = mkdtempSync(join(inMemory, "hearth-each-call-"));
  const file = join(dir, "hearth.db");
  const scripted = createScriptedBackend();
  let count = 0;
  let isOver = false;
  const call = (name: Fails) => {
    if (name !== fails || isOver) return;
    count += 1;
    if (count === nth) throw error;
  };
  const coordinator: Partial<CoordinatorDeps> = {
    backend() {
      call("backend");
      return scripted.backend;
    },
    contextOf(run) {
      call("contextOf");
      return {
        ...{ session_id: run.session_id, agent: run.agent, root: "/", model: null, mode: "ask" },
        ...{ agent_mode: null, env: {}, remembered: null, remember: () => {}, onEvent: () => {} },
      };
    },
    handover() {
      call("handover");
      return null;
    },
    authorize() {
      call("authorize");
      return Promise.resolve({ decision: "allow" });
    },
    budget() {
      call("budget");
      return { max_run_cost: Number.POSITIVE_INFINITY, max_run_tokens: Number.POSITIVE_INFINITY };
    },
  };
  const session = openSession(file, scripted.backend, { coordinator });
  const accepted: RunId[] = [];
  const player = createPlayer({ session, scripted, onAccepted: (id) => void accepted.push(id) });
  try {
    await player.play(before);
    const turn = scripted.turns.at(-1);
    const request = { tool_call_id: "call_1", tool: "bash", kind: "execute", title: "x" } as const;
    const subject = { type: "other", text: "x" } as const;
    await turn?.host.authorize({ ...request, subject }, turn.signal);
    await player.play(after);
    await player.drain();
    // And the next prompt runs.
    isOver = true;
    await player.play([queued, { move: "end" }]);
    expect(session.store.runs.get(accepted.at(-1) ?? "")?.outcome).toBe("end_turn");
    session.close();
    checkStore(file, accepted);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  return count;
}

const unusable = new HearthError("agent_unavailable", "It is not there.");
test.each<Fails>(["contextOf", "backend", "authorize", "handover", "budget"])(
  "whichever call of %s fails, its run ends and the session goes on",
  async (fails) => {
    for (const error of [new Error("a bug"), unusable]) {
      for (let nth = 1, count = 1; nth <= count; nth += 1) {
        count = await play(fails, nth, error).catch((cause) => {
          throw new Error(`at call ${nth}: ${cause instanceof Error ? cause.message : cause}`, { cause });
        });
      }
    }
  },
  180_000,
);
