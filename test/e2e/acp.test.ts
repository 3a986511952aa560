// `hearth acp` as an editor starts it, over the library that editors use.

import { randomUUID } from "node:crypto";
import { join } from "node:path";
import type { McpServer, PromptResponse } from "@agentclientprotocol/sdk/unstable";
import { expect, onTestFinished, test } from "vitest";
import {
  type EditorOptions,
  openEditor,
  shownText,
  startEditor,
  type TestEditor,
} from "../support/acp-editor.ts";
import { runHearth } from "../support/cli.ts";
import { localConfig } from "../support/home.ts";
import { type ModelRequest, refuse, say, sentText, silence } from "../support/model-server.ts";
import { listProcesses } from "../support/processes.ts";
import { openWorld, type World } from "../support/world.ts";

async function openEditorIn(world: World, options: EditorOptions = {}): Promise<TestEditor> {
  const editor = await openEditor(world.home, options);
  onTestFinished(async () => {
    editor.close();
    await editor.exited();
  });
  return editor;
}

const ask = ({ agent }: TestEditor, sessionId: string, text: string): Promise<PromptResponse> =>
  agent.request("session/prompt", { sessionId, prompt: [{ type: "text", text }] });

test("a prompt streams its answer, its calls with diffs, its questions and its end", async () => {
  const world = await openWorld();
  const editor = await openEditorIn(world, {
    answer: ({ options }) => options[0]?.optionId,
    capabilities: { auth: { terminal: true } },
  });
  const [setup] = editor.initialized.authMethods ?? [];
  expect(setup).toMatchObject({ type: "terminal", args: ["setup"] });
  // an editor appends these to the command that it starts
  const found = await runHearth(world.home, ["acp", "setup"]);
  expect([found.code, found.stdout]).toEqual([0, expect.stringMatching(/^Usable providers.* local \(\d+\)/)]);
  const { sessionId, modes, configOptions } = await editor.agent.request("session/new", {
    cwd: world.home.project,
    mcpServers: [],
  });
  expect(modes?.availableModes.map(({ id }) => id)).toEqual(["ask", "accept_edits", "plan", "yolo"]);
  expect(configOptions?.map(({ id }) => id)).toEqual(expect.arrayContaining(["mode", "model"]));
  await editor.update((update) => update.sessionUpdate === "available_commands_update", "commands");

  world.model.enqueue(
    say({ reasoning: "hm" }, "Writing.", { call: "write", input: { path: "a.txt", content: "one\ntwo\n" } }),
    say("Done ", "it."),
  );
  const reply = await ask(editor, sessionId, "write it");
  expect(reply.stopReason).toBe("end_turn");
  expect(reply.usage?.inputTokens).toBeGreaterThan(0);
  const updates = editor.updatesOf(sessionId);
  expect(shownText(updates)).toBe("Writing.Done it.");
  expect(shownText(updates, "agent_thought_chunk")).toBe("hm");
  const calls = updates.filter((update) => update.sessionUpdate.startsWith("tool_call"));
  expect(calls[0]).toMatchObject({ sessionUpdate: "tool_call", kind: "edit" });
  expect(calls.at(-1)).toMatchObject({ status: "completed" });
  const merged = Object.assign({}, ...calls) as { content: unknown; locations: unknown };
  expect(merged.content).toEqual([
    { type: "diff", path: `${world.home.project}/a.txt`, oldText: null, newText: "one\ntwo\n" },
  ]);
  expect(merged.locations).toEqual([{ path: `${world.home.project}/a.txt`, line: 1 }]);
  // the reply comes after all of it
  const kinds = editor.wire.all
    .map(({ message }) => JSON.stringify(message))
    .filter((line) => line.includes("agent_message_chunk") || line.includes("stopReason"));
  expect(kinds.at(-1)).toContain("stopReason");
});

