import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Change } from "../../src/protocol/change.ts";
import type { Undone, UndoTurn } from "../../src/protocol/undo.ts";
import { localConfig } from "../support/home.ts";
import { say } from "../support/model-server.ts";
import { startScriptedAcp } from "../support/scripted-acp.ts";
import { openWorld, type Terminal } from "../support/world.ts";

type Values = Record<string, unknown>;
const call = (of: Terminal, what: string, body?: Values) =>
  of.api.call("POST", of.path(`/sessions/${of.sid}/${what}`), body === undefined ? {} : { body });
const texts = async (of: Terminal) =>
  (await of.messages()).flatMap(({ parts }) =>
    parts.flatMap((part) => (part.type === "text" ? [part.text] : [])),
  );

test("undo takes a turn's files and words back, redo brings them back, and a new prompt ends that", async () => {
  const world = await openWorld({ session: { mode: "yolo" } });
  const { model, home } = world;
  const terminal = await world.terminal("first");
  const second = await world.terminal("second");
  const read = (name: string) => readFileSync(join(home.project, name), "utf8");
  home.write("a.txt", "mine\n");
  home.write("b.txt", "mine\n");
  model.enqueue(say("Only words."));
  await terminal.ask("say something");
  model.enqueue(
    say("Working.", { call: "write", input: { path: "new/c.txt", content: "made\n" } }),
    say("More.", { call: "bash", input: { command: "echo theirs > a.txt; rm b.txt" } }),
    say("Done."),
  );
  await terminal.ask("change the files");
  const before = await terminal.messages();

  const { turns } = (await terminal.api.call("GET", terminal.path(`/sessions/${terminal.sid}/turns`)))
    .json as { turns: UndoTurn[] };
  expect(turns).toMatchObject([
    { prompt: "say something", files: "unchanged", changed: null },
    { prompt: "change the files", files: "changed", changed: { files: 3, additions: 2, deletions: 2 } },
  ]);
  const preview = await call(terminal, "undo", { preview: true });
  expect((preview.json as Undone).files).toEqual([
    { path: "a.txt", kind: "modified" },
    { path: "b.txt", kind: "added" },
    { path: "new/c.txt", kind: "deleted" },
  ]);

  home.write("a.txt", "changed by hand\n");
  const refused = await call(terminal, "undo");
  expect(refused).toMatchObject({
    status: 409,
    json: { error: { code: "conflict", details: { paths: ["a.txt"] } } },
  });
  expect([read("a.txt"), existsSync(join(home.project, "b.txt")), read("new/c.txt")]).toEqual([
    "changed by hand\n",
    false,
    "made\n",
  ]);
  expect(await terminal.messages()).toEqual(before);

  home.write("a.txt", "theirs\n");
  const undone = await call(terminal, "undo");
  expect(undone).toMatchObject({
    status: 200,
    json: { turns: [{ prompt: "change the files" }], conversation: true },
  });
  expect([read("a.txt"), read("b.txt"), existsSync(join(home.project, "new"))]).toEqual([
    "mine\n",
    "mine\n",
    false,
  ]);
  expect(await texts(second)).toEqual(["say something", "Only words."]);
  await second.events.until("message.deleted");

  expect(await call(terminal, "redo")).toMatchObject({ status: 200 });
  expect([read("a.txt"), existsSync(join(home.project, "b.txt")), read("new/c.txt")]).toEqual([
    "theirs\n",
    false,
    "made\n",
  ]);
  expect(await terminal.messages()).toEqual(before);
  expect(await call(terminal, "redo")).toMatchObject({
    status: 409,
    json: { error: { code: "nothing_to_redo" } },
  });

  // The files alone, then the rest; a new prompt goes on from there.
  expect(await call(terminal, "undo", { conversation: false })).toMatchObject({ status: 200 });
  expect(read("a.txt")).toBe("mine\n");
  expect((await terminal.messages()).length).toBe(before.length);
  expect(await call(terminal, "undo")).toMatchObject({ status: 200 });
  model.enqueue(say("Another way."));
  await terminal.ask("do it differently");
  expect(JSON.stringify(model.requests.at(-1)?.body)).not.toContain("change the files");
  expect(JSON.stringify(model.requests.at(-1)?.body)).toContain("Only words.");
  expect(await call(terminal, "redo")).toMatchObject({ status: 409 });
  expect(await texts(terminal)).toEqual([
    "say something",
    "Only words.",
    "do it differently",
    "Another way.",
  ]);

  const [first] = await terminal.messages();
  expect(await call(terminal, "undo", { message_id: first?.id })).toMatchObject({
    status: 200,
    json: { turns: [{ prompt: "say something" }, { prompt: "do it differently" }] },
  });
  expect(await terminal.messages()).toEqual([]);
  expect(await call(terminal, "undo")).toMatchObject({
    status: 409,
    json: { error: { code: "nothing_to_undo" } },
  });
});

