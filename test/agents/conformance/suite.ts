import { describe, expect, test } from "vitest";
import { eventually } from "../../support/happenings.ts";
import { type Bench, benchFor } from "./bench.ts";
import { cancels } from "./cancels.ts";
import { permissions } from "./permissions.ts";
import type { Missing, Subject } from "./subjects.ts";
import { survival } from "./survival.ts";

/**
 * What every backend keeps to (design.md §5, §7), run over each of them. What a subject has not got (a plan, another
 * model) makes no test; what is skipped is what could not be run.
 */
export function conformance(subject: Subject | Missing): void {
  if ("missing" in subject) {
    process.stderr.write(`skipped: ${subject.missing}\n`);
    describe.skip(`${subject.name} (${subject.missing})`, () => {
      test("is not here", () => {});
    });
    return;
  }
  const bench = benchFor(subject);
  describe(`${subject.name} ${subject.version}`, { timeout: 240_000 }, () => {
    turns(bench);
    if (bench.hasChild) sharing(bench);
    models(bench);
    cancels(bench);
    permissions(bench);
    survival(bench);
  });
}

function turns({ subject, hasChild, open, send, expectCleanTurn }: Bench): void {
  test("a turn arrives whole: text, reasoning, usage, models and commands", async () => {
    const at = await open();
    const { world } = at;
    const end = await world.ended(
      send(at, "Say hello", [[{ think: "They greet." }, { say: "Hello there." }]]),
    );
    expect(end).toMatchObject({ outcome: "end_turn", text: "Hello there.", agent: at.agent });
    if (subject.counts !== "nothing")
      expect(end.usage).toMatchObject({
        input_tokens: 1000,
        output_tokens: 20,
        cache_read_tokens: subject.tellsCache ? 400 : 0,
      });
    const [user, answer] = world.messages();
    expect(user).toMatchObject({ role: "user", agent: at.agent });
    expect(answer).toMatchObject({ role: "assistant", agent: at.agent, finish_reason: "end_turn" });
    expect(answer?.completed_at).not.toBeNull();
    const thoughts = world.partsOf(end.run_id).filter((part) => part.type === "reasoning");
    if (subject.thinks) expect(thoughts).toMatchObject([{ text: expect.stringContaining("They greet.") }]);
    const row = world.agentSession();
    if (hasChild) {
      expect(row?.agent_session_id).toBeTruthy();
      const told = (type: string) => world.sessionEvents.some((event) => event.type === type);
      if (subject.models)
        expect(world.sessionEvents).toContainEqual(
          expect.objectContaining({ type: "models", current: expect.any(String) }),
        );
      if (subject.modes) expect(told("modes")).toBe(true);
      if (subject.commands) await eventually(() => told("commands"), "its commands");
      if (subject.titles) await eventually(() => told("title"), "its title");
    }
    if (subject.counts !== "nothing") expect(row).toMatchObject({ input_tokens: 1000, output_tokens: 20 });
  });

  test("usage is counted once per turn", async () => {
    const at = await open();
    for (const word of ["one", "two", "three"]) {
      const { usage } = await expectCleanTurn(at, word);
      if (subject.counts !== "nothing")
        expect(usage).toMatchObject({ input_tokens: 1000, output_tokens: 20 });
    }
    if (subject.counts !== "nothing")
      expect(at.world.agentSession()).toMatchObject({ input_tokens: 3000, output_tokens: 60 });
  });

  if (subject.plans)
    test("its plan is shown", async () => {
      const at = await open();
      await at.world.ended(send(at, "Plan it", [[{ plan: ["Look", "Change"] }], [{ say: "Planned." }]]));
      const told = at.world.events.all.findLast((event) => event.type === "plan.updated");
      expect(told?.payload.plan.entries).toEqual([
        { content: "Look", status: "in_progress" },
        { content: "Change", status: "pending" },
      ]);
    });
}

function sharing({ subject, open, expectCleanTurn }: Bench): void {
  test("five turns with a switch to hearth and back use one process and one conversation", async () => {
    const at = await open({ other: true });
    const { world, running } = at;
    for (const round of [1, 2, 3]) await expectCleanTurn(at, `word${round}`);
    const id = world.agentSession()?.agent_session_id;
    at.otherModel.enqueue({ pieces: ["Interlude."] });
    expect(await world.ask("Between us", { agent: "hearth" })).toMatchObject({ text: "Interlude." });
    expect(world.sessionEvents.some(({ type }) => type === "cooled" || type === "crashed")).toBe(false);
    const back = await expectCleanTurn(at, "word4");
    expect(running.lastTold()).toContain("conversation_so_far");
    expect(running.lastTold()).toContain("Interlude.");
    await expectCleanTurn(at, "word5");
    expect(world.messages().findLast(({ run_id }) => run_id === back.run_id)?.agent).toBe(at.agent);
    expect(running.pids()).toHaveLength(1);
    expect(world.agentSession()?.agent_session_id).toBe(id);
    if (subject.kind !== "acp") return;
    expect(running.sent("initialize")).toBe(1);
    expect(running.sent("session/new")).toBe(1);
    expect(running.sent("session/load")).toBe(0);
    expect(running.sent("session/resume")).toBe(0);
    expect(running.sent("session/prompt")).toBe(5);
  });

  test("several sessions share a process and never see each other's events", async () => {
    const at = await open();
    const { world, running } = at;
    const second = world.newSession();
    await expectCleanTurn(at, "first");
    running.will([[{ say: "second" }]]);
    expect(await world.ask("Say second", { session: second })).toMatchObject({ text: "second" });
    expect(world.messages(second)).toHaveLength(2);
    expect(JSON.stringify(world.messages())).not.toContain("second");
    expect(running.pids()).toHaveLength(1);
  });
}

function models({ subject, open, expectCleanTurn }: Bench): void {
  const { anotherModel, refusesModels } = subject;
  if (anotherModel !== null)
    test("a prompt is answered by the model it names", async () => {
      const at = await open();
      const { world, running } = at;
      await expectCleanTurn(at, "before");
      expect(running.lastModel()).not.toBe(anotherModel.asked);
      running.will([[{ say: "Another me." }]]);
      expect(await world.ask("Who are you?", { model: anotherModel.id })).toMatchObject({
        outcome: "end_turn",
        text: "Another me.",
      });
      expect(running.lastModel()).toBe(anotherModel.asked);
    });

  if (refusesModels)
    test("an unknown model ends the run with one clear sentence, and the next run works", async () => {
      const at = await open();
      await expectCleanTurn(at, "before");
      at.running.will([[{ say: "Never said." }]]);
      const end = await at.world.ask("Say it", { model: "none/such-model" });
      expect(end).toMatchObject({ outcome: "error", error: { code: "model_unavailable" } });
      expect(end.error?.message).toContain("none");
      await expectCleanTurn(at, "after");
    });
}