test("a turn is canceled", async () => {
  const world = await openWorld();
  const editor = await openEditorIn(world);
  const { sessionId } = await editor.agent.request("session/new", {
    cwd: world.home.project,
    mcpServers: [],
  });
  world.model.enqueue(silence());
  const running = ask(editor, sessionId, "wait");
  await world.model.request(0);
  await editor.agent.notify("session/cancel", { sessionId });
  expect(await running).toMatchObject({ stopReason: "cancelled" });

  // A prompt whose session is opened anew meanwhile is not left without an answer; its run goes on.
  world.model.enqueue(silence());
  const left = ask(editor, sessionId, "wait again").then(
    () => "answered",
    (error: unknown) => String(error),
  );
  await world.model.request(1);
  await editor.agent.request("session/load", { sessionId, cwd: world.home.project, mcpServers: [] });
  expect(await left).toContain("opened anew");
  await editor.agent.notify("session/cancel", { sessionId });
});

test("a session of a terminal goes on in the editor, and what is answered there is withdrawn here", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("tty");
  world.model.enqueue(say("Hello."));
  await terminal.ask("hi");

  const editor = await openEditorIn(world);
  const cwd = world.home.project;
  const { sessions } = await editor.agent.request("session/list", { cwd });
  expect(sessions).toMatchObject([{ sessionId: world.sid, cwd }]);
  await editor.agent.request("session/load", { sessionId: world.sid, cwd, mcpServers: [] });
  expect(shownText(editor.updatesOf(world.sid), "user_message_chunk")).toBe("hi");
  expect(shownText(editor.updatesOf(world.sid))).toBe("Hello.");

  world.model.enqueue(say({ call: "write", input: { path: "a.txt", content: "one\n" } }), say("Written."));
  const { run_id } = await terminal.prompt("write a.txt");
  const question = await terminal.question();
  const asked = await editor.wire.until(
    ({ message }) => message["method"] === "session/request_permission",
    "the question",
  );
  expect(asked.message["params"]).toMatchObject({
    sessionId: world.sid,
    toolCall: { kind: "edit", content: [{ type: "diff", oldText: null, newText: "one\n" }] },
    options: question.options.map(({ decision, label }) => ({ optionId: decision, name: label })),
  });
  await terminal.answer(question, "allow_once");
  const withdrawn = await editor.wire.until(
    ({ from, message }) => from === "hearth" && message["method"] === "$/cancel_request",
    "the withdrawal",
  );
  expect(withdrawn.message["params"]).toEqual({ requestId: asked.message["id"] });
  await terminal.completed(run_id);
  await editor.update((update) => shownText([update]) === "Written.", "the answer");
  expect(shownText(editor.updatesOf(world.sid), "user_message_chunk")).toBe("hiwrite a.txt");

  await terminal.api.expect(200, "PATCH", terminal.path(`/sessions/${world.sid}`), {
    body: { mode: "accept_edits", title: "Files" },
  });
  await editor.update(
    (update) => update.sessionUpdate === "current_mode_update" && update.currentModeId === "accept_edits",
    "the mode",
  );
  await editor.update((update) => update.sessionUpdate === "session_info_update", "the title");
  const { configOptions } = await editor.agent.request("session/set_config_option", {
    sessionId: world.sid,
    configId: "mode",
    value: "plan",
  });
  expect(configOptions.find(({ id }) => id === "mode")).toMatchObject({ currentValue: "plan" });
  expect((await terminal.session()).mode).toBe("plan");

  // Closing it ends what the editor asked for; what waits for the person goes on.
  world.model.enqueue(silence());
  ask(editor, world.sid, "of the editor").catch(() => {});
  await world.model.requestSaying("of the editor");
  world.model.enqueue(say("Still here."));
  const queued = await terminal.prompt("of the person");
  await editor.agent.request("session/close", { sessionId: world.sid });
  expect(await terminal.completed(queued.run_id)).toMatchObject({ outcome: "end_turn", text: "Still here." });
});

