// What an ACP agent may have of us: files, terminals, permissions, settings, an environment, a conversation.
import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createAcpBackend } from "../../src/agent/acp/backend.ts";
import { createWarmKeeper } from "../../src/agent/children/warm-keeper.ts";
import type { ToolCallPart } from "../../src/protocol/message.ts";
import { eventually } from "../support/happenings.ts";
import { isAlive, readProcess } from "../support/processes.ts";
import type { Deed } from "../support/scripted-acp.ts";
import { openScriptedWorld, type ScriptedWorld, scriptedLaunch } from "../support/scripted-world.ts";

type Json = Record<string, unknown>;
const say = (...texts: string[]): Deed => ({ do: "say", texts });
const ask = (method: string, params: Json): Deed => ({ do: "request", method, params });
const update = (fields: Json): Deed => ({ do: "update", update: fields });
const done = (toolCallId: string): Deed =>
  update({ sessionUpdate: "tool_call_update", toolCallId, status: "completed" });

const callsOf = ({ world }: ScriptedWorld, runId: Parameters<typeof world.partsOf>[0]): ToolCallPart[] =>
  world.partsOf(runId).filter((part) => part.type === "tool_call");
const answers = async ({ acp }: ScriptedWorld, method: string): Promise<Json[]> => {
  await acp.answered(method);
  return acp.answersTo(method);
};
const alive = (pid: number): boolean => {
  const found = readProcess(pid);
  return found !== undefined && isAlive(found);
};

