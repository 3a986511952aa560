import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { RunId } from "../../../src/protocol/ids.ts";
import { eventually } from "../../support/happenings.ts";
import { type Bench, callsOf, isRunning, type Open } from "./bench.ts";

/** Cancels, and sees that the end is told at once and without an error. */
async function cancelNow({ world }: Open, runId: RunId) {
  expect(world.cancel().canceled).toContain(runId);
  // Its end is told in the same turn of the event loop, whatever its backend has still to do.
  const end = await Promise.race([world.ended(runId), setImmediate("told too late" as const)]);
  if (end === "told too late") throw new Error(end);
  expect(end).toMatchObject({ outcome: "canceled" });
  expect(end.error).toBeUndefined();
}

/** The same, until everything of it has settled. */
async function cancel(at: Open, runId: RunId) {
  await cancelNow(at, runId);
  await at.world.idle();
  const open = callsOf(at.world, runId).filter(({ status }) => status === "pending" || status === "running");
  expect(open).toEqual([]);
}

export function cancels({ subject, hasChild, open, send, expectCleanTurn }: Bench): void {
  describe("a cancel", () => {
    if (hasChild)
      test("while the agent starts ends the run, and the next run works", async () => {
        const at = await open();
        const runId = send(at, "Never sent", [[{ say: "never said" }]]);
        await cancel(at, runId);
        expect(at.running.askedCount()).toBe(0);
        await expectCleanTurn(at, "after");
        expect(at.running.lastTold()).not.toContain("Never sent");
      });

    test("in the middle of the text keeps what was said and adds nothing", async () => {
      const at = await open();
      const { world } = at;
      const runId = send(at, "Talk", [[{ babble: "blah" }]]);
      await world.sawText("blah3");
      await cancel(at, runId);
      const said = JSON.stringify(world.partsOf(runId));
      expect(said).toContain("blah3");
      const clean = await expectCleanTurn(at, "quiet");
      expect(JSON.stringify(world.partsOf(clean.run_id))).not.toContain("blah");
      expect(JSON.stringify(world.partsOf(runId))).toBe(said);
      if (hasChild) expect(at.running.pids()).toHaveLength(1);
    });

    test("followed at once by a prompt does not let late text or a late end into the new run", async () => {
      const at = await open();
      const { world, running } = at;
      await expectCleanTurn(at, "warm");
      for (const round of [1, 2]) {
        const runId = send(at, "Talk", [[{ babble: `blah-${round}-` }]]);
        await world.sawText(`blah-${round}-3 `);
        await cancelNow(at, runId);
        const said = JSON.stringify(world.partsOf(runId));
        running.will([[{ say: `Answer ${round}.` }]]);
        const end = await world.ask(`Ask ${round}`);
        expect(end).toMatchObject({ outcome: "end_turn", text: `Answer ${round}.` });
        expect(JSON.stringify(world.partsOf(end.run_id))).not.toContain("blah");
        expect(JSON.stringify(world.partsOf(runId))).toBe(said);
      }
      if (hasChild) expect(running.pids()).toHaveLength(1);
    });

    test("before the model's first word settles, by force if necessary", async () => {
      const at = await open();
      const { world } = at;
      await expectCleanTurn(at, "warm");
      const asked = at.running.askedCount();
      const runId = send(at, "Be silent", [["hang"]]);
      await at.running.asked(asked + 1);
      await cancel(at, runId);
      await expectCleanTurn(at, "again");
      if (hasChild) expect(at.running.pids()).toHaveLength(subject.hearsCancelInSilence ? 1 : 2);
      expect(world.messages().filter(({ role }) => role === "assistant")).toHaveLength(3);
    });

    test("at an open question withdraws it, and nothing is done", async () => {
      const at = await open();
      const { world, place } = at;
      const runId = send(at, "Touch it", [[{ shell: "touch canceled.txt" }], [{ say: "too late" }]]);
      await world.question();
      await cancel(at, runId);
      expect(world.questions()).toEqual([]);
      expect(existsSync(join(place.project, "canceled.txt"))).toBe(false);
      expect(callsOf(world, runId)).toMatchObject([{ status: "canceled" }]);
      await expectCleanTurn(at, "after");
      expect(existsSync(join(place.project, "canceled.txt"))).toBe(false);
    });

    test("ends a running command and what it started", async () => {
      const at = await open();
      const { world, place } = at;
      const runId = send(at, "Wait", [
        [{ shell: "(tail -f /dev/null) & echo $! > pid; tail -f /dev/null" }],
        [{ say: "too late" }],
      ]);
      world.answer(await world.question(), "allow_once");
      const pid = Number(
        await eventually(() => {
          const file = join(place.project, "pid");
          return existsSync(file) && (readFileSync(file, "utf8").trim() || undefined);
        }, "the command"),
      );
      expect(isRunning(pid)).toBe(true);
      await cancel(at, runId);
      expect(isRunning(pid)).toBe(false);
      await expectCleanTurn(at, "after");
    });
  });
}