test("the editor goes in the middle of a prompt: it ends at once, and the work goes on", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("tty");
  const editor = await openEditor(world.home);
  const { sessionId } = await editor.agent.request("session/new", {
    cwd: world.home.project,
    mcpServers: [],
  });
  const gate = Promise.withResolvers<void>();
  world.model.enqueue(say("Half ", { until: gate.promise }, "done."));
  ask(editor, sessionId, "go").catch(() => {});
  await editor.update((update) => shownText([update]).startsWith("Half"), "the beginning");
  editor.close();
  expect(await editor.exited()).toBe(0);
  gate.resolve();
  const end = await terminal.events.until("run.completed", () => true);
  expect(end.payload).toMatchObject({ outcome: "end_turn", text: "Half done." });
});

test("a session has the MCP servers that its editor names: alone, in memory, with the next daemon too", async () => {
  const server = join(import.meta.dirname, "../support/odd-mcp-server.mjs");
  const world = await openWorld({
    isAlone: true,
    config: (baseUrl) => ({
      ...localConfig(baseUrl),
      mcp_servers: { mine: { command: [process.execPath, server, "banner"] } },
    }),
  });
  const editor = await openEditorIn(world, { answer: ({ options }) => options[0]?.optionId });
  expect(editor.initialized.agentCapabilities?.mcpCapabilities).toEqual({ http: true, sse: false });
  const secret = `editor-${randomUUID()}`;
  const named = (name: string): McpServer => ({
    ...{ name, command: process.execPath, args: [server, `of-editor-${name}`] },
    env: [{ name: "TOKEN", value: secret }],
  });
  const cwd = world.home.project;
  const mcpServers = [named("theirs"), named("mine")];
  const { sessionId } = await editor.agent.request("session/new", { cwd, mcpServers });
  const toolsOf = (request: ModelRequest) =>
    [...new Set(JSON.stringify(Object(request.body).tools).match(/mcp__\w+/g))].toSorted();
  const last = () => world.model.requests.at(-1) as ModelRequest;
  const running = () => listProcesses().filter(({ command }) => command.includes("of-editor-theirs"));

  world.model.enqueue(say({ call: "mcp__theirs__good", input: {} }), say("Used."));
  expect(await ask(editor, sessionId, "use it")).toMatchObject({ stopReason: "end_turn" });
  expect(toolsOf(last())).toEqual(["mcp__mine__good", "mcp__theirs__good"]);
  expect(sentText(last())).toContain(secret); // the tool shows its environment
  const updates = JSON.stringify(editor.updatesOf(sessionId));
  expect(updates).toContain("The editor's MCP server mine is not used");
  // Another session of the same folder has only what is configured.
  const terminal = await world.terminal("tty");
  await terminal.ask("hi");
  expect(toolsOf(last())).toEqual(["mcp__mine__good"]);
  const path = `/v1/workspaces/${terminal.wid}/sessions/${sessionId}`;
  const shown = await terminal.api.expect(200, "GET", path);
  expect(JSON.stringify([shown, await terminal.snapshot()])).not.toContain(secret);

  // Nothing tells the editor that there is another daemon, which knows nothing of its servers.
  await world.kill();
  await world.restart();
  await ask(editor, sessionId, "go on");
  expect(toolsOf(last())).toEqual(["mcp__mine__good", "mcp__theirs__good"]);
  expect(running()).toHaveLength(1);
  await editor.agent.request("session/load", { sessionId, cwd, mcpServers: [] });
  await ask(editor, sessionId, "without");
  expect(toolsOf(last())).toEqual(["mcp__mine__good"]);
  expect(running()).toEqual([]);
  const sse = { type: "sse" as const, name: "old", url: "http://localhost/", headers: [] };
  await expect(editor.agent.request("session/new", { cwd, mcpServers: [sse] })).rejects.toThrow(/"sse"/);
});