describe("files", () => {
  test("inside the root are read, whole or by line, and one that is not there is said not to be", async () => {
    const at = await openScriptedWorld();
    const path = at.place.write("notes.txt", "one\r\ntwo\r\nthree\r\n");
    at.acp.nextTurn({
      deeds: [
        ask("fs/read_text_file", { path }),
        ask("fs/read_text_file", { path, line: 2, limit: 1 }),
        ask("fs/read_text_file", { path: join(at.place.project, "missing.txt") }),
        say("done"),
      ],
    });
    expect(await at.world.ask("Read")).toMatchObject({ outcome: "end_turn" });
    expect(await answers(at, "fs/read_text_file")).toMatchObject([
      { result: { content: "one\r\ntwo\r\nthree\r\n" } },
      { result: { content: "two\r" } },
      { error: { code: -32002, message: expect.stringContaining("Resource not found") } },
    ]);
    expect(at.world.events.all.some(({ type }) => type === "permission.requested")).toBe(false);
  });

  test("outside the root, by name, by dots or by a link, are neither read nor written nor asked about", async () => {
    const at = await openScriptedWorld();
    const { place } = at;
    const outside = join(place.base, "outside");
    mkdirSync(outside);
    writeFileSync(join(outside, "secret"), "s3cret");
    symlinkSync(outside, join(place.project, "link"));
    symlinkSync(join(outside, "new"), join(place.project, "dangling"));
    const paths = [
      join(outside, "secret"),
      `${place.project}/../outside/secret`,
      `${place.project}/link/secret`,
      `${place.project}/dangling`,
      "/etc/passwd",
    ];
    at.acp.nextTurn({
      deeds: [
        ...paths.map((path) => ask("fs/read_text_file", { path })),
        ...paths.map((path) => ask("fs/write_text_file", { path, content: "overwritten" })),
        ask("terminal/create", { command: "pwd", cwd: outside }),
        say("done"),
      ],
    });
    expect(await at.world.ask("Reach out")).toMatchObject({ outcome: "end_turn" });
    const refused = { error: { code: -32602, message: expect.stringContaining("outside the workspace") } };
    expect(await answers(at, "fs/read_text_file")).toMatchObject(paths.map(() => refused));
    expect(await answers(at, "fs/write_text_file")).toMatchObject(paths.map(() => refused));
    expect(await answers(at, "terminal/create")).toMatchObject([refused]);
    expect(readFileSync(join(outside, "secret"), "utf8")).toBe("s3cret");
    expect(existsSync(join(outside, "new"))).toBe(false);
    expect(at.world.events.all.some(({ type }) => type === "permission.requested")).toBe(false);
  });

  test("that it writes without having asked are asked about, with their diff, and shown as its call", async () => {
    const at = await openScriptedWorld();
    const path = at.place.write("notes.txt", "one\ntwo\n");
    at.acp.nextTurn({ deeds: [ask("fs/write_text_file", { path, content: "one\nthree\n" }), say("done")] });
    const runId = at.world.prompt("Write");
    const question = await at.world.question();
    expect(question).toMatchObject({
      kind: "edit",
      detail: { type: "edit", unified: expect.stringContaining("-two\n+three") },
    });
    expect(readFileSync(path, "utf8")).toBe("one\ntwo\n");
    at.world.answer(question, "allow_once");
    await at.world.ended(runId);
    expect(readFileSync(path, "utf8")).toBe("one\nthree\n");
    expect(callsOf(at, runId)).toMatchObject([
      {
        kind: "edit",
        title: "notes.txt",
        status: "completed",
        view: { kind: "diff", path: "notes.txt", additions: 1, deletions: 1 },
      },
    ]);

    at.acp.nextTurn({ deeds: [ask("fs/write_text_file", { path, content: "gone" }), say("then not")] });
    const denied = at.world.prompt("Write again");
    expect(await at.world.answering(denied, "deny")).toMatchObject({ outcome: "end_turn", text: "then not" });
    expect(readFileSync(path, "utf8")).toBe("one\nthree\n");
    expect(callsOf(at, denied)).toMatchObject([{ status: "denied" }]);
    expect(at.acp.answersTo("fs/write_text_file").at(-1)).toMatchObject({
      error: { message: expect.stringContaining("not allowed") },
    });
  });

  test("that it was allowed to write are written with what was shown; anything else is asked about anew", async () => {
    const at = await openScriptedWorld();
    const path = join(at.place.project, "new.txt");
    const toolCall = {
      toolCallId: "c1",
      title: "write",
      kind: "edit",
      rawInput: { path, content: "shown\n" },
    };
    const other = join(at.place.project, "other.txt");
    at.acp.nextTurn({
      deeds: [
        {
          do: "ask",
          toolCall,
          allowed: [
            ask("fs/write_text_file", { path, content: "shown\n" }),
            ask("fs/write_text_file", { path, content: "something else\n" }),
            ask("fs/write_text_file", { path: other, content: "shown\n" }),
            done("c1"),
          ],
        },
        say("done"),
      ],
    });
    const runId = at.world.prompt("Write");
    at.world.answer(await at.world.question(({ tool_call_id }) => tool_call_id === "c1"), "allow_once");
    const second = await at.world.question();
    expect(readFileSync(path, "utf8")).toBe("shown\n");
    expect(second.detail).toMatchObject({
      type: "edit",
      unified: expect.stringContaining("+something else"),
    });
    at.world.answer(second, "deny");
    const third = await at.world.question();
    expect(third.detail).toMatchObject({ type: "edit", path: "other.txt" });
    at.world.answer(third, "deny");
    await at.world.ended(runId);
    expect(readFileSync(path, "utf8")).toBe("shown\n");
    expect(existsSync(other)).toBe(false);
  });

  test("that it writes without having asked are not written in plan mode, and nobody is asked", async () => {
    const at = await openScriptedWorld({ mode: "plan" });
    const path = join(at.place.project, "new.txt");
    at.acp.nextTurn({
      deeds: [
        ask("fs/write_text_file", { path, content: "x" }),
        ask("terminal/create", { command: "touch ran", cwd: at.place.project }),
        say("done"),
      ],
    });
    expect(await at.world.ask("Plan")).toMatchObject({ outcome: "end_turn" });
    expect(existsSync(path)).toBe(false);
    expect(existsSync(join(at.place.project, "ran"))).toBe(false);
    expect(at.world.events.all.some(({ type }) => type === "permission.requested")).toBe(false);
  });

  test("are not opened between turns", async () => {
    const at = await openScriptedWorld();
    const path = at.place.write("notes.txt", "one\n");
    at.acp.nextTurn({
      deeds: [say("done")],
      afterMs: 60,
      after: [ask("fs/read_text_file", { path }), ask("fs/write_text_file", { path, content: "x" })],
    });
    await at.world.ask("Hello");
    expect(await at.acp.answered("fs/write_text_file")).toMatchObject({
      error: { message: expect.stringContaining("no turn is running") },
    });
    expect(readFileSync(path, "utf8")).toBe("one\n");
  });
});

