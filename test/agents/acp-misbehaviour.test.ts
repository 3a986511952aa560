// What an ACP agent can do wrong (faults.md F33 to F37), done by a real child, through the real coordinator.
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import type { NoticePart } from "../../src/protocol/message.ts";
import { eventually } from "../support/happenings.ts";
import { isAlive, readProcess } from "../support/processes.ts";
import type { Deed } from "../support/scripted-acp.ts";
import { openScriptedWorld, type ScriptedWorld } from "../support/scripted-world.ts";

const say = (...texts: string[]): Deed => ({ do: "say", texts });
const update = (fields: Record<string, unknown>): Deed => ({ do: "update", update: fields });

const alive = (pid: number): boolean => {
  const found = readProcess(pid);
  return found !== undefined && isAlive(found);
};

/** The clock that says when a process began has gone on since. */
const hasTicked = (pid: number): boolean =>
  Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]) * 100 > Number(readProcess(pid)?.startTime) + 2;

/** Whatever happened before, the next prompt runs. */
async function expectCleanTurn({ world, acp }: ScriptedWorld, word = "fine") {
  acp.forgetTurns();
  acp.nextTurn({ deeds: [say(word)] });
  const end = await world.ask(`Say ${word}`);
  expect(end).toMatchObject({ outcome: "end_turn", text: word });
  return end;
}

const noticesOf = ({ world }: ScriptedWorld, runId: Parameters<typeof world.partsOf>[0]): string[] =>
  world
    .partsOf(runId)
    .filter((part): part is NoticePart => part.type === "notice")
    .map(({ text }) => text);

const loginsOf = ({ world }: ScriptedWorld): (string | null)[] =>
  world.sessionEvents.flatMap((event) => (event.type === "login" ? [event.reason] : []));