test("nonsense gets an error that says what was wrong, and changes nothing for anybody else", async () => {
  const world = await openWorld();
  const editor = startEditor(world.home);
  onTestFinished(async () => {
    editor.close();
    await editor.exited();
  });
  const call = async (id: number, method: string, params: unknown) => {
    editor.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    return editor.reply(id);
  };
  const cwd = world.home.project;
  editor.send("not json");
  editor.send("[]");
  editor.send("42");
  expect(await call(1, "session/new", { cwd, mcpServers: [] })).toMatchObject({ error: { code: -32600 } });
  expect(await call(2, "initialize", { protocolVersion: "1" })).toMatchObject({ error: { code: -32602 } });
  expect(await call(20, "initialize", { protocolVersion: 1, clientCapabilities: {} })).toMatchObject({
    result: { protocolVersion: 1 },
  });
  const unanswered = editor.wire.all.filter(({ message }) => message["id"] === null);
  expect(unanswered.map(({ message }) => (message["error"] as { code: number }).code)).toEqual([
    -32700, -32600, -32600,
  ]);
  expect(await call(3, "no/such", {})).toMatchObject({ error: { code: -32601 } });
  expect(await call(4, "session/new", { cwd: 3 })).toMatchObject({ error: { code: -32602 } });
  expect(await call(5, "session/new", { cwd: `${cwd}/none`, mcpServers: [] })).toMatchObject({
    error: { code: -32602, message: expect.stringContaining("none") },
  });
  expect(await call(6, "session/new", { cwd: "here", mcpServers: [] })).toMatchObject({
    error: { code: -32602, message: expect.stringContaining("absolute") },
  });
  const unknown = "ses_00000000000000000000000000000000";
  const text = [{ type: "text", text: "hi" }];
  expect(await call(7, "session/prompt", { sessionId: unknown, prompt: text })).toMatchObject({
    error: { code: -32002, message: expect.stringContaining(unknown) },
  });
  expect(await call(8, "session/load", { sessionId: "x", cwd, mcpServers: [] })).toMatchObject({
    error: { code: -32002 },
  });
  const made = (await call(9, "session/new", { cwd, mcpServers: [] })) as { result: { sessionId: string } };
  const { sessionId } = made.result;
  expect(await call(10, "session/prompt", { sessionId, prompt: [] })).toMatchObject({
    error: { code: -32602 },
  });
  expect(
    await call(11, "session/set_config_option", { sessionId, configId: "mode", value: "wild" }),
  ).toMatchObject({ error: { code: -32602, message: expect.stringContaining("accept_edits") } });
  world.model.enqueue(refuse(401, "no such key"));
  expect(await call(12, "session/prompt", { sessionId, prompt: text })).toMatchObject({
    error: { code: -32000, data: { code: "provider_auth" } },
  });
  world.model.enqueue(say("Fine."));
  expect(await call(13, "session/prompt", { sessionId, prompt: text })).toMatchObject({
    result: { stopReason: "end_turn" },
  });
});

test("a question of the agent is a form, or its proposed answers where there are no forms", async () => {
  const world = await openWorld();
  const question = {
    call: "ask",
    input: { question: "Which?", choices: [{ label: "red" }, { label: "blue" }] },
  };
  const cwd = world.home.project;
  const answered = async (options: EditorOptions) => {
    const editor = await openEditorIn(world, options);
    const { sessionId } = await editor.agent.request("session/new", { cwd, mcpServers: [] });
    world.model.enqueue(say(question), say("Fine."));
    await ask(editor, sessionId, "ask me");
    return sentText(world.model.requests.at(-1) as ModelRequest);
  };
  expect(
    await answered({ answer: ({ options }) => options.find(({ name }) => name === "blue")?.optionId }),
  ).toContain("The user answered: blue");
  const forms = {
    capabilities: { elicitation: { form: {} } },
    fillIn: () => ({ answer: "red", other: "mauve" }),
  };
  expect(await answered(forms)).toContain("The user answered: mauve");
});