describe("a terminal", () => {
  test("that it was allowed runs its whole shell line; its output streams into the call", async () => {
    const at = await openScriptedWorld();
    const command = "touch ran; for n in 1 2; do echo line $n; done; exit 4";
    const toolCall = { toolCallId: "c1", title: "shell", kind: "execute", rawInput: { command } };
    at.acp.nextTurn({
      deeds: [
        {
          do: "ask",
          toolCall,
          allowed: [{ do: "terminal", params: { command, cwd: at.place.project }, toolCallId: "c1" }],
        },
        say("done"),
      ],
    });
    const runId = at.world.prompt("Run");
    at.world.answer(await at.world.question(), "allow_once");
    await at.world.ended(runId);
    expect(callsOf(at, runId)).toMatchObject([
      {
        kind: "execute",
        title: command,
        output: "line 1\nline 2\n",
        status: "failed",
        view: { kind: "command", exit_code: 4 },
      },
    ]);
    expect(at.acp.answersTo("terminal/output")).toMatchObject([
      { result: { output: "line 1\nline 2\n", truncated: false, exitStatus: { exitCode: 4 } } },
    ]);
  });

  test("that it did not ask for is asked about with its whole command, variables included", async () => {
    const at = await openScriptedWorld();
    const params = {
      command: "sh",
      args: ["-c", "echo $WORD"],
      env: [{ name: "WORD", value: "it's here" }],
      cwd: at.place.project,
    };
    at.acp.nextTurn({ deeds: [{ do: "terminal", params }, say("done")] });
    const runId = at.world.prompt("Run");
    const question = await at.world.question();
    expect(question.detail).toMatchObject({
      type: "command",
      command: "WORD='it'\\''s here' sh -c 'echo $WORD'",
    });
    at.world.answer(question, "allow_once");
    await at.world.ended(runId);
    expect(callsOf(at, runId)).toMatchObject([{ output: "it's here\n", status: "completed" }]);
  });

  test("keeps only the end of its output, as much as the agent wants", async () => {
    const at = await openScriptedWorld({ mode: "yolo" });
    const params = {
      command: "for n in $(seq 2000); do echo päper $n; done",
      cwd: at.place.project,
      outputByteLimit: 100,
    };
    at.acp.nextTurn({ deeds: [{ do: "terminal", params }, say("done")] });
    await at.world.ask("Run");
    const [answer] = at.acp.answersTo("terminal/output") as [
      { result: { output: string; truncated: boolean } },
    ];
    expect(answer.result.truncated).toBe(true);
    expect(Buffer.byteLength(answer.result.output)).toBeLessThanOrEqual(100);
    expect(answer.result.output).toMatch(/päper 2000\n$/);
    expect(answer.result.output).not.toContain("\ufffd");
  });

  test("is ended by a cancel, though the agent does not think of it", async () => {
    const at = await openScriptedWorld({ mode: "yolo" });
    const pidFile = join(at.place.project, "pid");
    at.acp.nextTurn({
      deeds: [
        {
          do: "terminal",
          params: { command: `echo $$ > ${pidFile}; exec tail -f /dev/null`, cwd: at.place.project },
        },
      ],
    });
    const runId = at.world.prompt("Run");
    const pid = Number(
      await eventually(
        () => existsSync(pidFile) && (readFileSync(pidFile, "utf8").trim() || undefined),
        "it to run",
      ),
    );
    at.world.cancel();
    await at.world.ended(runId);
    await at.world.idle();
    expect(alive(pid)).toBe(false);
    expect(callsOf(at, runId)).toMatchObject([{ status: "canceled" }]);
  });
});