describe("an agent that does not start", () => {
  test.each([
    { what: "exits at once", start: { atStart: "exit", stderr: "no config found\n" } as const },
    {
      what: "exits when it is greeted",
      start: { answers: { initialize: "exit" }, stderr: "no config found\n" } as const,
    },
    { what: "exits with 0", start: { atStart: "exit", exitCode: 0, stderr: "no config found\n" } as const },
  ])(
    "and $what ends the run with one sentence that says why, and leaves the session to others",
    async ({ start }) => {
      const at = await openScriptedWorld();
      const { world, acp } = at;
      acp.nextStart(start);
      const end = await world.ask("Hello");
      expect(end).toMatchObject({ outcome: "error", error: { code: "agent_unavailable" } });
      expect(end.error?.message).toMatch(
        /^scripted exited with code \d before it was ready; it last said: no config found\.$/,
      );
      acp.nextTurn({ deeds: [say("Here.")] });
      expect(await world.ask("Anyone?", { agent: "other" })).toMatchObject({ text: "Here." });
      expect(world.messages().map(({ role }) => role)).toEqual(["user", "assistant", "user", "assistant"]);
    },
  );

  test("is started again after 1, then 2 seconds, and after three failures says so at once", async () => {
    const { world, acp } = await openScriptedWorld();
    acp.everyStart({ atStart: "exit" });
    const times: number[] = [];
    for (let n = 0; n < 3; n += 1) {
      expect((await world.ask("Hello")).error?.code).toBe("agent_unavailable");
      times.push(acp.heard.all.findLast(({ said }) => said === "spawned")?.at ?? 0);
    }
    const [first = 0, second = 0, third = 0] = times;
    expect(second - first).toBeGreaterThan(950);
    expect(third - second).toBeGreaterThan(1950);
    const refused = await world.ask("Hello");
    expect(refused.error?.message).toMatch(
      /failed 3 times in a row and is tried again in \d s; another agent can be used/,
    );
    expect(acp.pids()).toHaveLength(3);
    expect(world.sessionEvents).toContainEqual(expect.objectContaining({ type: "failed" }));
  });

  test("because it never answers is ended, and the next prompt starts another", async () => {
    // Longer than a loaded machine takes to start it.
    const at = await openScriptedWorld({ startTimeoutMs: 10_000 });
    at.acp.nextStart({ answers: { initialize: "never" } });
    const end = await at.world.ask("Hello");
    expect(end.error).toMatchObject({
      code: "agent_unavailable",
      message: expect.stringContaining("gave no answer within 10 s"),
    });
    // On a busy machine it may have been ended before it could say that it is there.
    expect(at.acp.pids().map(alive)).not.toContain(true);
    await expectCleanTurn(at);
  });

  test("a session because it never answers session/new is ended, and the next prompt starts another", async () => {
    const at = await openScriptedWorld({ openTimeoutMs: 500 });
    at.acp.nextStart({ answers: { "session/new": "never" } });
    const end = await at.world.ask("Hello");
    expect(end.error).toMatchObject({
      code: "agent_unavailable",
      message: expect.stringContaining("did not answer session/new"),
    });
    expect(at.acp.pids().map(alive)).toEqual([false]);
    await expectCleanTurn(at);
  });

  test("because it speaks another version says which, and counts as no failure", async () => {
    const at = await openScriptedWorld();
    at.acp.nextStart({ protocolVersion: 2 });
    const end = await at.world.ask("Hello");
    expect(end.error?.message).toBe(
      "scripted speaks version 2 of the Agent Client Protocol, hearth speaks 1: update hearth.",
    );
    await expectCleanTurn(at);
  });

  test("because it is too old is distinguished from a crash, and the update command is shown", async () => {
    const update = "npm install -g scripted@latest";
    const at = await openScriptedWorld({ launch: { update } });
    const stderr = "error: unrecognized subcommand 'acp'\n\nFor more information, try '--help'.\n";
    at.acp.nextStart({ atStart: "exit", exitCode: 2, stderr });
    const end = await at.world.ask("Hello");
    expect(end.error?.code).toBe("agent_unavailable");
    expect(end.error?.message).toContain("it is too old for hearth, or another program of that name");
    expect(end.error?.message).toMatch(/try '--help'\)\. To fix it: npm install -g scripted@latest\.$/);
    at.acp.nextStart({ protocolVersion: 0 });
    expect((await at.world.ask("Hello")).error?.message).toMatch(
      /hearth speaks 1: update scripted: npm install -g scripted@latest\.$/,
    );
    await expectCleanTurn(at);
  });

  test("a session because it names none says so", async () => {
    const at = await openScriptedWorld();
    at.acp.nextStart({ session: { sessionId: 7 } });
    expect((await at.world.ask("Hello")).error?.message).toContain("made a session without an id");
  });

  test("because its command is not there says so", async () => {
    const { world } = await openScriptedWorld({ launch: { command: ["/nowhere/agent"] } });
    const end = await world.ask("Hello");
    expect(end.error).toMatchObject({
      code: "agent_unavailable",
      message: expect.stringContaining("/nowhere/agent was not found"),
    });
  });

  test("because nobody is logged in names the login command", async () => {
    const at = await openScriptedWorld();
    at.acp.nextStart({
      answers: { "session/new": { error: { code: -32000, message: "Authentication required" } } },
    });
    const end = await at.world.ask("Hello");
    expect(end.error).toMatchObject({
      code: "provider_auth",
      message: expect.stringContaining("To log in: scripted login."),
    });
    expect(loginsOf(at)).toEqual([
      "scripted is not logged in, or its provider refused it: Authentication required.",
    ]);
  });

  test("a turn because its provider rejects it says so, and reports when it works again", async () => {
    const at = await openScriptedWorld();
    at.acp.nextTurn({ deeds: [{ do: "fail", code: -32603, message: "401 Incorrect API key provided" }] });
    expect((await at.world.ask("Hello")).error?.code).toBe("provider_auth");
    await expectCleanTurn(at, "logged in");
    expect(loginsOf(at)).toEqual([expect.stringContaining("401 Incorrect API key provided"), null]);
  });
});