test("what is not saved of a file that a prompt names is attached beside it", async () => {
  const world = await openWorld();
  const { project: cwd } = world.home;
  const texts: Record<string, string> = { "a.txt": "saved\n", "b.txt": "\ufeffthe\r\nsame\r\n" };
  for (const [name, text] of Object.entries(texts)) world.home.write(name, text);
  const asked: string[] = [];
  const editor = await openEditorIn(world, {
    capabilities: { fs: { readTextFile: true } },
    buffer(path) {
      asked.push(path);
      return path.endsWith("a.txt") ? "half a thought\n" : "the\nsame";
    },
  });
  const { sessionId } = await editor.agent.request("session/new", { cwd, mcpServers: [] });
  const link = (name: string) => ({ type: "resource_link" as const, name, uri: `file://${cwd}/${name}` });
  world.model.enqueue(say("Read."));
  await editor.agent.request("session/prompt", {
    sessionId,
    prompt: [{ type: "text", text: "compare " }, link("a.txt"), link("b.txt"), link("none.txt")],
  });
  const sent = sentText(world.model.requests.at(-1) as ModelRequest);
  expect(sent).toContain("half a thought");
  expect(sent).toContain("a.txt (as it is in the editor, not saved");
  expect(sent).not.toContain("b.txt (as it is in the editor");
  expect(asked.toSorted()).toEqual([`${cwd}/a.txt`, `${cwd}/b.txt`]);
});

test("an editor that asks for a later version speaks the draft of version 2", async () => {
  const world = await openWorld();
  const editor = startEditor(world.home);
  onTestFinished(async () => {
    editor.close();
    await editor.exited();
  });
  const call = async (id: number, method: string, params: unknown) => {
    editor.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    const { result, error } = await editor.reply(id);
    expect(error).toBeUndefined();
    return result as Record<string, unknown>;
  };
  const cwd = world.home.project;
  const info = { name: "test", version: "1" };
  expect(await call(1, "initialize", { protocolVersion: 3, info })).toMatchObject({
    protocolVersion: 2,
    info: { name: "hearth" },
    capabilities: { session: { delete: {}, fork: {} } },
  });
  const { sessionId, configOptions, availableCommands } = await call(2, "session/new", { cwd });
  expect(configOptions).toEqual(expect.arrayContaining([expect.objectContaining({ configId: "mode" })]));
  expect(availableCommands).toEqual(expect.arrayContaining([expect.objectContaining({ name: "undo" })]));
  const idle = (stopReason: string) =>
    editor.update((update) => "stopReason" in update && update.stopReason === stopReason, stopReason);

  world.model.enqueue(
    say("Writing.", { call: "write", input: { path: "a.txt", content: "one\n" } }),
    say("Done."),
  );
  const prompt = [{ type: "text", text: "write it" }];
  const { messageId } = await call(3, "session/prompt", { sessionId, prompt });
  const asked = await editor.wire.until(
    ({ message }) => message["method"] === "session/request_permission",
    "the question",
  );
  const { subject, options } = (asked.message["params"] ?? {}) as { subject: unknown; options: unknown[] };
  expect(subject).toMatchObject({ type: "tool_call", toolCall: { content: [{ type: "diff" }] } });
  expect(options.length).toBeGreaterThan(1);
  const result = { outcome: { outcome: "selected", optionId: "allow_once" } };
  editor.send(JSON.stringify({ jsonrpc: "2.0", id: asked.message["id"], result }));
  await idle("end_turn");
  const updates = editor.updatesOf(String(sessionId)) as { sessionUpdate: string; state?: string }[];
  expect(updates).toContainEqual({
    sessionUpdate: "user_message",
    messageId,
    content: [{ type: "text", text: "write it" }],
  });
  const states = updates.flatMap(({ state }) => (state === undefined ? [] : [state]));
  expect(states).toEqual(["running", "requires_action", "running", "idle"]);

  world.model.enqueue(silence());
  await call(4, "session/prompt", { sessionId, prompt });
  await world.model.request(2);
  await call(5, "session/close", { sessionId });
  const closed = editor.wire.all.findIndex(({ message }) => message["id"] === 5);
  const ended = editor.wire.all.findIndex(({ message }) => JSON.stringify(message).includes('"cancelled"'));
  expect(ended).toBeGreaterThan(0);
  expect(ended).toBeLessThan(closed);
  await call(6, "session/resume", { sessionId, cwd, replayFrom: { type: "start" } });
  const replayed = editor.wire.all.slice(closed).map(({ message }) => JSON.stringify(message["params"]));
  expect(replayed.join()).toContain('"sessionUpdate":"user_message"');
  expect(replayed.join()).not.toContain("_chunk");
});
