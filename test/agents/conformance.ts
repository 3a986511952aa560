import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { WarmLimits } from "../../src/agent/children/warm-keeper.ts";
import type { RunId } from "../../src/protocol/ids.ts";
import type { ToolCallPart } from "../../src/protocol/message.ts";
import { type AgentWorld, createPlace, openAgentWorld } from "../support/agent-world.ts";
import { eventually } from "../support/happenings.ts";
import type { ModelServer } from "../support/model-server.ts";
import { isAlive, processesOf, readProcess, signal } from "../support/processes.ts";
import {
  type Missing,
  nativeBackend,
  type Running,
  type Steps,
  type Subject,
  startModel,
} from "./subjects.ts";

type Open = { world: AgentWorld; running: Running; model: ModelServer; agent: string };

/** How soon the end of a canceled run is told, at the latest: long before its backend has settled. */
const TOLD_MS = 1000;

/**
 * What every backend keeps to (design.md §5, §7), run over each of them. Every test has a machine of its own, and
 * ends with nobody left alive and nothing gone wrong unseen.
 */
export function conformance(subject: Subject | Missing): void {
  if ("missing" in subject) {
    process.stderr.write(`skipped: ${subject.missing}\n`);
    describe.skip(`${subject.name} (${subject.missing})`, () => {
      test("is not here", () => {});
    });
    return;
  }
  const { name, version, kind } = subject;
  const hasChild = kind !== "native";

  /** `other`: hearth's own agent is there too. */
  async function open({ warm, other = false }: { warm?: Partial<WarmLimits>; other?: boolean } = {}) {
    const place = createPlace();
    const model = await startModel();
    // Of its own: agents ask theirs for more than the conversation.
    const otherModel = await startModel();
    const worlds: AgentWorld[] = [];
    let running: Running | undefined;
    onTestFinished(async () => {
      for (const world of worlds) await world.close();
      await running?.close();
      await Promise.all([model.close(), otherModel.close()]);
      const left = processesOf(place.base).map(({ pid, command }) => `${pid} ${command}`);
      place.remove();
      expect(left).toEqual([]);
      expect(worlds.flatMap(({ reports }) => reports)).toEqual([]);
    });
    async function start(): Promise<Open> {
      const world = await openAgentWorld({
        place,
        ...(warm ? { warm } : {}),
        async backends(means) {
          running ??= await (subject as Subject).start(means, model);
          const own = await running.restarted(means);
          return other ? { ...own, hearth: nativeBackend(means, otherModel) } : own;
        },
      });
      worlds.push(world);
      if (running === undefined) throw new Error("it was just started");
      return { world, running, model, agent: running.agent };
    }
    const first = await start();
    return {
      ...first,
      otherModel,
      /** The daemon stops and starts again on the same store. */
      async restart(): Promise<Open> {
        await first.world.close();
        worlds.shift();
        return start();
      },
    };
  }

  /** Sends a prompt whose turn goes like that. */
  function send({ world, running }: Open, text: string, steps: Steps): RunId {
    running.will(steps);
    return world.prompt(text);
  }

  const callsOf = (world: AgentWorld, runId: RunId): ToolCallPart[] =>
    world.partsOf(runId).filter((part) => part.type === "tool_call");
  const alive = (pid: number) => {
    const found = readProcess(pid);
    return found !== undefined && isAlive(found);
  };

  /** A turn after whatever happened is a turn like any other. */
  async function expectCleanTurn(at: Open, word: string) {
    const end = await at.world.ended(send(at, `Say ${word}`, [[{ say: word }]]));
    expect(end).toMatchObject({ outcome: "end_turn", text: word });
    expect(at.running.lastTold()).toContain(`Say ${word}`);
    return end;
  }

  describe(`${name} ${version}`, { timeout: 240_000 }, () => {
    test("a turn comes through from the prompt to its end: text, thoughts, usage, and what the agent offers", async () => {
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
      if (subject.thinks) expect(thoughts).toMatchObject([{ text: "They greet." }]);
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

    test.runIf(hasChild)(
      "five turns and a switch to hearth and back use one process and one conversation",
      async () => {
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
        if (kind !== "acp") return;
        expect(running.sent("initialize")).toBe(1);
        expect(running.sent("session/new")).toBe(1);
        expect(running.sent("session/load")).toBe(0);
        expect(running.sent("session/resume")).toBe(0);
        expect(running.sent("session/prompt")).toBe(5);
      },
    );

    test("several sessions share what runs, and do not hear each other", async () => {
      const at = await open();
      const { world, running } = at;
      const second = world.newSession();
      await expectCleanTurn(at, "first");
      running.will([[{ say: "second" }]]);
      expect(await world.ask("Say second", { session: second })).toMatchObject({ text: "second" });
      expect(world.messages(second)).toHaveLength(2);
      expect(JSON.stringify(world.messages())).not.toContain("second");
      if (hasChild) expect(running.pids()).toHaveLength(1);
    });

    describe("a cancel", () => {
      /** Cancels, and sees that the end is told at once and without an error. */
      async function cancel({ world }: Open, runId: RunId) {
        const before = performance.now();
        expect(world.cancel().canceled).toContain(runId);
        const end = await world.ended(runId);
        expect(performance.now() - before).toBeLessThan(TOLD_MS);
        expect(end).toMatchObject({ outcome: "canceled" });
        expect(end.error).toBeUndefined();
        await world.idle();
        const open = callsOf(world, runId).filter(
          ({ status }) => status === "pending" || status === "running",
        );
        expect(open).toEqual([]);
      }

      test.runIf(hasChild)(
        "while the agent is being started ends the run, and the next one runs",
        async () => {
          const at = await open();
          const runId = send(at, "Never sent", [[{ say: "never said" }]]);
          await cancel(at, runId);
          expect(at.running.askedCount()).toBe(0);
          await expectCleanTurn(at, "after");
          expect(at.running.lastTold()).not.toContain("Never sent");
        },
      );

      test("in the middle of the text keeps what was said, and says no more", async () => {
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

      test("before the model has said a word settles, by force if need be", async () => {
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

      test("at an open question withdraws it, and what was asked for is not done", async () => {
        const at = await open();
        const { world, place } = { ...at, place: at.world.place };
        const runId = send(at, "Touch it", [[{ shell: "touch canceled.txt" }], [{ say: "too late" }]]);
        await world.question();
        await cancel(at, runId);
        expect(world.questions()).toEqual([]);
        expect(existsSync(join(place.project, "canceled.txt"))).toBe(false);
        expect(callsOf(world, runId)).toMatchObject([{ status: "canceled" }]);
        await expectCleanTurn(at, "after");
        expect(existsSync(join(place.project, "canceled.txt"))).toBe(false);
      });

      test("takes a running command with it, and what that had started", async () => {
        const at = await open();
        const { world, place } = { ...at, place: at.world.place };
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
        expect(alive(pid)).toBe(true);
        await cancel(at, runId);
        expect(alive(pid)).toBe(false);
        await expectCleanTurn(at, "after");
      });
    });

    describe("a question for permission", () => {
      test("shows the whole change; allowed, the file is written and the call shows it", async () => {
        const at = await open();
        const { world, place } = { ...at, place: at.world.place };
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
        if (subject.counts !== "nothing") {
          const answers = subject.counts === "turn" ? 2 : 1;
          expect(end.usage.input_tokens).toBe(1000 * answers);
        }
      });

      test("denied, nothing is done and the run ends like any other", async () => {
        const at = await open();
        const { world, place } = { ...at, place: at.world.place };
        const runId = send(at, "Touch it", [[{ shell: "touch denied.txt" }], [{ say: "Then not." }]]);
        const question = await world.question();
        expect(question.detail).toMatchObject({ type: "command", command: "touch denied.txt" });
        const end = await world.answering(runId, "deny");
        expect(end).toMatchObject({ outcome: "end_turn", text: subject.goesOnWhenDenied ? "Then not." : "" });
        expect(existsSync(join(place.project, "denied.txt"))).toBe(false);
        expect(callsOf(world, runId)).toMatchObject([{ kind: "execute", status: "denied" }]);
        await expectCleanTurn(at, "after");
      });

      test("allowed for the session is not asked again, and the agent is not told to remember it", async () => {
        const at = await open();
        const { world, place } = { ...at, place: at.world.place };
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

      test("is not asked in plan mode: what would change something is refused", async () => {
        const at = await open();
        const { world, running, place } = { ...at, place: at.world.place };
        running.will([[{ write: "planned.txt", content: "no\n" }], [{ say: "Only a plan." }]]);
        const end = await world.ask("Write it", { mode: "plan" });
        expect(end.outcome).toBe("end_turn");
        expect(existsSync(join(place.project, "planned.txt"))).toBe(false);
        expect(world.events.all.some(({ type }) => type === "permission.requested")).toBe(false);
      });
    });

    test("a command's output and exit code are shown with its call", async () => {
      const at = await open();
      const { world } = at;
      const runId = send(at, "Run it", [[{ shell: "echo out; exit 3" }], [{ say: "It failed." }]]);
      await world.answering(runId, "allow_once");
      const [call] = callsOf(world, runId);
      expect(call).toMatchObject({ kind: "execute", title: "echo out; exit 3" });
      expect(call?.output).toContain("out");
      expect(call?.view).toMatchObject({ kind: "command", exit_code: 3 });
    });

    test.runIf(subject.plans)("its plan is told", async () => {
      const at = await open();
      await at.world.ended(send(at, "Plan it", [[{ plan: ["Look", "Change"] }], [{ say: "Planned." }]]));
      const told = at.world.events.all.findLast((event) => event.type === "plan.updated");
      expect(told?.payload.plan.entries).toEqual([
        { content: "Look", status: "in_progress" },
        { content: "Change", status: "pending" },
      ]);
    });

    test.runIf(hasChild)(
      "a child that is killed ends its turn with an error; the next prompt takes the conversation up again",
      async () => {
        const at = await open();
        const { world, running } = at;
        await expectCleanTurn(at, "remember-me");
        const id = world.agentSession()?.agent_session_id;
        const asked = running.askedCount();
        const runId = send(at, "Talk", [[{ babble: "blah" }]]);
        await running.asked(asked + 1);
        await world.sawText("blah1");
        const pid = running.pids()[0] ?? 0;
        const victim = readProcess(pid);
        if (victim) signal(victim, "SIGKILL");
        const end = await world.ended(runId);
        expect(end).toMatchObject({ outcome: "error", error: { code: "agent_crashed" } });
        expect(end.error?.message).toContain(at.agent);
        expect(world.sessionEvents).toContainEqual(expect.objectContaining({ type: "crashed" }));
        expect(JSON.stringify(world.partsOf(runId))).toContain("blah1");
        await expectCleanTurn(at, "back");
        expect(running.pids()).toHaveLength(2);
        expect(world.agentSession()?.agent_session_id).toBe(id);
        if (kind === "acp")
          expect((running.sent("session/load") ?? 0) + (running.sent("session/resume") ?? 0)).toBe(1);
        if (name !== "scripted") expect(running.lastTold()).toContain("remember-me");
        expect(running.lastTold()).not.toContain("conversation_so_far");
      },
    );

    test.runIf(hasChild)(
      "after the daemon has stopped and started again the conversation is taken up",
      async () => {
        const before = await open();
        await expectCleanTurn(before, "remember-me");
        const id = before.world.agentSession()?.agent_session_id;
        const first = before.running.pids().length;
        const at = await before.restart();
        await expectCleanTurn(at, "back");
        expect(at.running.pids()).toHaveLength(first + 1);
        expect(at.world.agentSession()?.agent_session_id).toBe(id);
        if (name !== "scripted") expect(at.running.lastTold()).toContain("remember-me");
        expect(at.running.lastTold()).not.toContain("conversation_so_far");
      },
    );

    test.runIf(hasChild)(
      "a child that nobody uses is let go, and what it knew is taken up again",
      async () => {
        const at = await open({ warm: { idle_evict_ms: 300 } });
        const { world, running } = at;
        await expectCleanTurn(at, "remember-me");
        const id = world.agentSession()?.agent_session_id;
        await eventually(
          () => world.sessionEvents.some(({ type }) => type === "cooled"),
          "the child to be let go",
        );
        expect(running.pids().map(alive)).toEqual([false]);
        await expectCleanTurn(at, "back");
        expect(running.pids()).toHaveLength(2);
        expect(world.agentSession()?.agent_session_id).toBe(id);
        expect(running.lastTold()).not.toContain("conversation_so_far");
      },
    );
  });
}