test("a daemon that is killed in the middle of an undo leaves it whole or not begun, and the words go with the files", async () => {
  const world = await openWorld({ session: { mode: "yolo" }, isAlone: true });
  const { model, home, wid } = world;
  const terminal = await world.terminal("first");
  const names = Array.from({ length: 60 }, (_, n) => join(home.project, `d${n % 20}`, `f${n}`));
  for (const name of names) {
    mkdirSync(join(name, ".."), { recursive: true });
    writeFileSync(name, "before\n");
  }
  const states = () => new Set(names.map((name) => readFileSync(name, "utf8")));
  model.enqueue(
    say("Working.", { call: "bash", input: { command: "for f in d*/*; do echo after > $f; done" } }),
    say("Done."),
  );
  await terminal.ask("change them all");
  expect(states()).toEqual(new Set(["after\n"]));
  const journal = join(home.dir, "data/checkpoints", wid, "undo.json");
  const asked = call(terminal, "undo").catch(() => undefined);
  while (!existsSync(journal)) await new Promise(setImmediate);
  while (existsSync(journal) && !states().has("before\n")) await new Promise(setImmediate);
  await world.kill();
  await asked;
  await world.restart();
  const again = await world.terminal("again");
  // Waits for what was begun, as a prompt does.
  model.enqueue(say("Here."));
  await again.ask("still there?");
  expect(existsSync(journal)).toBe(false);
  expect(states().size).toBe(1);
  const isUndone = states().has("before\n");
  expect((await texts(again)).includes("change them all")).toBe(!isUndone);
  if (names[0] !== undefined) unlinkSync(names[0]);
});

test("an agent is told once, before its next prompt, what a person has done with its files", async () => {
  const folder = mkdtempSync(join(tmpdir(), "news-"));
  const acp = await startScriptedAcp(folder);
  onTestFinished(async () => {
    await acp.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const world = await openWorld({
    config: (url) => ({
      ...localConfig(url),
      agents: { mine: { backend: "acp", command: acp.command, env: acp.env } },
    }),
    session: { mode: "yolo" },
  });
  const terminal = await world.terminal("first");
  const { api } = terminal;
  const { model } = world;
  const write = (name: string) =>
    model.enqueue(say({ call: "write", input: { path: name, content: `${name}\n` } }), say("Written."));
  const sent = () => JSON.stringify(model.requests.at(-1)?.body["messages"]);
  const notesIn = (text: string) => text.match(/<hearth>The user has [^<]*<\/hearth>/g) ?? [];

  write("a.txt");
  await terminal.ask("write a");
  await api.expect(200, "POST", terminal.path(`/sessions/${terminal.sid}/undo`), {
    body: { files: true, conversation: false },
  });
  // A command that the person types is no agent's prompt.
  await terminal.ask("ls", { agent: "shell" });
  write("b.txt");
  await terminal.ask("write b");
  const first = sent();
  expect(notesIn(first)).toEqual([
    "<hearth>The user has taken back what a turn of yours changed in a.txt; the conversation stands. Read again before you build on it.</hearth>",
  ]);

  await terminal.events.until("changes.updated");
  const { changes } = await api.expect<{ changes: Change[] }>(
    200,
    "GET",
    terminal.path(`/changes?session_id=${terminal.sid}`),
  );
  const b = changes.find(({ path }) => path === "b.txt");
  await api.expect(200, "POST", terminal.path(`/changes/${b?.id}/revert`), { body: {} });
  model.enqueue(say("I see."));
  await terminal.ask("and now?");
  expect(notesIn(sent())).toEqual([
    notesIn(first)[0],
    "<hearth>The user has reverted changes of yours in b.txt. Read again before you build on it.</hearth>",
  ]);
  // What was sent stays as it was sent.
  expect(sent().startsWith(first.slice(0, first.lastIndexOf("<hearth>")))).toBe(true);

  write("c.txt");
  await terminal.ask("write c");
  await api.expect(200, "POST", terminal.path(`/sessions/${terminal.sid}/undo`), {
    body: { files: true, conversation: false },
  });
  acp.nextTurn({ deeds: [{ do: "say", texts: ["Mine."] }] });
  await terminal.ask("your turn", { agent: "mine" });
  const prompts = acp.heard.all.filter(
    (heard) => heard.said === "request" && heard.method === "session/prompt",
  );
  expect(notesIn(JSON.stringify(prompts.at(-1)))).toEqual([expect.stringContaining("changed in c.txt;")]);
  acp.nextTurn({ deeds: [{ do: "say", texts: ["Again."] }] });
  await terminal.ask("once more", { agent: "mine" });
  const all = acp.heard.all.filter((heard) => heard.said === "request" && heard.method === "session/prompt");
  expect(notesIn(JSON.stringify(all.at(-1)))).toEqual([]);
});
