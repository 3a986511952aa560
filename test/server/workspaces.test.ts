// design.md §3 and G11: opening, closing, and what a workspace's id is worth.
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Session } from "../../src/protocol/session.ts";
import type { Workspace } from "../../src/protocol/workspace.ts";
import { StreamRefused } from "../support/event-reader.ts";
import { createGate, soon } from "../support/happenings.ts";
import { say } from "../support/model-server.ts";
import { isAlive } from "../support/processes.ts";
import { openWorld, outline, sawText, toolRunning, toolsOf } from "../support/world.ts";

test("a directory is one workspace by its real path, whoever opens it and however it is written", async () => {
  const world = await openWorld();
  const api = world.daemon.api("opener");
  const link = join(world.home.folder("links"), "link");
  symlinkSync(world.home.project, link);
  mkdirSync(join(world.home.project, "sub"));
  for (const path of [world.home.project, `${world.home.project}/`, link, `${world.home.project}/sub/..`]) {
    const { workspace } = await api.expect<{ workspace: Workspace }>(200, "POST", "/v1/workspaces", {
      body: { path },
    });
    expect(workspace).toMatchObject({ id: world.wid, path: world.home.project, state: "open" });
  }
  const other = join(world.home.project, "sub");
  const made = await api.expect<{ workspace: Workspace }>(201, "POST", "/v1/workspaces", {
    body: { path: other },
  });
  expect(made.workspace.id).not.toBe(world.wid);
  const { workspaces } = await api.expect<{ workspaces: Workspace[] }>(200, "GET", "/v1/workspaces");
  expect(workspaces.map((workspace) => workspace.path).toSorted()).toEqual(
    [world.home.project, other].toSorted(),
  );
});

test("what is no directory is refused in a sentence that names it", async () => {
  const world = await openWorld();
  const api = world.daemon.api("opener");
  const file = world.home.write("file.txt", "x");
  for (const path of [
    file,
    join(world.home.project, "missing"),
    "relative/path",
    "",
    "\0",
    `${file}/below`,
    "~",
  ]) {
    const reply = await api.call("POST", "/v1/workspaces", { body: { path } });
    expect([path, reply.status]).toEqual([path, 400]);
    const { error } = reply.json as { error: { code: string; message: string } };
    expect(["not_a_directory", "invalid_request"]).toContain(error.code);
    expect(error.message).toMatch(/path/);
  }
});

test("a closing workspace ends its runs as canceled, says so, ends its streams and refuses prompts until it is opened again", async () => {
  const world = await openWorld({ session: { mode: "yolo" } });
  const first = await world.terminal("first");
  const second = await world.terminal("second");
  world.model.enqueue(say({ call: "bash", input: { command: "echo started; sleep 300" } }));
  const running = await first.prompt("running");
  await toolRunning(first, "started");
  const queued = await second.prompt("queued");
  const children = toolsOf(world).filter((child) => child.command.includes("sleep 300"));
  await first.api.expect(202, "DELETE", first.path(""));

  for (const terminal of [first, second]) {
    for (const run of [running, queued])
      expect((await terminal.completed(run.run_id)).outcome).toBe("canceled");
    const closing = await terminal.events.until("workspace.closing");
    for (const end of terminal.events.all("run.completed")) expect(end.seq).toBeLessThan(closing.seq);
    expect(await soon(terminal.events.closed, "the stream's end")).toBe("ended");
    expect(terminal.events.events.at(-1)?.type).toBe("workspace.closing");
  }
  const refused = await first.api.call("POST", first.path("/agent"), {
    body: { session_id: world.sid, prompt: "more" },
  });
  expect([refused.status, refused.json]).toMatchObject([409, { error: { code: "workspace_closing" } }]);
  const stream = await world.daemon.events(world.wid, "late").catch((error: unknown) => error);
  expect(stream).toBeInstanceOf(StreamRefused);
  expect((stream as StreamRefused).status).toBe(409);
  expect((stream as StreamRefused).code).toBe("workspace_closing");

  const again = await world.openWorkspace();
  expect(again).toMatchObject({ id: world.wid, state: "open" });
  const back = await world.terminal("first", { since: first.events.lastSeq() });
  expect((await back.snapshot()).clients.map((client) => client.id)).toEqual(["first"]);
  expect(await back.ask("again")).toMatchObject({ outcome: "end_turn" });
  expect(children.filter(isAlive)).toEqual([]);
  expect(outline(await back.messages()).slice(0, 4)).toEqual([
    "user: running",
    "assistant: canceled",
    "user: queued",
    "assistant: canceled",
  ]);
});