describe("an agent that dies", () => {
  test("in a turn ends it with its last output, and its conversation is resumed", async () => {
    const at = await openScriptedWorld();
    await expectCleanTurn(at, "before");
    at.acp.nextTurn({
      deeds: [
        say("Half a "),
        { do: "stderr_bytes", bytes: 2048, last: "panic: out of luck\n" },
        { do: "exit", code: 7 },
      ],
    });
    const end = await at.world.ask("Go on");
    expect(end.error?.code).toBe("agent_crashed");
    expect(end.error?.message).toMatch(
      /^scripted exited with code 7; it last said: .*panic: out of luck\.$/s,
    );
    expect(end.text).toBe("Half a ");
    await expectCleanTurn(at, "after");
    expect(at.acp.count("session/load")).toBe(1);
    expect(at.acp.count("session/new")).toBe(1);
  });

  test("after it was canceled is not missed", async () => {
    const at = await openScriptedWorld();
    at.acp.nextTurn({ deeds: [say("Half "), { do: "hang" }], onCancel: "exit" });
    const runId = at.world.prompt("Go on");
    await at.world.sawText("Half");
    at.world.cancel();
    const end = await at.world.ended(runId);
    expect(end).toMatchObject({ outcome: "canceled" });
    expect(end.error).toBeUndefined();
    await at.world.idle();
    await expectCleanTurn(at);
  });

  test("ends the conversations of all its sessions, and each is resumed", async () => {
    const at = await openScriptedWorld();
    const second = at.world.newSession();
    await expectCleanTurn(at, "one");
    at.acp.nextTurn({ deeds: [say("two")] });
    await at.world.ask("Say two", { session: second });
    at.acp.nextTurn({ deeds: [{ do: "die" }] });
    expect((await at.world.ask("Die")).error?.message).toContain("was ended by SIGKILL");
    at.acp.nextTurn({ deeds: [say("still two")] });
    expect(await at.world.ask("Say", { session: second })).toMatchObject({ text: "still two" });
    await expectCleanTurn(at, "still one");
    expect(at.acp.pids()).toHaveLength(2);
    expect(at.acp.count("session/load")).toBe(2);
  });
});