describe("a permission", () => {
  test("that it only offers as always is not given, and the person sees why", async () => {
    const at = await openScriptedWorld();
    const toolCall = {
      toolCallId: "c1",
      title: "touch x",
      kind: "execute",
      rawInput: { command: "touch x" },
    };
    const options = [
      { optionId: "always", name: "Always", kind: "allow_always" },
      { optionId: "never", name: "Never", kind: "reject_always" },
    ];
    at.acp.nextTurn({ deeds: [{ do: "ask", toolCall, options }, say("then not")] });
    const runId = at.world.prompt("Ask");
    await at.world.answering(runId, "allow_once");
    expect(await at.acp.answered("session/request_permission")).toEqual({
      result: { outcome: { outcome: "cancelled" } },
    });
    expect(JSON.stringify(at.world.partsOf(runId))).toContain("which hearth does not choose for you");
  });

  test("for several files is asked file by file, and one no is enough", async () => {
    const at = await openScriptedWorld();
    const diff = (name: string) => ({
      type: "diff",
      path: join(at.place.project, name),
      oldText: null,
      newText: `${name}\n`,
    });
    const toolCall = { toolCallId: "c1", title: "patch", kind: "edit", content: [diff("a"), diff("b")] };
    at.acp.nextTurn({ deeds: [{ do: "ask", toolCall }, say("done")] });
    const runId = at.world.prompt("Patch");
    const first = await at.world.question();
    expect(first.detail).toMatchObject({ path: "a", unified: expect.stringContaining("+a") });
    at.world.answer(first, "allow_once");
    const second = await at.world.question();
    expect(second.detail).toMatchObject({ path: "b" });
    at.world.answer(second, "deny");
    await at.world.ended(runId);
    expect(await at.acp.answered("session/request_permission")).toEqual({
      result: { outcome: { outcome: "selected", optionId: "no" } },
    });
    expect(callsOf(at, runId)).toMatchObject([{ status: "denied" }]);
  });

  test("that hearth cannot interpret is asked with the whole input", async () => {
    const at = await openScriptedWorld();
    const toolCall = {
      toolCallId: "c1",
      title: "Launch",
      kind: "other",
      rawInput: { target: "moon", stages: 3 },
    };
    at.acp.nextTurn({ deeds: [{ do: "ask", toolCall }, say("done")] });
    const runId = at.world.prompt("Launch");
    const question = await at.world.question();
    expect(question.detail.type).toBe("text");
    expect(JSON.stringify(question.detail)).toContain("moon");
    await at.world.answering(runId, "deny");
  });

  test("for reading inside the workspace needs no question, outside it does", async () => {
    const at = await openScriptedWorld();
    const read = (id: string, path: string) => ({
      toolCallId: id,
      title: "read",
      kind: "read",
      rawInput: { path },
    });
    at.acp.nextTurn({
      deeds: [
        { do: "ask", toolCall: read("c1", at.place.write("in.txt", "x")), allowed: [done("c1")] },
        { do: "ask", toolCall: read("c2", "/etc/hostname"), allowed: [done("c2")] },
        say("done"),
      ],
    });
    const runId = at.world.prompt("Read");
    expect(await at.world.question()).toMatchObject({ tool_call_id: "c2" });
    await at.world.answering(runId, "deny");
    expect(callsOf(at, runId)).toMatchObject([{ status: "completed" }, { status: "denied" }]);
  });
});

