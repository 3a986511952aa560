// `hearth mcp serve`: another program's agent delegates to hearth's (issue 12), over the MCP SDK's own client.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Client, type ElicitRequestFormParams } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { expect, onTestFinished, test } from "vitest";
import { messageText } from "../../src/protocol/message-text.ts";
import { eventually } from "../support/happenings.ts";
import { launcher } from "../support/home.ts";
import { lastPrompt, say, silence, toolResults } from "../support/model-server.ts";
import { gitIn } from "../support/worktree-world.ts";
import { openWorld, type World } from "../support/world.ts";

type Dialog = (
  form: ElicitRequestFormParams,
  withdrawn: AbortSignal,
) => Promise<Record<string, string>> | Record<string, string>;
type Said = { isError: boolean; text: string; data: Record<string, never> & { [field: string]: unknown } };

const openRepository = async (): Promise<World> => {
  const world = await openWorld({
    prepare(home) {
      const git = gitIn(home.project);
      git("init", "-q");
      git("commit", "-q", "--allow-empty", "-m", "first");
    },
  });
  world.model.script((request) =>
    toolResults(request).length === 0
      ? say({ call: "write", input: { path: "made.txt", content: "by a delegate\n" } })
      : say("It is written."),
  );
  return world;
};

/** An MCP client whose person answers dialogs, if it has one who can. */
async function openClient(
  world: World,
  {
    era = "legacy",
    args = [],
    dialog,
  }: {
    era?: "legacy" | "auto";
    args?: string[];
    dialog?: Dialog;
  },
) {
  const client = new Client(
    { name: "other", version: "1" },
    {
      capabilities: dialog === undefined ? {} : { elicitation: { form: {} } },
      versionNegotiation: { mode: era },
    },
  );
  if (dialog !== undefined)
    client.setRequestHandler("elicitation/create", async ({ params }, { mcpReq }) => ({
      action: "accept",
      content: await dialog(params as ElicitRequestFormParams, mcpReq.signal),
    }));
  const { LOCAL_KEY = "" } = world.home.env;
  const transport = new StdioClientTransport({
    command: launcher,
    args: ["mcp", "serve", ...args],
    cwd: world.home.project,
    env: { ...world.home.env, LOCAL_KEY },
    stderr: "ignore",
  });
  await client.connect(transport);
  onTestFinished(() => client.close());
  return {
    client,
    async call(name: string, input: object, options = {}): Promise<Said> {
      const result = await client.callTool(
        { name, arguments: { ...input } },
        { timeout: 60_000, ...options },
      );
      const [first] = result.content;
      const text = first?.type === "text" ? first.text : "";
      if (result.isError !== true) expect(JSON.parse(text)).toEqual(result.structuredContent);
      return {
        isError: result.isError === true,
        text,
        data: (result.structuredContent ?? {}) as Said["data"],
      };
    },
  };
}

test.each(["legacy", "auto"] as const)(
  "a delegated task asks the person at the client, and its changes are taken over (%s protocol)",
  async (era) => {
    const world = await openRepository();
    const asked: ElicitRequestFormParams[] = [];
    const { client, call } = await openClient(world, {
      era,
      dialog(form) {
        asked.push(form);
        return { decision: "allow_once" };
      },
    });
    expect(client.getProtocolEra()).toBe(era === "auto" ? "modern" : "legacy");
    const { tools } = await client.listTools();
    for (const noun of ["task", "session"])
      for (const verb of ["start", "status", "answer", "diff", "apply", "cancel", "list"])
        expect(tools.find(({ name }) => name === `${noun}_${verb}`)?.outputSchema).toMatchObject({
          type: "object",
        });

    const steps: string[] = [];
    const onprogress = ({ message = "" }) => void steps.push(message);
    const done = await call("task_start", { prompt: "write it", wait_seconds: 60 }, { onprogress });
    expect(done.data).toMatchObject({
      state: "completed",
      entries: [{ outcome: "end_turn", files: 1, answer: "It is written." }],
      questions: [],
    });
    expect(steps.at(-1)).toBe("hearth: done");
    expect(asked).toHaveLength(1);
    expect(asked[0]?.message).toContain("made.txt");

    const { task_id } = done.data;
    const diff = await call("task_diff", { task_id });
    expect(diff.data).toMatchObject({ files: [{ path: "made.txt", kind: "added" }], left_out: [] });
    expect(diff.data["patch"]).toContain("+by a delegate");
    expect(existsSync(join(world.home.project, "made.txt"))).toBe(false);
    expect((await call("task_apply", { task_id })).data).toMatchObject({ applied: ["made.txt"] });
    expect(readFileSync(join(world.home.project, "made.txt"), "utf8")).toBe("by a delegate\n");
    expect((await call("task_list", {})).data).toMatchObject({ tasks: [{ task_id, state: "completed" }] });
  },
);

