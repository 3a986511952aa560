// `opencode serve` itself behind our backend; its model is a script.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createGate } from "../support/happenings.ts";
import { say, silence } from "../support/model-server.ts";
import { openOpencodeBench, playTurn, textIn } from "../support/opencode-bench.ts";
import { findRealAgent, whyMissing } from "../support/real-agents.ts";

const real = findRealAgent("opencode");
if (real === undefined) process.stderr.write(`skipped: ${whyMissing("opencode")}\n`);

describe.skipIf(real === undefined)(`opencode ${real?.version}`, { timeout: 120_000 }, () => {
  const bench = () => openOpencodeBench(real ?? expect.unreachable());

  test("a turn's text, usage and end come through, and five turns keep one process and one session", async () => {
    const { model, session } = await bench();
    const { context, open } = session();
    const opened = await open();
    expect(opened.kind).toBe("new");
    const id = context.remembered?.agent_session_id;
    for (const round of [1, 2, 3, 4, 5]) {
      model.enqueue({ pieces: ["Hello ", `${round}.`], usage: { input: 1000, output: 20, cache_read: 400 } });
      const turn = playTurn(opened, `Round ${round}`);
      expect(await turn.result).toEqual({ outcome: "end_turn" });
      expect(textIn(turn.events)).toBe(`Hello ${round}.`);
      expect(turn.events.slice(0, 2)).toEqual([
        { type: "prompted" },
        { type: "step_started", model: "fake/fake-model" },
      ]);
      expect(turn.events.findLast((event) => event.type === "step_finished")).toMatchObject({
        finish_reason: "end_turn",
        usage: { input_tokens: 1000, output_tokens: 20, cache_read_tokens: 400 },
      });
      expect(await opened.isUsable(context)).toBe(true);
    }
    expect(context.remembered?.agent_session_id).toBe(id);
    expect(JSON.stringify(model.requests.at(-1)?.body)).toContain("Round 1");
  });

  test("a write asks with its diff, an allowed one is done, a denied command is not and the turn goes on", async () => {
    const { model, root, session, tools } = await bench();
    const opened = await session().open();
    const file = join(root, "new.txt");
    model.enqueue(say(tools.write(file, "one\n")), say("Written."));
    const write = playTurn(opened, "Write it");
    expect(await write.result).toEqual({ outcome: "end_turn" });
    expect(readFileSync(file, "utf8")).toBe("one\n");
    expect(write.asked).toMatchObject([
      { tool: "edit", kind: "edit", subject: { type: "path", access: "write", path: file } },
    ]);
    expect(write.asked[0]?.subject).toMatchObject({ unified: expect.stringContaining("+one") });
    expect(write.events).toContainEqual(
      expect.objectContaining({
        type: "tool_call_updated",
        status: "completed",
        view: expect.objectContaining({ kind: "diff", additions: 1, deletions: 0 }),
      }),
    );

    model.enqueue(say(tools.shell("touch denied.txt")), say("Then not."));
    const shell = playTurn(opened, "Touch it", {
      verdict: async () => ({ decision: "deny", message: "Not today." }),
    });
    expect(await shell.result).toEqual({ outcome: "end_turn" });
    expect(shell.asked[0]?.subject).toEqual({ type: "command", command: "touch denied.txt", cwd: root });
    expect(existsSync(join(root, "denied.txt"))).toBe(false);
    expect(textIn(shell.events)).toBe("Then not.");
    expect(JSON.stringify(model.requests.at(-1)?.body)).toContain("Not today.");
    expect(shell.events).toContainEqual(
      expect.objectContaining({ type: "tool_call_updated", status: "denied" }),
    );
  });

  test("a cancel during text, before the first byte, at a question and in a command settles, and the next turn is clean", async () => {
    const { model, root, session, tools } = await bench();
    const opened = await session().open();
    const next = async (word: string) => {
      model.forget();
      model.enqueue(say(word));
      const turn = playTurn(opened, `Say ${word}`);
      expect(await turn.result).toEqual({ outcome: "end_turn" });
      expect(textIn(turn.events)).toBe(word);
      expect(turn.events.filter((event) => event.type === "step_finished")).toHaveLength(1);
    };

    model.enqueue(say("Talking", { stop: "hang" }));
    const text = playTurn(opened, "Talk");
    await text.until((event) => event.type === "text_delta");
    text.cancel();
    expect(await text.result).toEqual({ outcome: "canceled" });
    await next("first");

    model.enqueue(silence);
    const before = model.requests.length;
    const silent = playTurn(opened, "Wait");
    await model.asked(before + 1);
    silent.cancel();
    expect(await silent.result).toEqual({ outcome: "canceled" });
    await next("second");

    const early = playTurn(opened, "Never mind");
    early.cancel();
    expect(await early.result).toEqual({ outcome: "canceled" });
    await next("third");

    model.enqueue(say(tools.shell("touch asked.txt")));
    const pending = playTurn(opened, "Ask", {
      verdict: (_, signal) =>
        new Promise((resolve) =>
          signal.addEventListener("abort", () => {
            resolve({ decision: "canceled" });
          }),
        ),
    });
    await pending.until((event) => event.type === "tool_call_updated" || event.type === "tool_call");
    while (pending.asked.length === 0) await new Promise(setImmediate);
    pending.cancel();
    expect(await pending.result).toEqual({ outcome: "canceled" });
    expect(existsSync(join(root, "asked.txt"))).toBe(false);
    await next("fourth");

    model.enqueue(say(tools.shell("echo started; sleep 600")));
    const command = playTurn(opened, "Sleep");
    await command.until((event) => event.type === "tool_output" && event.text.includes("started"));
    command.cancel();
    expect(await command.result).toEqual({ outcome: "canceled" });
    await next("fifth");
  });

  test("a child that is killed ends its turn with an error, and the next turn resumes the session", async () => {
    const { model, session, processes } = await bench();
    const { context, told, open } = session();
    const opened = await open();
    model.enqueue(say("Remember the heron."));
    await playTurn(opened, "The word is heron").result;
    model.enqueue(say("Half", { stop: "hang" }));
    const turn = playTurn(opened, "Go on");
    await turn.until((event) => event.type === "text_delta");
    await processes.stopOwner("opencode.1");
    expect(await turn.result).toMatchObject({ outcome: "error", error: { code: "agent_crashed" } });
    expect(told.some((event) => event.type === "crashed")).toBe(true);
    expect(await opened.isUsable(context)).toBe(false);

    const again = await open();
    expect(again.kind).toBe("resumed");
    model.forget();
    model.enqueue(say("Heron."));
    expect(await playTurn(again, "Which word?").result).toEqual({ outcome: "end_turn" });
    expect(JSON.stringify(model.requests.at(-1)?.body)).toContain("The word is heron");
  });

  test("a turn whose event stream is cut continues, nothing lost and nothing twice", async () => {
    const { model, session, pids } = await openOpencodeBench(real ?? expect.unreachable(), [
      process.execPath,
      join(import.meta.dirname, "../support/cut-opencode.ts"),
      real?.program ?? "",
    ]);
    const opened = await session().open();
    const [first, second, third] = [createGate(), createGate(), createGate()];
    const cut = () => process.kill(pids[0] ?? 0, "SIGUSR2");
    const waits = (gate: typeof first) => ({ until: gate.passed });
    model.enqueue(say("One. ", waits(first), "Two. ", waits(second), "Three. ", waits(third)));
    const turn = playTurn(opened, "Count");
    await turn.until((event) => event.type === "text_delta" && event.text.includes("One"));
    cut();
    first.open();
    second.open();
    cut();
    third.open();
    expect(await turn.result).toEqual({ outcome: "end_turn" });
    expect(textIn(turn.events).trimEnd()).toBe("One. Two. Three.");
    expect(turn.events.filter((event) => event.type === "step_finished")).toHaveLength(1);
    model.enqueue(say("Four."));
    const next = playTurn(opened, "And on");
    expect(await next.result).toEqual({ outcome: "end_turn" });
    expect(textIn(next.events)).toBe("Four.");
  });

  test("a session that opencode has lost is created again, and a notice says so", async () => {
    const { model, session } = await bench();
    const first = session();
    await first.open();
    const { fingerprint = "" } = first.context.remembered ?? {};
    const { open } = session({ agent_session_id: "ses_000000000000gone0000000000", fingerprint });
    const opened = await open();
    expect(opened.kind).toBe("new");
    model.enqueue(say("New."));
    const turn = playTurn(opened, "Still there?", { turn: { handover: "WHAT WAS SAID BEFORE" } });
    expect(await turn.result).toEqual({ outcome: "end_turn" });
    expect(turn.events).toContainEqual(expect.objectContaining({ type: "notice", code: "session_lost" }));
    expect(JSON.stringify(model.requests.at(-1)?.body)).toContain("WHAT WAS SAID BEFORE");
  });

  test("a mode of its own is used for the turns that name it, and an unknown one is an error", async () => {
    const { model, session } = await bench();
    const opened = await session().open();
    const told = [];
    for (const agent_mode of ["plan", null]) {
      model.enqueue(say("Hello."));
      expect(await playTurn(opened, "Hi", { turn: { agent_mode } }).result).toEqual({ outcome: "end_turn" });
      const asked = model.requests.at(-1)?.body?.messages?.at(-1);
      told.push(JSON.stringify(asked).includes("Plan mode ACTIVE"));
    }
    expect(told).toEqual([true, false]);
    const requests = model.requests.length;
    expect(await playTurn(opened, "Hi", { turn: { agent_mode: "nope" } }).result).toMatchObject({
      outcome: "error",
      error: { code: "model_unavailable", message: expect.stringMatching(/no mode nope\. It has .*plan/) },
    });
    expect(model.requests).toHaveLength(requests);
  });

  test("plan, title, models, modes and commands are told; a refused key is one clear error", async () => {
    const { model, session, tools } = await bench();
    const { told, open } = session();
    const opened = await open();
    model.enqueue(say(tools.plan("Look", "Change")), say("Planned."));
    const plan = playTurn(opened, "Plan it");
    expect(await plan.result).toEqual({ outcome: "end_turn" });
    expect(plan.events).toContainEqual({
      type: "plan",
      entries: [
        { content: "Look", status: "in_progress" },
        { content: "Change", status: "pending" },
      ],
    });
    expect(told).toContainEqual({ type: "title", title: "A title" });
    const models = told.find((event) => event.type === "models");
    expect(models).toMatchObject({ current: "fake/fake-model" });
    expect(told.find((event) => event.type === "modes")).toMatchObject({
      modes: expect.arrayContaining([
        { id: "build", name: "build" },
        { id: "plan", name: "plan" },
      ]),
    });
    expect(told.some((event) => event.type === "commands" && event.commands.length > 0)).toBe(true);

    model.answerAll({ status: 401, body: { error: { message: "Incorrect API key provided." } } });
    expect(await playTurn(opened, "Fail").result).toMatchObject({
      outcome: "error",
      error: { code: "provider_auth" },
    });
    model.answerAll(undefined);
    model.enqueue(say("Fine."));
    expect(await playTurn(opened, "And now?").result).toEqual({ outcome: "end_turn" });
  });
});
