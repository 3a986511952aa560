// The session picker of the built program: what is done to a session there is done, and seen in another terminal.
import { expect, test } from "vitest";
import type { Session } from "../../src/protocol/session.ts";
import { eventually } from "../support/happenings.ts";
import { say } from "../support/model-server.ts";
import type { Pty } from "../support/pty.ts";
import { connectTestPty } from "../support/test-pty.ts";
import { openWorld, type World } from "../support/world.ts";

const open = (world: World) => connectTestPty(world, { columns: 100 });
const titlesOf = async (world: World, archived?: string): Promise<string[]> => {
  const query = archived === undefined ? {} : { archived };
  const api = world.daemon.api("test");
  const path = `/v1/workspaces/${world.wid}/sessions`;
  const { sessions } = await api.expect<{ sessions: Session[] }>(200, "GET", path, { query });
  return sessions.map(({ title }) => title);
};
const UP = "\x1b[A";
const alt = (letter: string) => `\x1b${letter}`;

/** Two sessions with an answer each; the first is the one that is open at the end. */
async function twoSessions(): Promise<{ world: World; pty: Pty }> {
  const world = await openWorld();
  await world.daemon.api("test").expect(200, "DELETE", `/v1/workspaces/${world.wid}/sessions/${world.sid}`);
  const pty = await open(world);
  for (const prompt of ["mend the cart", "write the docs"]) {
    world.model.enqueue(say(`Done with: ${prompt}.\n`));
    pty.type("/new\r");
    pty.type(`${prompt}\r`);
    await pty.until((text) => text.includes(`Done with: ${prompt}.`) && !text.includes("Working"), prompt);
  }
  return { world, pty };
}
async function pick(pty: Pty, title: string): Promise<void> {
  pty.type("/sessions\r");
  await pty.until(() => pty.emulator.isAlternate, "the picker");
  pty.type(title);
  const isMarked = () => pty.emulator.window().some((row) => row.startsWith(" ›") && row.includes(title));
  await pty.until(isMarked, `${title}, marked`);
}

test("terminals that wait in one folder join what begins in one of them, and who asked for a new session does not", async () => {
  const world = await openWorld();
  await world.daemon.api("test").expect(200, "DELETE", `/v1/workspaces/${world.wid}/sessions/${world.sid}`);
  const [first, second, apart] = await Promise.all([open(world), open(world), open(world)]);
  second.type("half a thought");
  apart.type("/new\r");
  await apart.until((text) => text.includes("a new session, whatever starts"), "a session of its own");
  world.model.enqueue(say("It begins", { stop: "hang" }));
  first.type("mend the cart\r");
  await second.until((text) => text.includes("It begins"), "the stream in the second terminal");
  const joined = /── joined "mend the cart" · started by \S.* · \/new starts another session/;
  await second.until(
    (text) => joined.test(text) && text.includes("› half a thought"),
    "word of it, the draft",
  );
  expect(second.text()).toContain("› mend the cart");
  second.type("\x15"); // the draft is cleared, so that Escape is for the run
  second.type("\x1b");
  await first.until((text) => /■ Canceled/.test(text), "the cancel in the first terminal");
  expect(await titlesOf(world)).toEqual(["mend the cart"]);
  world.model.enqueue(say("Beside it.\n"));
  apart.type("something else\r");
  await apart.until((text) => text.includes("Beside it."), "the answer in the third");
  expect(apart.text()).not.toContain("mend the cart");
  expect(await titlesOf(world)).toEqual(["something else", "mend the cart"]);
});

test("a session is found by a word of its title and opened; another is renamed", async () => {
  const { world, pty } = await twoSessions();
  await pick(pty, "cart");
  pty.type("\r");
  await pty.until(
    (text) =>
      !pty.emulator.isAlternate && text.lastIndexOf("mend the cart") > text.lastIndexOf("write the docs"),
    "the other session",
  );
  await pick(pty, "docs");
  pty.type(alt("r"));
  await pty.until((text) => text.includes("new title: write the docs"), "the title to write");
  pty.type("\x15docs, a better title\r");
  await pty.until(
    (text) => text.includes("docs, a better title") && !text.includes("new title:"),
    "the new title",
  );
  expect(await titlesOf(world)).toEqual(expect.arrayContaining(["mend the cart", "docs, a better title"]));
});