describe("an agent that does not stop", () => {
  test("is killed after five seconds, and its conversation is resumed", {
    timeout: 120_000,
  }, async () => {
    const at = await openScriptedWorld();
    at.acp.nextTurn({ deeds: [say("Half "), { do: "hold", gate: "never" }], onCancel: "ignore" });
    const runId = at.world.prompt("Go on");
    await at.world.sawText("Half");
    at.world.cancel();
    expect(await at.world.ended(runId)).toMatchObject({ outcome: "canceled" });
    await at.world.idle();
    await expectCleanTurn(at, "after");
    expect(at.acp.pids()).toHaveLength(2);
    expect(at.acp.count("session/load")).toBe(1);
  });

  test("and also serves another session is left running, and a notice says so", {
    timeout: 120_000,
  }, async () => {
    const at = await openScriptedWorld();
    const { world, acp } = at;
    const second = world.newSession();
    acp.nextTurn(
      { deeds: [say("Mine "), { do: "hold", gate: "mine" }, say("is late")], onCancel: "ignore" },
      { deeds: [say("Yours "), { do: "hold", gate: "yours" }, say("is whole")] },
    );
    const mine = world.prompt("Mine");
    await world.sawText("Mine ");
    const yours = world.prompt("Yours", { session: second });
    await world.sawText("Yours ");
    world.cancel();
    expect(await world.ended(mine)).toMatchObject({ outcome: "canceled" });
    await world.idle();
    // A fresh child has the conversation now; the old one is still at it.
    const next = await expectCleanTurn(at, "fresh");
    expect(noticesOf(at, next.run_id).join()).toContain("could not be stopped");
    expect(acp.pids()).toHaveLength(2);
    expect(alive(acp.pids()[0] ?? 0)).toBe(true);
    acp.openGate("mine");
    acp.openGate("yours");
    expect(await world.ended(yours)).toMatchObject({ outcome: "end_turn", text: "Yours is whole" });
    expect(JSON.stringify(world.messages())).not.toContain("is late");
    // Its last turn was its last.
    await eventually(() => !alive(acp.pids()[0] ?? 0), "the old child to go");
  });

  test("at a question that is never answered settles when the question is withdrawn", async () => {
    const at = await openScriptedWorld();
    const toolCall = { toolCallId: "c1", title: "rm", kind: "execute", rawInput: { command: "rm -r x" } };
    at.acp.nextTurn({ deeds: [{ do: "ask", toolCall, isPatient: true }] });
    const runId = at.world.prompt("Ask me");
    await at.world.question();
    at.world.cancel();
    expect(await at.world.ended(runId)).toMatchObject({ outcome: "canceled" });
    await at.world.idle();
    expect(await at.acp.answered("session/request_permission")).toEqual({
      result: { outcome: { outcome: "cancelled" } },
    });
    await expectCleanTurn(at);
    expect(at.acp.pids()).toHaveLength(1);
  });

  test("but reports that its turn has ended does not change the outcome: the run was canceled", async () => {
    const at = await openScriptedWorld();
    at.acp.nextTurn({ deeds: [say("Half "), { do: "hang" }], onCancel: "end_turn" });
    const runId = at.world.prompt("Go on");
    await at.world.sawText("Half");
    at.world.cancel();
    expect(await at.world.ended(runId)).toMatchObject({ outcome: "canceled" });
    await at.world.idle();
    await expectCleanTurn(at);
    expect(at.acp.pids()).toHaveLength(1);
  });

  test.each([
    { detached: false, told: "before" },
    { detached: true, told: "before" },
    { detached: false, told: "after" },
  ])(
    "a command that it left running is ended (detached: $detached, told $told it began)",
    async ({ detached, told }) => {
      const at = await openScriptedWorld();
      const call = {
        toolCallId: "c1",
        title: "tail",
        kind: "execute",
        rawInput: { command: "tail -f /dev/null" },
        status: "in_progress",
      };
      const announcement = update({ sessionUpdate: "tool_call", ...call });
      const start: Deed = { do: "own_shell", command: "tail -f /dev/null", detached };
      const shellSeen: Deed = { do: "hold", gate: "shell seen" };
      const deeds = told === "before" ? [announcement, start, shellSeen] : [start, shellSeen, announcement];
      at.acp.nextTurn({ deeds: [...deeds, say("Running"), { do: "hang" }] });
      const runId = at.world.prompt("Run it");
      const shell = await at.acp.until(({ said }) => said === "shell", "its shell");
      const pid = shell.said === "shell" ? shell.shellPid : 0;
      expect(alive(pid)).toBe(true);
      await eventually(() => hasTicked(pid), "the kernel's clock, which counts in hundredths, to go on");
      at.acp.openGate("shell seen");
      await at.world.sawText("Running");
      at.world.cancel();
      await at.world.ended(runId);
      await at.world.idle();
      expect(alive(pid)).toBe(false);
      await expectCleanTurn(at);
      expect(at.acp.pids()).toHaveLength(1);
    },
  );

  test("but reports that its command failed may have left processes: they are ended", async () => {
    const at = await openScriptedWorld();
    const call = { toolCallId: "c1", kind: "execute", rawInput: { command: "tail -f /dev/null &" } };
    at.acp.nextTurn({
      onCancel: "ignore",
      deeds: [
        update({ sessionUpdate: "tool_call", title: "tail", status: "in_progress", ...call }),
        { do: "own_shell", command: "tail -f /dev/null", detached: true },
        say("Running"),
        { do: "hold", gate: "canceled" },
        update({ sessionUpdate: "tool_call_update", toolCallId: "c1", status: "failed" }),
      ],
    });
    const runId = at.world.prompt("Run it");
    const shell = await at.acp.until(({ said }) => said === "shell", "its shell");
    const pid = shell.said === "shell" ? shell.shellPid : 0;
    await at.world.sawText("Running");
    await eventually(() => hasTicked(pid), "the kernel's clock, which counts in hundredths, to go on");
    at.world.cancel();
    await at.world.ended(runId);
    await at.acp.asked("session/cancel");
    at.acp.openGate("canceled");
    await at.world.idle();
    expect(alive(pid)).toBe(false);
    await expectCleanTurn(at);
  });

  test("even for SIGTERM is killed with the daemon's end", async () => {
    const at = await openScriptedWorld();
    at.acp.everyStart({ atStart: "ignore_term" });
    await expectCleanTurn(at);
  });
});