test("closing one workspace touches no other's runs, tools or streams", async () => {
  const world = await openWorld({ session: { mode: "yolo" } });
  const kept = await world.terminal("kept");
  const elsewhere = await world.openWorkspace(world.home.folder("elsewhere"));
  const stream = await world.daemon.events(elsewhere.id, "other");
  const gate = createGate();
  world.model.enqueue(say("kept ", { until: gate.passed }, "on"));
  const running = await kept.prompt("running");
  await sawText(kept, "kept ");
  await kept.api.expect(202, "DELETE", `/v1/workspaces/${elsewhere.id}`);
  await stream.until("workspace.closing");
  await soon(stream.closed, "the other stream's end");
  gate.open();
  expect(await kept.completed(running.run_id)).toMatchObject({ outcome: "end_turn", text: "kept on" });
  expect(kept.events.all("workspace.closing")).toEqual([]);
});

test("a closed workspace keeps its id and its transcript over a restart", async () => {
  const world = await openWorld();
  const first = await world.terminal("first");
  await first.ask("hello");
  await first.api.expect(202, "DELETE", first.path(""));
  await world.stop();
  await world.restart();
  const again = await world.openWorkspace();
  expect(again.id).toBe(world.wid);
  const back = await world.terminal("first");
  expect(outline(await back.messages())).toEqual(["user: hello", "assistant: end_turn"]);
});

test("a directory that is gone fails the run in one sentence, and nothing is lost", async () => {
  const world = await openWorld();
  const path = world.home.folder("soon-gone");
  writeFileSync(join(path, "a.txt"), "x");
  const { id: wid } = await world.openWorkspace(path);
  const api = world.daemon.api("only");
  const { session } = await api.expect<{ session: { id: string } }>(
    201,
    "POST",
    `/v1/workspaces/${wid}/sessions`,
    {
      body: {},
    },
  );
  const events = await world.daemon.events(wid, "only");
  rmSync(path, { recursive: true });
  const { run_id } = await api.expect<{ run_id: string }>(202, "POST", `/v1/workspaces/${wid}/agent`, {
    body: { session_id: session.id, prompt: "where am I" },
  });
  const end = await events.until("run.completed", (event) => event.payload.run_id === run_id);
  expect(end.payload).toMatchObject({ outcome: "error", error: { code: "not_a_directory" } });
  expect(end.payload.error?.message).toContain(path);
  expect(world.model.requests).toEqual([]);
  mkdirSync(path);
  const { run_id: next } = await api.expect<{ run_id: string }>(202, "POST", `/v1/workspaces/${wid}/agent`, {
    body: { session_id: session.id, prompt: "and now" },
  });
  const second = await events.until("run.completed", (event) => event.payload.run_id === next);
  expect(second.payload.outcome).toBe("end_turn");
  events.drop();
});

test("sessions are listed, most recently used first, page by page, searched, renamed, archived and deleted", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("only");
  const path = terminal.path("/sessions");
  const made: string[] = [world.sid];
  for (const title of ["alpha", "beta", "gamma"]) made.push((await world.createSession({ title })).id);
  type Page = { sessions: { id: string; title: string }[]; next_before: string | null };
  const list = (query: Record<string, string | number> = {}) =>
    terminal.api.expect<Page>(200, "GET", path, { query });
  expect((await list()).sessions.map((session) => session.id)).toEqual(made.toReversed());
  await terminal.ask("use it");
  expect((await list()).sessions[0]?.id).toBe(world.sid);

  const firstPage = await list({ limit: 3 });
  expect(firstPage.sessions).toHaveLength(3);
  const rest = await list({ limit: 3, before: firstPage.next_before ?? "" });
  expect(rest.next_before).toBeNull();
  const nowhere = await terminal.api.call("GET", terminal.path("/sessions"), {
    query: { before: "ses_gone" },
  });
  expect([nowhere.status, nowhere.json]).toMatchObject([404, { error: { code: "session_not_found" } }]);
  const ids = [...firstPage.sessions, ...rest.sessions].map((session) => session.id);
  expect(ids.toSorted()).toEqual(made.toSorted());
  expect((await list({ query: "bet" })).sessions.map((session) => session.title)).toEqual(["beta"]);
  expect((await list({ query: "100%_" })).sessions).toEqual([]);

  const beta = (await list({ query: "bet" })).sessions[0]?.id ?? "";
  await terminal.api.expect(200, "PATCH", `${path}/${beta}`, { body: { title: "delta", mode: "plan" } });
  const updated = await terminal.events.until(
    "session.updated",
    (event) => event.payload.session.id === beta,
  );
  expect(updated.payload.session).toMatchObject({ title: "delta", mode: "plan" });
  await terminal.api.expect(200, "PATCH", `${path}/${beta}`, { body: { archived: true } });
  expect((await list()).sessions.map((session) => session.id)).not.toContain(beta);
  expect((await list({ archived: "true" })).sessions.map((session) => session.id)).toContain(beta);
  const gone = made[1] ?? "";
  await terminal.api.expect(200, "DELETE", `${path}/${gone}`);
  await terminal.events.until("session.deleted", (event) => event.payload.session.id === gone);
  expect((await terminal.api.call("GET", `${path}/${gone}`)).status).toBe(404);
  expect((await terminal.api.call("DELETE", `${path}/${gone}`)).status).toBe(404);
});