describe("its settings", () => {
  const modes = {
    currentModeId: "auto",
    availableModes: [
      { id: "auto", name: "Auto" },
      { id: "default", name: "Ask" },
    ],
  };
  const option = (current: string) => ({
    ...{ id: "the-model", name: "Model", category: "model", type: "select", currentValue: current },
    options: [
      {
        group: "g",
        name: "G",
        options: [
          { value: "small", name: "Small" },
          { value: "big", name: "Big" },
        ],
      },
    ],
  });

  test("are set once, so that it asks and uses the requested model", async () => {
    const at = await openScriptedWorld();
    at.acp.everyStart({ session: { modes, configOptions: [option("small")] } });
    for (const model of ["big", "big", "small"]) {
      at.acp.nextTurn({ deeds: [say("hi")] });
      // Its answer to the setting says what it had at its start: what was set counts.
      expect((await at.world.ask("Hello", { model })).outcome).toBe("end_turn");
      expect(at.world.messages().at(-1)?.model).toBe(model);
    }
    expect(at.acp.paramsOf("session/set_mode")).toMatchObject([{ modeId: "default" }]);
    expect(at.acp.paramsOf("session/set_config_option")).toMatchObject([
      { configId: "the-model", value: "big" },
      { configId: "the-model", value: "small" },
    ]);
    expect(at.world.sessionEvents).toContainEqual(
      expect.objectContaining({ type: "modes", current: "default" }),
    );
    expect(at.world.sessionEvents).toContainEqual(
      expect.objectContaining({
        type: "models",
        // What it takes by itself, whatever was chosen since.
        current: "small",
        models: [expect.objectContaining({ id: "small" }), expect.objectContaining({ id: "big" })],
      }),
    );
  });

  test("take the mode that a person chose, and the one in which it asks again after it", async () => {
    const at = await openScriptedWorld();
    at.acp.everyStart({ session: { modes } });
    // It starts in "auto".
    for (const mode of [null, "auto", "auto", null, null]) {
      at.world.chooseMode(mode);
      at.acp.nextTurn({ deeds: [say("hi")] });
      expect((await at.world.ask("Hello")).outcome).toBe("end_turn");
    }
    expect(at.acp.paramsOf("session/set_mode")).toMatchObject([
      { modeId: "default" },
      { modeId: "auto" },
      { modeId: "default" },
    ]);
  });

  test("follow hearth's own mode, unless a person chose another", async () => {
    const own = { ask: "default", accept_edits: "default", plan: "default", yolo: "auto" };
    const at = await openScriptedWorld({ launch: { modes: own } });
    at.acp.everyStart({ session: { modes } });
    for (const mode of ["ask", "yolo", "yolo", "accept_edits"] as const) {
      at.acp.nextTurn({ deeds: [say("hi")] });
      expect((await at.world.ask("Hello", { mode })).outcome).toBe("end_turn");
    }
    at.world.chooseMode("auto");
    at.acp.nextTurn({ deeds: [say("hi")] });
    await at.world.ask("Hello", { mode: "plan" });
    expect(at.acp.paramsOf("session/set_mode").map((params) => params["modeId"])).toEqual([
      ...["default", "auto", "default"],
      "auto",
    ]);
  });

  test("return to its defaults when no model is named", async () => {
    const at = await openScriptedWorld();
    at.acp.everyStart({ session: { configOptions: [option("small")] } });
    for (const model of ["big", undefined, undefined]) {
      at.acp.nextTurn({ deeds: [say("hi")] });
      await at.world.ask("Hello", model === undefined ? {} : { model });
    }
    expect(at.acp.paramsOf("session/set_config_option")).toMatchObject([
      { value: "big" },
      { value: "small" },
    ]);
    const told = at.world.sessionEvents.filter(({ type }) => type === "models");
    expect(told.map((event) => "current" in event && event.current)).not.toContain("big");
  });

  test("set the model by session/set_model if there is no option for it", async () => {
    const at = await openScriptedWorld();
    at.acp.everyStart({
      session: {
        models: {
          currentModelId: "a",
          availableModels: [
            { modelId: "a", name: "A" },
            { modelId: "b", name: "B" },
          ],
        },
      },
    });
    at.acp.nextTurn({ deeds: [say("hi")] });
    await at.world.ask("Hello", { model: "b" });
    expect(at.acp.paramsOf("session/set_model")).toMatchObject([{ modelId: "b" }]);
  });

  test("that it refuses end the run with a list of what it has", async () => {
    const at = await openScriptedWorld();
    at.acp.everyStart({
      session: { configOptions: [option("small")] },
      answers: { "session/set_config_option": { error: { code: -32602, message: "no such value" } } },
    });
    const end = await at.world.ask("Hello", { model: "huge" });
    expect(end.error).toMatchObject({
      code: "model_unavailable",
      message: "scripted does not take the model huge: no such value. It has small, big.",
    });
    at.acp.nextTurn({ deeds: [say("hi")] });
    expect(await at.world.ask("Hello")).toMatchObject({ outcome: "end_turn" });
  });
});