describe("an agent that says what it should not", () => {
  test("is cut off in the middle of a flood, and a notice says so", async () => {
    const at = await openScriptedWorld();
    at.acp.nextTurn({ deeds: [{ do: "flood", count: 48, bytesEach: 1024 * 1024 }, say("the end")] });
    const end = await at.world.ask("Flood");
    expect(end.outcome).toBe("end_turn");
    expect(end.text.length).toBeLessThanOrEqual(8 * 1024 * 1024);
    expect(noticesOf(at, end.run_id).join()).toContain("more than 8 MB");
    await expectCleanTurn(at);
  });

  test("may send a line of 600 MB: it is left out, in memory that stays flat", {
    timeout: 360_000,
  }, async () => {
    // That it takes long to shout is not what is told here.
    const at = await openScriptedWorld({ stallNoticeMs: 600_000 });
    await expectCleanTurn(at);
    const inUse = () => {
      const { external, heapUsed } = process.memoryUsage(); // `arrayBuffers` is a part of `external`
      return external + heapUsed;
    };
    const before = inUse();
    const peak = { bytes: 0 };
    const watch = setInterval(() => {
      peak.bytes = Math.max(peak.bytes, inUse());
    }, 5);
    at.acp.nextTurn({
      deeds: [
        say("before "),
        { do: "raw_bytes", bytes: 600 * 1024 * 1024 },
        { do: "raw", text: "\n" },
        say("after"),
      ],
    });
    const end = await at.world.ask("Shout");
    clearInterval(watch);
    expect(end).toMatchObject({ outcome: "end_turn", text: "before after" });
    // A line may take 16 MB before it is given up; the rest is what Node has not collected yet.
    expect(peak.bytes - before).toBeLessThan(250 * 1024 * 1024);
  });

  test("a request that is too long is refused, a response that is too long counts as an error", async () => {
    const at = await openScriptedWorld();
    const big = "y".repeat(17 * 1024 * 1024);
    at.acp.nextTurn({
      deeds: [
        {
          do: "request",
          method: "fs/write_text_file",
          params: { path: `${at.place.project}/big`, content: big },
        },
        say("Then not."),
      ],
    });
    expect(await at.world.ask("Write it")).toMatchObject({ text: "Then not." });
    expect(await at.acp.answered("fs/write_text_file")).toMatchObject({ error: { code: -32600 } });
    at.acp.nextTurn({ deeds: [{ do: "stop", result: { stopReason: "end_turn", _meta: { big } } }] });
    expect(await at.world.ask("Answer")).toMatchObject({
      outcome: "error",
      error: { code: "provider_error" },
    });
    await expectCleanTurn(at);
  });

  test("floods its stderr without effect, except that the end is kept", async () => {
    const at = await openScriptedWorld();
    at.acp.nextTurn({
      deeds: [
        { do: "stderr_bytes", bytes: 4 * 1024 * 1024, last: "the last words\n" },
        say("Still here."),
        { do: "exit", code: 1 },
      ],
    });
    const end = await at.world.ask("Shout");
    expect(end.error?.message.length).toBeLessThan(1000);
    expect(end.error?.message).toContain("the last words");
  });

  test("lines that are no messages, and bytes that are no text, are skipped", async () => {
    const at = await openScriptedWorld();
    at.acp.everyStart({ raw: "Welcome to the agent!\n\u0000\u0001\u0002 binary \uffff\n\n" });
    const noise: Deed[] = Array.from({ length: 50 }, (_, n) => ({
      do: "raw",
      text: `[info] line ${n}\n`.replace("[", "<"),
    }));
    at.acp.nextTurn({ deeds: [say("one "), ...noise, say("two")] });
    expect(await at.world.ask("Log")).toMatchObject({ outcome: "end_turn", text: "one two" });
    expect(at.acp.pids()).toHaveLength(1);
  });

  const malformed: Deed[] = [
    { do: "raw", text: "{ not json\n" },
    { do: "raw", text: '{"jsonrpc":"1.0","method":"session/update"}\n' },
    { do: "raw", text: '{"jsonrpc":"2.0"}\n' },
    { do: "raw", text: '[{"jsonrpc":"2.0","id":1,"method":"x"}]\n' },
    { do: "raw", text: '{"jsonrpc":"2.0","id":99,"result":{}}\n' },
    { do: "raw", text: '{"jsonrpc":"2.0","id":{"a":1},"result":{}}\n' },
    { do: "raw", text: '{"jsonrpc":"2.0","method":"session/update","params":7}\n' },
  ];

  test("malformed messages are skipped, until there are twenty in a minute: then it is replaced", async () => {
    const at = await openScriptedWorld();
    at.acp.nextTurn({ deeds: [say("one "), ...malformed, say("two")] });
    expect(await at.world.ask("Babble")).toMatchObject({ outcome: "end_turn", text: "one two" });
    expect(at.acp.pids()).toHaveLength(1);
    at.acp.nextTurn({ deeds: [say("one "), ...malformed, ...malformed, say("two"), { do: "hang" }] });
    const end = await at.world.ask("Babble more");
    expect(end.error).toMatchObject({
      code: "agent_crashed",
      message: expect.stringContaining("20 malformed messages within a minute"),
    });
    await expectCleanTurn(at, "replaced");
    expect(at.acp.pids()).toHaveLength(2);
  });

  test("an answer that comes twice counts once, and the next turn ends by its own alone", async () => {
    const at = await openScriptedWorld();
    at.acp.nextTurn({
      deeds: [
        say("first "),
        { do: "respond", result: { stopReason: "end_turn" } },
        { do: "hold", gate: "later" },
        say("late words"),
      ],
    });
    expect(await at.world.ask("One")).toMatchObject({ outcome: "end_turn", text: "first " });
    at.acp.nextTurn({ deeds: [say("second"), { do: "hold", gate: "end" }] });
    const runId = at.world.prompt("Two");
    await at.world.sawText("second");
    // The first prompt is answered once more, in the middle of the second.
    at.acp.openGate("later");
    await eventually(() => at.world.coordinator().runtime().running, "still running");
    at.acp.openGate("end");
    expect(await at.world.ended(runId)).toMatchObject({ outcome: "end_turn" });
    await expectCleanTurn(at);
    expect(at.acp.pids()).toHaveLength(1);
  });

  test("output after a cancel is dropped; title, commands and cost are still processed", async () => {
    const at = await openScriptedWorld();
    at.acp.nextTurn({
      deeds: [
        say("in time"),
        update({ sessionUpdate: "usage_update", used: 1, size: 2, cost: { amount: 0.25, currency: "USD" } }),
        { do: "hang" },
      ],
      after: [
        say("too late"),
        update({ sessionUpdate: "tool_call", toolCallId: "late", title: "late", status: "in_progress" }),
        update({ sessionUpdate: "session_info_update", title: "A late title" }),
        update({
          sessionUpdate: "available_commands_update",
          availableCommands: [{ name: "late", description: "" }],
        }),
        update({ sessionUpdate: "usage_update", used: 1, size: 2, cost: { amount: 0.75, currency: "USD" } }),
      ],
    });
    const first = at.world.prompt("One");
    await at.world.sawText("in time");
    at.world.cancel();
    await at.world.ended(first);
    await at.acp.until(({ said }) => said === "played", "its late words");
    await eventually(() => at.world.sessionEvents.some((event) => event.type === "title"), "its title");
    expect(at.world.sessionEvents).toContainEqual(
      expect.objectContaining({ type: "title", title: "A late title" }),
    );
    expect(at.world.sessionEvents).toContainEqual(
      expect.objectContaining({ type: "commands", commands: [{ name: "late", description: "" }] }),
    );
    await at.world.idle();
    const second = await expectCleanTurn(at);
    // What the canceled turn cost is counted with it.
    expect(second.cost).toBeCloseTo(0.75);
    expect(JSON.stringify(at.world.messages())).not.toContain("late");
  });

  test("unknown methods, updates and kinds are answered or skipped", async () => {
    const at = await openScriptedWorld();
    at.acp.nextTurn({
      deeds: [
        { do: "request", method: "craft/drainMidTurnQueue", params: {} },
        {
          do: "raw",
          text: '{"jsonrpc":"2.0","method":"qwen/notify/session/prompt-suggestion","params":{"a":1}}\n',
        },
        update({ sessionUpdate: "brand_new_kind", what: { ever: true } }),
        update({
          sessionUpdate: "tool_call",
          toolCallId: "c1",
          title: "odd",
          kind: "levitate",
          status: "pondering",
        }),
        update({ sessionUpdate: "tool_call_update", toolCallId: "never announced", status: "completed" }),
        {
          do: "notify",
          params: {
            sessionId: "nobody",
            update: { sessionUpdate: "agent_message_chunk", content: { type: "text", text: "stray" } },
          },
        },
        say("done"),
      ],
    });
    expect(await at.world.ask("Be odd")).toMatchObject({ outcome: "end_turn", text: "done" });
    expect(await at.acp.answered("craft/drainMidTurnQueue")).toMatchObject({ error: { code: -32601 } });
  });

  test.each([
    { stopReason: "max_tokens", outcome: "max_tokens" },
    { stopReason: "refusal", outcome: "refusal" },
    { stopReason: "max_turn_requests", outcome: "max_steps" },
    { stopReason: "cancelled", outcome: "end_turn" },
    { stopReason: "something new", outcome: "end_turn" },
  ])("its end $stopReason is the outcome $outcome", async ({ stopReason, outcome }) => {
    const { world, acp } = await openScriptedWorld();
    acp.nextTurn({ deeds: [say("x"), { do: "stop", result: { stopReason } }] });
    expect((await world.ask("End")).outcome).toBe(outcome);
  });

  test.each([
    {
      fail: { code: -32603, message: "Internal error", data: { details: "401 Incorrect API key provided." } },
      code: "provider_auth",
    },
    {
      fail: { code: -32603, message: "Internal error: 429 Too many requests" },
      code: "provider_rate_limited",
    },
    { fail: { code: -32603, message: "connect ECONNREFUSED 127.0.0.1:9" }, code: "provider_unreachable" },
    { fail: { code: -32603, message: "Something else broke" }, code: "provider_error" },
  ])("an error is told as $code, and the child lives on", async ({ fail, code }) => {
    const at = await openScriptedWorld();
    at.acp.nextTurn({ deeds: [{ do: "fail", ...fail }] });
    const end = await at.world.ask("Fail");
    expect(end).toMatchObject({
      outcome: "error",
      error: { code, message: expect.stringMatching(/^scripted /) },
    });
    await expectCleanTurn(at);
    expect(at.acp.pids()).toHaveLength(1);
  });

  test("nothing for a while, is said to be silent once", async () => {
    const at = await openScriptedWorld({ stallNoticeMs: 300 });
    at.acp.nextTurn({ deeds: [say("thinking "), { do: "hold", gate: "on" }, say("done")] });
    const runId = at.world.prompt("Think");
    await at.world.sawText("has not responded for");
    at.acp.openGate("on");
    await at.world.ended(runId);
    expect(noticesOf(at, runId)).toHaveLength(1);
  });
});