test("/clear begins a new session on an empty screen; what stood there can be scrolled to and resumed", async () => {
  const { world, pty } = await twoSessions();
  pty.type("/clear\r");
  const window = () => pty.emulator.window();
  await pty.until(() => window()[0]?.includes("new session") === true, "an empty screen");
  expect(window()[0]).toContain('/resume opens "write the docs"');
  expect(window().join("\n")).not.toContain("Done with");
  expect(pty.text()).toContain("Done with: write the docs.");
  world.model.enqueue(say("A fresh answer.\n"));
  pty.type("once more\r");
  await pty.until((text) => text.includes("A fresh answer."), "the answer");
  expect(JSON.stringify(world.model.requests.at(-1)?.body)).not.toContain("write the docs");
  await pick(pty, "docs");
  pty.type("\r");
  await pty.until((text) => text.split("Done with: write the docs.").length === 3, "the session before");
  // With no session there is nothing to leave: the screen is cleared all the same.
  pty.type("/new\r");
  await pty.until((text) => text.lastIndexOf("── new session") > text.lastIndexOf("docs."), "a new one");
  pty.type("/clear\r");
  await pty.until(() => window().every((row) => !row.includes("new session")), "an empty screen again");
});

test("a session is archived: it leaves the list and nothing of it is lost", async () => {
  const { world, pty } = await twoSessions();
  const second = await open(world);
  await pick(pty, "cart");
  pty.type(alt("a"));
  await pty.until(() => pty.emulator.window().join().includes("no session fits"), "an empty list");
  expect(await titlesOf(world)).toEqual(["write the docs"]);
  expect(await titlesOf(world, "true")).toContain("mend the cart");
  second.type("/sessions\r");
  await second.until(() => second.emulator.isAlternate, "the picker of the second terminal");
  expect(second.emulator.window().join("\n")).not.toContain("mend the cart");
});

test("a session is deleted only when Enter confirms it", async () => {
  const { world, pty } = await twoSessions();
  await pick(pty, "cart");
  pty.type(alt("d"));
  await pty.until((text) => text.includes('delete "mend the cart" for good?'), "the question");
  pty.type("\x1b");
  await pty.until((text) => !text.includes("for good?"), "the list");
  expect(await titlesOf(world)).toHaveLength(2);
  pty.type(alt("d"));
  await pty.until((text) => text.includes("for good?"), "the question again");
  pty.type("\r");
  await eventually(async () => (await titlesOf(world)).length === 1, "the session to be gone");
  expect([...(await titlesOf(world)), ...(await titlesOf(world, "true"))]).not.toContain("mend the cart");
});

test("what runs in another session is stopped from the list, and a fork of it is opened", async () => {
  const { world, pty } = await twoSessions();
  await pick(pty, "cart");
  pty.type("\r");
  await pty.until(() => !pty.emulator.isAlternate, "the conversation");
  world.model.enqueue(say("It begins", { stop: "hang" }));
  pty.type("go on\r");
  await pty.until((text) => text.includes("It begins"), "the stream");
  await pick(pty, "docs");
  pty.type("\r");
  await pty.until(() => !pty.emulator.isAlternate, "the other conversation");
  await pick(pty, "cart");
  const row = () => pty.emulator.window().find((text) => text.includes("mend the cart")) ?? "";
  await pty.until(() => row().includes("running"), "that it runs");
  pty.type(alt("x"));
  await pty.until(() => row() !== "" && !row().includes("running"), "that it does not");
  pty.type(alt("f"));
  await pty.until((text) => text.includes('"mend the cart (fork)"'), "the fork");
  expect(pty.emulator.isAlternate).toBe(false);
  expect(await titlesOf(world)).toContain("mend the cart (fork)");
  pty.type(UP);
  await pty.until((text) => text.includes("› go on"), "a prompt to write on");
});