describe("its conversation", () => {
  test("starts again with the transcript when it cannot be loaded", async () => {
    const at = await openScriptedWorld({ warm: { idle_evict_ms: 200 } });
    at.acp.everyStart({
      answers: { "session/load": { error: { code: -32603, message: "no such session" } } },
    });
    at.acp.nextTurn({ deeds: [say("The word is plum.")] });
    await at.world.ask("Say a word");
    const id = at.world.agentSession()?.agent_session_id;
    await eventually(() => at.world.sessionEvents.some(({ type }) => type === "cooled"), "it to be let go");
    at.acp.nextTurn({ deeds: [say("plum")] });
    expect(await at.world.ask("Which word?")).toMatchObject({ text: "plum" });
    expect(at.world.agentSession()?.agent_session_id).not.toBe(id);
    const told = JSON.stringify(at.acp.paramsOf("session/prompt").at(-1));
    expect(told).toContain("conversation_so_far");
    expect(told).toContain("The word is plum.");
    at.acp.nextTurn({ deeds: [say("again")] });
    await at.world.ask("And now?");
    expect(JSON.stringify(at.acp.paramsOf("session/prompt").at(-1))).not.toContain("conversation_so_far");
  });

  test("is resumed rather than loaded if the agent can, and a loaded one is not shown again", async () => {
    for (const resumes of [true, false]) {
      const at = await openScriptedWorld({ warm: { idle_evict_ms: 200 } });
      at.acp.everyStart({ resumes });
      at.acp.nextTurn({ deeds: [say("one")] });
      await at.world.ask("One");
      await eventually(() => at.world.sessionEvents.some(({ type }) => type === "cooled"), "it to be let go");
      at.acp.nextTurn({ deeds: [say("two")] });
      await at.world.ask("Two");
      expect(at.acp.count("session/resume")).toBe(resumes ? 1 : 0);
      expect(at.acp.count("session/load")).toBe(resumes ? 0 : 1);
      expect(JSON.stringify(at.world.messages())).not.toContain("old answer");
    }
  });

  test("is not resumed in another environment or by another version: it gets the transcript", async () => {
    const at = await openScriptedWorld();
    at.acp.nextTurn({ deeds: [say("one")] });
    await at.world.ask("One", { env: { ...at.place.env, FLAVOUR: "plain" } });
    // What belongs to the terminal makes no other agent.
    at.acp.nextTurn({ deeds: [say("still one")] });
    await at.world.ask("Still one", {
      env: { ...at.place.env, FLAVOUR: "plain", TERM: "dumb", COLORTERM: "truecolor" },
    });
    expect(at.acp.pids()).toHaveLength(1);
    at.acp.nextTurn({ deeds: [say("two")] });
    await at.world.ask("Two", { env: { ...at.place.env, FLAVOUR: "spicy" } });
    expect(at.acp.pids()).toHaveLength(2);
    expect(at.acp.count("session/new")).toBe(2);
    expect(at.acp.count("session/load")).toBe(0);
    expect(JSON.stringify(at.acp.paramsOf("session/prompt").at(-1))).toContain("still one");
  });

  test("gets attachments by their type", async () => {
    const at = await openScriptedWorld();
    at.place.write("plan.md", "# Plan\n");
    at.acp.nextTurn({ deeds: [say("seen")] });
    const pixel = Buffer.from("not really a picture").toString("base64");
    await at.world.ask("Look", {
      attachments: [
        { name: "p.png", media_type: "image/png", data: pixel },
        { name: "plan.md", media_type: "text/markdown", path: "plan.md" },
        { name: "n.txt", media_type: "text/plain", data: Buffer.from("a note").toString("base64") },
        { name: "passwd", media_type: "text/plain", path: "/etc/passwd" },
      ],
    });
    expect(at.acp.paramsOf("session/prompt")[0]?.["prompt"]).toMatchObject([
      { type: "text", text: "Look" },
      { type: "image", data: pixel, mimeType: "image/png" },
      { type: "resource_link", uri: `file://${at.place.project}/plan.md`, name: "plan.md" },
      { type: "resource", resource: { text: "a note", mimeType: "text/plain" } },
      { type: "text", text: expect.stringContaining("not in the workspace") },
    ]);
  });

  test("runs beside another in the same child, each with its own words", async () => {
    const at = await openScriptedWorld();
    const second = at.world.newSession();
    at.acp.nextTurn(
      { deeds: [say("mine"), { do: "hold", gate: "both" }, say(" too")] },
      { deeds: [say("yours"), { do: "hold", gate: "both" }, say(" as well")] },
    );
    const mine = at.world.prompt("Mine");
    await at.world.sawText("mine");
    const yours = at.world.prompt("Yours", { session: second });
    await at.world.sawText("yours");
    at.acp.openGate("both");
    expect(await at.world.ended(mine)).toMatchObject({ text: "mine too" });
    expect(await at.world.ended(yours)).toMatchObject({ text: "yours as well" });
    expect(at.acp.pids()).toHaveLength(1);
    expect(at.acp.count("initialize")).toBe(1);
  });
});

