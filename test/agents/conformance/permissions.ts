import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { type Bench, callsOf } from "./bench.ts";

export function permissions({ subject, open, send, expectCleanTurn }: Bench): void {
  const uses = (what: "read" | "write" | "terminal") => subject.usesUs.includes(what);

  describe("a question for permission", () => {
    test("shows the whole change; once allowed, the file is written and the call shows it", async () => {
      const at = await open();
      const { world, place, running } = at;
      const runId = send(at, "Write it", [
        [{ write: "new.txt", content: "one\ntwo\n" }],
        [{ say: "Written." }],
      ]);
      const question = await world.question();
      expect(question).toMatchObject({
        agent: at.agent,
        kind: "edit",
        detail: { type: "edit", path: "new.txt" },
      });
      expect(question.detail).toMatchObject({ unified: expect.stringContaining("+two") });
      expect(existsSync(join(place.project, "new.txt"))).toBe(false);
      world.answer(question, "allow_once");
      const end = await world.answering(runId, "allow_once");
      expect(end).toMatchObject({ outcome: "end_turn" });
      expect(end.text).toContain("Written.");
      expect(readFileSync(join(place.project, "new.txt"), "utf8")).toBe("one\ntwo\n");
      const [call] = callsOf(world, runId);
      expect(call).toMatchObject({ kind: "edit", status: "completed" });
      expect(call?.view).toMatchObject({ kind: "diff", path: "new.txt", additions: 2, deletions: 0 });
      if (uses("write")) expect(running.askedUs("fs/write_text_file")).toBe(1);
      if (subject.counts !== "nothing") {
        const answers = subject.counts === "turn" ? 2 : 1;
        expect(end.usage.input_tokens).toBe(1000 * answers);
      }
    });

    test("when denied, does nothing, and the run ends normally", async () => {
      const at = await open();
      const { world, place } = at;
      const runId = send(at, "Touch it", [[{ shell: "touch denied.txt" }], [{ say: "Then not." }]]);
      const question = await world.question();
      expect(question.detail).toMatchObject({ type: "command", command: "touch denied.txt" });
      const end = await world.answering(runId, "deny");
      expect(end).toMatchObject({ outcome: "end_turn", text: subject.goesOnWhenDenied ? "Then not." : "" });
      expect(existsSync(join(place.project, "denied.txt"))).toBe(false);
      expect(callsOf(world, runId)).toMatchObject([{ kind: "execute", status: "denied" }]);
      await expectCleanTurn(at, "after");
    });

    test("when allowed for the session, is not asked again, and the agent is not told to remember it", async () => {
      const at = await open();
      const { world, place } = at;
      const first = send(at, "Touch it", [[{ shell: "touch one.txt" }], [{ say: "Once." }]]);
      const question = await world.question();
      world.answer(question, "allow_session");
      await world.ended(first);
      const again = send(at, "Touch it again", [[{ shell: "touch one.txt" }], [{ say: "Twice." }]]);
      expect(await world.ended(again)).toMatchObject({ outcome: "end_turn" });
      expect(existsSync(join(place.project, "one.txt"))).toBe(true);
      const other = send(at, "Make another", [[{ shell: "mkdir two" }], [{ say: "Thrice." }]]);
      await world.question();
      await world.answering(other, "deny");
      expect(existsSync(join(place.project, "two"))).toBe(false);
    });

    test("is not asked in plan mode: changes are refused", async () => {
      const at = await open();
      const { world, running, place } = at;
      running.will([[{ write: "planned.txt", content: "no\n" }], [{ say: "Only a plan." }]]);
      const end = await world.ask("Write it", { mode: "plan" });
      expect(end.outcome).toBe("end_turn");
      expect(existsSync(join(place.project, "planned.txt"))).toBe(false);
      expect(world.events.all.some(({ type }) => type === "permission.requested")).toBe(false);
    });

    test("names a file outside the workspace by its whole path, and when denied does not write it", async () => {
      const at = await open();
      const { world, place, running } = at;
      const outside = join(place.base, "outside.txt");
      const steps = () => [[{ write: outside, content: "out\n" }], [{ say: "Not there." }]];
      const denied = await world.answering(send(at, "Write outside", steps()), "deny");
      expect(denied.outcome).toBe("end_turn");
      expect(existsSync(outside)).toBe(false);
      for (const event of world.events.all)
        if (event.type === "permission.requested")
          expect(JSON.stringify(event.payload.permission.detail)).toContain(place.base);
      // What an agent has hearth write for it is never written there, whatever it was allowed.
      if (!subject.leavesWritingToUs) return;
      const runId = send(at, "Write outside all the same", steps());
      expect((await world.answering(runId, "allow_once")).outcome).toBe("end_turn");
      expect(existsSync(outside)).toBe(false);
      expect(running.lastTold()).toContain("Write outside all the same");
      await expectCleanTurn(at, "after");
    });
  });

  test("a file in the workspace is read without a question, and the model gets its text", async () => {
    const at = await open();
    const { world, place, running } = at;
    place.write("seen.txt", "The heron is grey.\n");
    const runId = send(at, "Read it", [[{ read: "seen.txt" }], [{ say: "Read." }]]);
    expect(await world.ended(runId)).toMatchObject({ outcome: "end_turn" });
    expect(world.events.all.some(({ type }) => type === "permission.requested")).toBe(false);
    expect(callsOf(world, runId)).toMatchObject([{ status: "completed" }]);
    if (uses("read")) expect(running.askedUs("fs/read_text_file")).toBeGreaterThan(0);
    if (subject.name !== "scripted") expect(running.lastTold()).toContain("The heron is grey.");
  });

  test("a command's output and exit code are shown with its call", async () => {
    const at = await open();
    const { world, running } = at;
    const runId = send(at, "Run it", [[{ shell: "echo out; exit 3" }], [{ say: "It failed." }]]);
    await world.answering(runId, "allow_once");
    const [call] = callsOf(world, runId);
    expect(call).toMatchObject({ kind: "execute", title: "echo out; exit 3" });
    // Where it is not told, it is not made up either.
    expect(call?.view).toMatchObject({ kind: "command", exit_code: subject.tellsOutput ? 3 : null });
    if (subject.tellsOutput) expect(call?.output).toContain("out");
    if (uses("terminal")) expect(running.askedUs("terminal/create")).toBe(1);
  });
}