test("a client's agent may deny, but allows nothing for the person unless it was set up so", async () => {
  const world = await openRepository();
  const { call } = await openClient(world, {});
  const start = { prompt: "write it", wait_seconds: 60 };
  const waiting = await call("session_start", start);
  expect(waiting.data).toMatchObject({ state: "waiting", questions: [{ needs_person: true }] });
  const [{ question_id }] = waiting.data["questions"] as unknown as [{ question_id: string }];
  const refused = await call("session_answer", { question_id, decision: "allow" });
  expect(refused).toMatchObject({ isError: true, text: expect.stringContaining("Only a person may allow") });
  expect((await call("session_answer", { question_id, decision: "deny", answer: "not there" })).data).toEqual(
    {
      ...{ question_id, state: "answered", decision: "deny", by: "agent" },
    },
  );
  const { session_id } = waiting.data;
  expect((await call("session_status", { session_id, wait_seconds: 60 })).data).toMatchObject({
    state: "idle",
    outcome: "end_turn",
  });
  expect(existsSync(join(world.home.project, "made.txt"))).toBe(false);
  // A wider mode than the person's own is not in its hands either.
  expect(await call("task_start", { prompt: "write it", mode: "yolo" })).toMatchObject({ isError: true });
  expect((await call("task_diff", { task_id: `tsk_${"0".repeat(32)}` })).text).toContain("no task");

  const trusted = await openClient(world, { args: ["--agent-may-allow"] });
  const again = await trusted.call("task_start", start);
  const [{ question_id: second }] = again.data["questions"] as unknown as [{ question_id: string }];
  await trusted.call("task_answer", { question_id: second, decision: "allow" });
  const ended = await trusted.call("task_status", { task_id: again.data["task_id"], wait_seconds: 60 });
  expect(ended.data).toMatchObject({ state: "completed", entries: [{ files: 1 }] });
});

test("a canceled call cancels what it started, an answer elsewhere withdraws the dialog, and a client that goes stops nothing", async () => {
  const world = await openRepository();
  const terminal = await world.terminal("watching");
  const shown = Promise.withResolvers<void>();
  const withdrawn = Promise.withResolvers<void>();
  const { client, call } = await openClient(world, {
    dialog: (_, signal) => {
      signal.addEventListener("abort", () => withdrawn.resolve(), { once: true });
      shown.resolve();
      return new Promise(() => {}); // the person looks at their terminal
    },
  });
  // The end of the call closes its dialogs, too: this one goes while the run does.
  world.model.script((request) =>
    toolResults(request).length === 0
      ? say({ call: "write", input: { path: "made.txt", content: "by a delegate\n" } })
      : say({ until: withdrawn.promise }, "Not written."),
  );
  const going = call("session_start", { prompt: "write it", wait_seconds: 60 });
  await shown.promise;
  await terminal.answer(await terminal.question(), "deny");
  await withdrawn.promise;
  expect((await going).data).toMatchObject({ state: "idle", outcome: "end_turn" });

  world.model.script(silence);
  const stop = new AbortController();
  const canceled = call("task_start", { prompt: "for nothing", wait_seconds: 60 }, { signal: stop.signal });
  canceled.catch(() => {});
  await world.model.requestSaying("for nothing");
  stop.abort("no longer needed");
  await expect(canceled).rejects.toThrow();
  await terminal.events.until(
    "task.updated",
    ({ payload: { task } }) => task.entries[0]?.outcome === "canceled",
  );

  const left = call("task_start", { prompt: "goes on", wait_seconds: 60 });
  left.catch(() => {});
  await world.model.requestSaying("goes on");
  await client.close();
  await eventually(async () => (await terminal.snapshot()).clients.length === 1, "the client to be gone");
  const { tasks } = await terminal.api.expect<{ tasks: { state: string }[] }>(200, "GET", "/v1/tasks");
  expect(tasks[0]).toMatchObject({ prompt: "goes on", state: "running" });
});

test("a canceled call ends its own prompt, not the person's, nor what the person has queued", async () => {
  const world = await openRepository();
  const terminal = await world.terminal("person");
  const { call } = await openClient(world, {});
  const gate = Promise.withResolvers<void>();
  world.model.script((request) => {
    const last = lastPrompt(request);
    if (last.includes("mine first")) return say({ until: gate.promise }, "Done.");
    return last.includes("of the client") ? silence() : say("Done.");
  });
  const of = async (prompt: string) => {
    const stop = new AbortController();
    const input = { session_id: world.sid, prompt, wait_seconds: 60 };
    const calling = call("session_prompt", input, { signal: stop.signal });
    calling.catch(() => {});
    const { payload } = await terminal.events.until(
      "message.created",
      ({ payload: { message } }) => message.role === "user" && messageText(message) === prompt,
    );
    return { run_id: payload.message.run_id, cancel: () => stop.abort() };
  };
  const mine = await terminal.prompt("mine first");
  await world.model.requestSaying("mine first");
  const waiting = await of("of the client, waits");
  waiting.cancel();
  expect(await terminal.completed(waiting.run_id)).toMatchObject({ outcome: "canceled" });
  const running = await of("of the client, runs");
  const next = await terminal.prompt("mine next");
  gate.resolve();
  expect(await terminal.completed(mine.run_id)).toMatchObject({ outcome: "end_turn" });
  await world.model.requestSaying("of the client, runs");
  running.cancel();
  expect(await terminal.completed(running.run_id)).toMatchObject({ outcome: "canceled" });
  expect(await terminal.completed(next.run_id)).toMatchObject({ outcome: "end_turn" });
});