test("a session that begins just as the last other one ends has a live child", async () => {
  const at = await openScriptedWorld();
  for (let n = 0; n < 5; n += 1) {
    const session = at.world.newSession();
    at.acp.nextTurn({ deeds: [say("first")] });
    expect(await at.world.ask("Begin", { session })).toMatchObject({ text: "first" });
    // The two meet at another point each time.
    const next = at.world.newSession();
    at.acp.nextTurn({ deeds: [say("second")] });
    const released = at.world.coordinator(session).release();
    for (let turns = 0; turns < n; turns += 1) await Promise.resolve();
    expect(await at.world.ask("Go on", { session: next })).toMatchObject({
      outcome: "end_turn",
      text: "second",
    });
    await released;
    await at.world.coordinator(next).release();
  }
});

test("an agent gets what it missed also when the previous prompt never reached it", async () => {
  const at = await openScriptedWorld();
  const model = { id: "model", name: "Model", category: "model", type: "select", currentValue: "small" };
  const error = { code: -32602, message: "unknown model" };
  at.acp.everyStart({
    session: { configOptions: [{ ...model, options: [{ value: "small", name: "Small" }] }] },
    answers: { "session/set_config_option": { error } },
  });
  at.acp.nextTurn({ deeds: [say("one")] }, { deeds: [say("two")] }, { deeds: [say("four")] });
  await at.world.ask("First");
  await at.world.ask("Second", { agent: "other" });
  expect(await at.world.ask("Third", { model: "big" })).toMatchObject({ outcome: "error" });
  await at.world.ask("Fourth");
  const told = JSON.stringify(at.acp.paramsOf("session/prompt").at(-1));
  expect(told).toContain("User: Second");
  expect(told).toContain("Assistant (other): two");
  expect(told).toContain("User: Third");
  expect(told).not.toContain("User: First");
});

test.each([{ isReloaded: false }, { isReloaded: true }])(
  "a prompt to an agent that cannot be started is told to the next one (from the store: $isReloaded)",
  async ({ isReloaded }) => {
    const at = await openScriptedWorld();
    at.acp.nextStart({ atStart: "exit" });
    expect(await at.world.ask("Mend the parser", { agent: "other" })).toMatchObject({ outcome: "error" });
    if (isReloaded) await at.world.reload();
    at.acp.nextTurn({ deeds: [say("done")] });
    await at.world.ask("Try again");
    expect(JSON.stringify(at.acp.paramsOf("session/prompt"))).toContain("User: Mend the parser");
  },
);

test("a version that an agent reports only on its command line is read, and a new version gets a new child", async () => {
  const at = await openScriptedWorld();
  const goose = at.place.write("goose", "");
  const program = (version: string) => {
    const start = at.acp.command.map((word) => `'${word}'`).join(" ");
    writeFileSync(goose, `#!/bin/sh\n[ "$1" = --version ] && { echo " ${version}"; exit; }\nexec ${start}\n`);
    chmodSync(goose, 0o755);
  };
  const warm = createWarmKeeper({ limits: () => ({ idle_evict_ms: 60_000, max_warm: 6 }), now: Date.now });
  const backend = createAcpBackend({
    ...{ processes: at.world.processes, warm, now: Date.now, version: "0.1.0" },
    launch: () => {
      throw new Error("it is only probed");
    },
  });
  const launch = { ...scriptedLaunch([goose, "acp"], at.acp.env)({ agent: "goose", env: at.place.env }) };
  const probe = () => backend.probe(launch, at.place.project, new AbortController().signal);
  at.acp.everyStart({ isNameless: true });
  program("1.34.0");
  expect(await probe()).toMatchObject({ version: "1.34.0" });
  program("1.35.1-rc.2");
  expect(await probe()).toMatchObject({ version: "1.35.1-rc.2" });
  writeFileSync(goose, `#!/bin/sh\n[ "$1" = --version ] && exit 1\nexec ${at.acp.command.join(" ")}\n`);
  expect(await probe()).toMatchObject({ version: null });
  await backend.close();
  warm.close();
});

