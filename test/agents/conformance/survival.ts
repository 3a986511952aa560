import { expect, onTestFinished, test } from "vitest";
import { startCrashable } from "../../support/crashable-daemon.ts";
import { eventually } from "../../support/happenings.ts";
import { processesOf, readProcess, signal } from "../../support/processes.ts";
import { type Bench, isRunning } from "./bench.ts";

/** design.md G12: no child outlives the daemon by more. */
const ORPHAN_MS = 5000;

export function survival(bench: Bench): void {
  const { subject, hasChild, open, prepare, send, expectCleanTurn, expectMemory } = bench;
  const isKept = hasChild && subject.keepsConversations;

  test("kill -9 of the daemon leaves no process behind and loses nothing; the conversation goes on", async () => {
    const ground = await prepare();
    const { place, running } = ground;
    const daemon = startCrashable(place, running.plan);
    onTestFinished(daemon.kill);
    running.will([[{ say: "I remember." }]]);
    await daemon.ask("Say remember-me");
    running.will([[{ babble: "blah" }]]);
    const runId = await daemon.prompt("Talk", "blah3");
    if (hasChild) expect(processesOf(place.base)).not.toEqual([]);
    await daemon.kill();
    await eventually(() => processesOf(place.base).length === 0, "its children to be gone", ORPHAN_MS);

    const at = await ground.start();
    const { world } = at;
    const id = world.agentSession()?.agent_session_id;
    expect(world.store.runs.get(runId)).toMatchObject({ state: "completed", outcome: "interrupted" });
    expect(JSON.stringify(world.partsOf(runId))).toContain("blah3");
    const back = await expectCleanTurn(at, "back");
    expect(JSON.stringify(world.partsOf(back.run_id))).not.toContain("blah");
    expectMemory(at, "remember-me");
    if (isKept) expect(world.agentSession()?.agent_session_id).toBe(id);
  });

  if (!hasChild) return;

  test("a killed agent process ends its turn with an error; the next prompt goes on with the conversation", async () => {
    const at = await open();
    const { world, running } = at;
    await expectCleanTurn(at, "remember-me");
    const id = world.agentSession()?.agent_session_id;
    const asked = running.askedCount();
    const runId = send(at, "Talk", [[{ babble: "blah" }]]);
    await running.asked(asked + 1);
    await world.sawText("blah1");
    const victim = readProcess(running.pids()[0] ?? 0);
    if (victim) signal(victim, "SIGKILL");
    const end = await world.ended(runId);
    expect(end).toMatchObject({ outcome: "error", error: { code: "agent_crashed" } });
    expect(end.error?.message).toContain(at.agent);
    expect(world.sessionEvents).toContainEqual(expect.objectContaining({ type: "crashed" }));
    expect(JSON.stringify(world.partsOf(runId))).toContain("blah1");
    await expectCleanTurn(at, "back");
    expect(running.pids()).toHaveLength(2);
    expectMemory(at, "remember-me");
    if (!isKept) return;
    expect(world.agentSession()?.agent_session_id).toBe(id);
    if (subject.kind === "acp")
      expect((running.sent("session/load") ?? 0) + (running.sent("session/resume") ?? 0)).toBe(1);
  });

  test("the conversation goes on after the daemon has stopped and started again", async () => {
    const ground = await prepare();
    const before = await ground.start();
    await expectCleanTurn(before, "remember-me");
    const id = before.world.agentSession()?.agent_session_id;
    const first = before.running.pids().length;
    await ground.stop();
    const at = await ground.start();
    await expectCleanTurn(at, "back");
    expect(at.running.pids()).toHaveLength(first + 1);
    expectMemory(at, "remember-me");
    if (isKept) expect(at.world.agentSession()?.agent_session_id).toBe(id);
  });

  test("an idle agent process is ended, and the next prompt goes on with the conversation", async () => {
    const at = await open({ warm: { idle_evict_ms: 300 } });
    const { world, running } = at;
    await expectCleanTurn(at, "remember-me");
    const id = world.agentSession()?.agent_session_id;
    await eventually(
      () => world.sessionEvents.some(({ type }) => type === "cooled"),
      "the child to be let go",
    );
    expect(running.pids().map(isRunning)).toEqual([false]);
    await expectCleanTurn(at, "back");
    expect(running.pids()).toHaveLength(2);
    expectMemory(at, "remember-me");
    if (isKept) expect(world.agentSession()?.agent_session_id).toBe(id);
  });
}
