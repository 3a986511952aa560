import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RunId } from "../../src/protocol/ids.ts";
import { checkStore } from "../support/check-session.ts";
import { createPlayer, type Move, moves } from "../support/play-session.ts";
import { createScriptedBackend, openSession } from "../support/scripted-session.ts";

const crashScript = fileURLToPath(new URL("../support/crash-session.ts", import.meta.url));

async function inTempDir(work: (file: string) => Promise<void>) {
  const dir = mkdtempSync(join(tmpdir(), "hearth-coordinator-"));
  try {
    await work(join(dir, "hearth.db"));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Opens what is there, plays, and lets everything end. */
async function playToTheEnd(file: string, script: readonly Move[], accepted: RunId[]) {
  const scripted = createScriptedBackend();
  const session = openSession(file, scripted.backend);
  const player = createPlayer({ session, scripted, onAccepted: (id) => void accepted.push(id) });
  await player.play(script);
  await player.drain();
  expect(session.reports).toEqual([]);
  session.close();
}

describe("the coordinator on a real store", () => {
  it("keeps every guarantee in any order of prompts, cancels, steps, tools, failures and late words", async () => {
    await fc.assert(
      fc.asyncProperty(moves, (script) =>
        inTempDir(async (file) => {
          const accepted: RunId[] = [];
          await playToTheEnd(file, script, accepted);
          checkStore(file, accepted);
        }),
      ),
      { numRuns: 60 },
    );
  });

  it("keeps them through a kill -9 anywhere, and goes on where it was", async () => {
    await fc.assert(
      fc.asyncProperty(moves, moves, (before, after) =>
        inTempDir(async (file) => {
          const killed = spawnSync(process.execPath, [crashScript, file, JSON.stringify(before)], {
            encoding: "utf8",
          });
          expect(killed.signal, killed.stderr).toBe("SIGKILL");
          const accepted = killed.stdout.split("\n").filter((line): line is RunId => line.startsWith("run_"));
          await playToTheEnd(file, after, accepted);
          checkStore(file, accepted);
        }),
      ),
      { numRuns: 15 },
    );
  });

  it("ends an accepted run that is canceled while its agent session is still being opened", () =>
    inTempDir(async (file) => {
      const scripted = createScriptedBackend({ holdOpen: true });
      const session = openSession(file, scripted.backend);
      const accepted: RunId[] = [];
      const player = createPlayer({ session, scripted, onAccepted: (id) => void accepted.push(id) });
      await player.play([{ move: "prompt", delivery: "queue", agent: "scripted" }]);
      await scripted.until(() => scripted.gates.length === 1);
      const [first] = accepted;
      expect(session.coordinator.cancel("all", "tester")).toEqual({ canceled: [first], held: [] });
      // The next prompt waits until the opening has come to its end, then runs by itself.
      await player.play([{ move: "prompt", delivery: "queue", agent: "scripted" }]);
      const [, second] = accepted;
      expect(session.coordinator.unfinished().map(({ id, state }) => ({ id, state }))).toEqual([
        { id: second, state: "accepted" },
      ]);
      scripted.gates[0]?.();
      await scripted.until(() => scripted.gates.length === 2);
      scripted.gates[1]?.();
      await scripted.until(() => scripted.turns.length === 1);
      expect(scripted.turns[0]?.run_id).toBe(second);
      await player.play([{ move: "end" }]);
      expect(session.store.runs.get(first ?? "")?.outcome).toBe("canceled");
      expect(session.store.runs.get(second ?? "")?.outcome).toBe("end_turn");
      session.close();
      checkStore(file, accepted);
    }));

  it("folds a prompt that was held for one agent into no turn of another", () =>
    inTempDir(async (file) => {
      const scripted = createScriptedBackend();
      const session = openSession(file, scripted.backend);
      const accepted: RunId[] = [];
      const player = createPlayer({ session, scripted, onAccepted: (id) => void accepted.push(id) });
      await player.play([
        { move: "prompt", delivery: "queue", agent: "scripted" },
        { move: "prompt", delivery: "steer", agent: "scripted" },
        { move: "cancel", scope: "active" },
        { move: "settle_all" },
        { move: "prompt", delivery: "queue", agent: "other" },
        { move: "resume" },
        { move: "text" },
        { move: "step" },
      ]);
      const [, held] = accepted;
      expect(session.coordinator.unfinished().map(({ id }) => id)).toContain(held);
      await player.drain();
      expect(session.store.runs.get(held ?? "")?.outcome).toBe("end_turn");
      session.close();
      checkStore(file, accepted);
    }));
});