test("an agent's version is reported where it is used", async () => {
  const at = await openScriptedWorld();
  at.acp.nextStart({ version: "2.7.1" });
  at.acp.nextTurn({ deeds: [say("hi")] });
  await at.world.ask("Hello");
  expect(at.world.sessionEvents).toContainEqual(
    expect.objectContaining({ type: "version", version: "2.7.1" }),
  );
});

test("a session that moves to another environment leaves nothing running in the old one", async () => {
  const at = await openScriptedWorld();
  at.acp.nextTurn({ deeds: [say("here")] }, { deeds: [say("there")] });
  await at.world.ask("Here");
  await at.world.ask("There", { env: { ...at.place.env, WORD: "another" } });
  const [first = 0, second = 0] = at.acp.pids();
  await eventually(() => !alive(first), "the child of the old environment to go");
  expect(alive(second)).toBe(true);
});

test("the environment is the run's and the agent's own, and nothing of hearth's", async () => {
  const at = await openScriptedWorld();
  at.acp.nextTurn({ deeds: [say("hi")] });
  await at.world.ask("Hello", {
    env: { ...at.place.env, WORD: "given", HEARTH_HOME: "/secret", HEARTH_MODEL: "x" },
  });
  const spawned = at.acp.heard.all.find(({ said }) => said === "spawned");
  const env = spawned?.said === "spawned" ? spawned.env : {};
  expect(env).toMatchObject({ WORD: "given", AGENT: "scripted", HOME: at.place.home });
  // The supervisor's own marks, by which what a child left behind is found.
  const ours = Object.keys(env).filter((name) => name.startsWith("HEARTH_"));
  expect(ours.sort()).toEqual(["HEARTH_OWNER", "HEARTH_SUPERVISOR"]);
  expect(Object.keys(env).filter((name) => process.env[name] !== undefined && name !== "PATH")).not.toContain(
    "VITEST",
  );
});

test("the least recently used child beyond the limit is ended, never a busy one", async () => {
  const at = await openScriptedWorld({ warm: { max_warm: 1 } });
  at.acp.nextTurn({ deeds: [say("busy"), { do: "hold", gate: "end" }] });
  const busy = at.world.prompt("Be busy");
  await at.world.sawText("busy");
  const second = at.world.newSession();
  at.acp.nextTurn({ deeds: [say("quick")] });
  await at.world.ask("Be quick", { session: second, agent: "other" });
  // Two are warm, one is allowed: the idle one goes, though it was used last.
  await eventually(
    () => at.world.sessionEvents.some(({ type, agent }) => type === "cooled" && agent === "other"),
    "the idle one to go",
  );
  expect(at.acp.pids().map(alive)).toEqual([true, false]);
  at.acp.openGate("end");
  expect(await at.world.ended(busy)).toMatchObject({ outcome: "end_turn" });
});

test("a running total of an unknown agent is counted by its growth", async () => {
  const at = await openScriptedWorld();
  const total = (input: number, output: number): Deed => ({
    do: "stop",
    result: {
      stopReason: "end_turn",
      usage: { inputTokens: input, outputTokens: output, totalTokens: input + output },
    },
  });
  const used = [];
  for (const [input, output] of [
    [1000, 20],
    [2100, 50],
    [3300, 90],
  ] as const) {
    at.acp.nextTurn({ deeds: [say("x"), total(input, output)] });
    const { usage } = await at.world.ask("Go");
    used.push([usage.input_tokens, usage.output_tokens]);
  }
  expect(used).toEqual([
    [1000, 20],
    [1100, 30],
    [1200, 40],
  ]);
  expect(at.world.agentSession()).toMatchObject({ input_tokens: 3300, output_tokens: 90 });
});