test("messages come page by page, newest page first, rows oldest to newest", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("only");
  for (let round = 0; round < 6; round += 1) await terminal.ask(`round ${round}`);
  const path = terminal.path(`/sessions/${world.sid}/messages`);
  const seen: number[] = [];
  let before: string | undefined;
  for (let page = 0; page < 10; page += 1) {
    const found = await terminal.api.expect<{ messages: { seq: number }[]; next_before: string | null }>(
      200,
      "GET",
      path,
      {
        query: { limit: 5, before },
      },
    );
    const seqs = found.messages.map((message) => message.seq);
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
    seen.unshift(...seqs);
    if (found.next_before === null) break;
    before = found.next_before;
  }
  expect(seen).toEqual((await terminal.messages()).map((message) => message.seq));
  expect(seen).toHaveLength(12);
});

test("the daemon's stop ends what runs as interrupted, keeps the queue, and the next daemon runs it", async () => {
  const world = await openWorld({ session: { mode: "yolo" } });
  const first = await world.terminal("first");
  world.model.enqueue(say("Working.", { call: "bash", input: { command: "echo started; sleep 300" } }));
  const running = await first.prompt("running");
  await toolRunning(first, "started");
  const queued = await first.prompt("queued");
  const children = toolsOf(world).filter((child) => child.command.includes("sleep 300"));
  await first.api.expect(202, "POST", "/v1/daemon/shutdown", { body: {} });
  expect((await first.completed(running.run_id)).outcome).toBe("interrupted");
  await soon(world.daemon.exited, "the daemon's end");
  expect(world.daemon.log()).toContain('"stopped"');
  expect(children.filter(isAlive)).toEqual([]);
  expect(first.events.all("run.completed")).toHaveLength(1);

  await world.restart();
  const back = await world.terminal("first", { since: first.events.lastSeq() });
  expect((await back.completed(queued.run_id)).outcome).toBe("end_turn");
  expect(back.events.all("run.completed").map((event) => event.payload.run_id)).toEqual([queued.run_id]);
});

test("a daemon that is stopping accepts no prompt and says why", async () => {
  const world = await openWorld({ session: { mode: "yolo" } });
  const terminal = await world.terminal("only");
  const command = "trap '' TERM; echo started; while :; do sleep 0.2; done";
  world.model.enqueue(say({ call: "bash", input: { command } }));
  const { run_id } = await terminal.prompt("running");
  await toolRunning(terminal, "started");
  await terminal.api.expect(202, "POST", "/v1/daemon/shutdown", { body: { by: "a test" } });
  await terminal.completed(run_id);
  const refused = await terminal.api.call("POST", terminal.path("/agent"), {
    body: { session_id: world.sid, prompt: "too late" },
  });
  const refusal = { code: "daemon_stopping", details: { reason: "stop", by: "a test" } };
  expect([refused.status, refused.json]).toMatchObject([409, { error: refusal }]);
  // Whoever comes now must wait for the next daemon before it sends anything.
  const path = world.home.project;
  const opening = await terminal.api.call("POST", "/v1/workspaces", { body: { path } });
  expect([opening.status, opening.json]).toMatchObject([409, { error: refusal }]);
  await soon(world.daemon.exited, "the daemon's end");
});

test("only_if_idle stops an idle daemon and leaves a busy one alone", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("only");
  const gate = createGate();
  world.model.enqueue(say("x", { until: gate.passed }));
  const { run_id } = await terminal.prompt("running");
  await sawText(terminal, "x");
  const busy = await terminal.api.call("POST", "/v1/daemon/shutdown", { body: { only_if_idle: true } });
  expect([busy.status, busy.json]).toMatchObject([409, { error: { code: "daemon_busy" } }]);
  gate.open();
  await terminal.completed(run_id);
  await terminal.api.expect(202, "POST", "/v1/daemon/shutdown", { body: { only_if_idle: true } });
  await soon(world.daemon.exited, "the daemon's end");
  expect(world.daemon.log()).toContain('"stopped"');
});

test("a new session has the agent that its own client wishes, whoever came last", async () => {
  const world = await openWorld();
  const created = async (client: string, env: Record<string, string> | undefined) => {
    const api = world.daemon.api(client);
    const body = { path: world.home.project, env };
    if (env) await api.expect(200, "POST", "/v1/workspaces", { body });
    return async () => {
      const path = `/v1/workspaces/${world.wid}/sessions`;
      const { session } = await api.expect<{ session: Session }>(201, "POST", path, { body: {} });
      return session.agent;
    };
  };
  const wishing = await created("wishing", { HEARTH_AGENT: "goose" });
  const plain = await created("plain", { PATH: "/bin" });
  const last = await created("last", { HEARTH_AGENT: "qwen" });
  expect([await wishing(), await plain(), await last()]).toEqual(["goose", "hearth", "qwen"]);
});
