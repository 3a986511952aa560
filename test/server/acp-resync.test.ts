// Events that an editor's sessions have missed: what is true now is read again, for each of them.
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import type { Link, Member } from "../../src/acp/links.ts";
import { openSession } from "../../src/acp/session.ts";
import type { Update } from "../../src/acp/update.ts";
import { connect } from "../../src/client/connect.ts";
import { pathsHere } from "../../src/client/here.ts";
import type { SessionId } from "../../src/protocol/ids.ts";
import { openEditor, shownText } from "../support/acp-editor.ts";
import { launcher } from "../support/home.ts";
import { say } from "../support/model-server.ts";
import { openWorld } from "../support/world.ts";

test("what was missed before a session could be told is told with its beginning", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("tty");
  const { env, project: cwd } = world.home;
  const stopping = new AbortController();
  const { signal } = stopping;
  const options = { paths: pathsHere(env), env, launcher, clientId: "editor-1", cwd };
  const connection = await connect(options, signal);
  onTestFinished(() => {
    stopping.abort();
    connection.close();
  });
  const sid = world.sid as SessionId;
  let member: Member | undefined;
  const link: Link = {
    ...{ connection, agents: [], isOver: false, wake() {}, shows() {} },
    ownerOf: (id) => (id === sid ? sid : undefined),
    join(_, joined) {
      member = joined;
      return () => {};
    },
  };
  const updates: Update[] = [];
  const nobody = () => Promise.resolve(undefined);
  const editor = {
    ...{
      hasForms: false,
      tellsOwn: true,
      hasCommands: true,
      choose: nobody,
      write: nobody,
      readText: nobody,
    },
    update: async (_: SessionId, update: Update) => void updates.push(update),
  };
  const deps = { links: { of: async () => link }, editor, signal, log: () => {} };
  const place = { root: cwd, servers: [] };
  const session = await openSession(deps, cwd, link, (await terminal.session()) as never, place);
  await session.skip();
  world.model.enqueue(say("Meanwhile."));
  await terminal.ask("hi");
  await member?.resync(); // the events were missed: none was taken
  await session.begin();
  const texts = updates.flatMap((update) => ("text" in update ? [update.text] : []));
  expect(texts).toEqual(["hi", "Meanwhile."]);
});

test("a session that was deleted meanwhile keeps no other from being read again", async () => {
  const world = await openWorld({ isAlone: true });
  const editor = await openEditor(world.home);
  onTestFinished(async () => {
    process.kill(editor.child.pid as number, "SIGCONT");
    editor.close();
    await editor.exited();
  });
  const cwd = world.home.project;
  const { sessionId: first } = await editor.agent.request("session/new", { cwd, mcpServers: [] });
  await editor.agent.request("session/load", { sessionId: world.sid, cwd, mcpServers: [] });

  process.kill(editor.child.pid as number, "SIGSTOP");
  await world.kill();
  await world.restart();
  const terminal = await world.terminal("tty");
  world.model.enqueue(say("Meanwhile."));
  await terminal.ask("hi");
  await terminal.api.expect(200, "DELETE", terminal.path(`/sessions/${first}`));
  await world.kill();
  // As if it were longer ago than events are kept.
  const db = new Database(world.home.database);
  db.exec("UPDATE workspaces SET events_floor = seq_reserved");
  db.close();
  await world.restart();
  process.kill(editor.child.pid as number, "SIGCONT");
  await editor.update((update) => shownText([update]) === "Meanwhile.", "the answer of the other session");
  expect(editor.stderr()).toContain(first);
});
