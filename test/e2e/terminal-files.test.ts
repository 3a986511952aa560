// What a terminal keeps in files: drafts, history, preferences, and what a kill left switched on.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { eventually } from "../support/happenings.ts";
import { launcher } from "../support/home.ts";
import { say } from "../support/model-server.ts";
import { connectTestPty, isConnected, openTestPty } from "../support/test-pty.ts";
import { openWorld, type World } from "../support/world.ts";

const start = `${process.execPath} ${launcher}\n`;

type Left = { pid: number; modes: string[]; draft: string[] };
function left(world: World): Left | undefined {
  const folder = `${world.home.dir}/state/terminals`;
  const [name] = readdirSync(folder).filter((file) => file.endsWith(".json"));
  return name === undefined ? undefined : (JSON.parse(readFileSync(`${folder}/${name}`, "utf8")) as Left);
}

test("after a SIGKILL on the alternate screen the next hearth there repairs the modes and has the draft", async () => {
  const world = await openWorld();
  const pty = openTestPty(world, { inShell: true });
  pty.type(start);
  await pty.until(isConnected, "a terminal that is connected");
  pty.type("half a thought");
  await eventually(() => left(world)?.draft.join("") === "half a thought", "the draft in its file");
  pty.type("\x1bOP");
  await pty.until(() => pty.emulator.isAlternate, "the help overlay");
  process.kill(left(world)?.pid ?? 0, "SIGKILL");
  const before = pty.emulator.written.length;
  pty.type(`\n${start}`);
  await pty.until(
    (text) => !pty.emulator.isAlternate && text.includes("› half a thought") && isConnected(text),
    "the draft",
  );
  const after = pty.emulator.written.slice(before);
  expect(after).toContain("\x1b[?1049l");
  // Left in order, nothing stays behind but the draft that was not sent.
  pty.type("\x15\x04");
  await eventually(() => left(world) === undefined, "the end of the file");
});

test("prompts of one session can be had back in the next, and Ctrl+R finds them", async () => {
  const world = await openWorld();
  world.model.script(() => say("Fine.\n"));
  const first = await connectTestPty(world);
  first.type("fix the cart test\r");
  await first.until((text) => text.includes("Fine."), "the answer");
  first.type("/new\r");
  first.type("write the docs\r");
  await first.until((text) => text.split("Fine.").length === 3, "the second answer");
  first.type("\x04");
  await first.exited;
  const second = await connectTestPty(world);
  second.type("\x1b[A");
  await second.until((text) => text.includes("› write the docs"), "the newest prompt");
  second.type("\x15\x12cart");
  await second.until((text) => text.includes("search: cart  › fix the cart test"), "the search");
  second.type("\r");
  await second.until((text) => text.includes("› fix the cart test"), "the prompt that was found");
});

test("terminal.jsonc gives keys other meanings, and what is wrong in it is said in a sentence", async () => {
  const world = await openWorld();
  mkdirSync(`${world.home.dir}/config`, { recursive: true });
  writeFileSync(
    `${world.home.dir}/config/terminal.jsonc`,
    '{ "keys": { "prompt.newline": ["f2"], "prompt.sumbit": ["f3"] }, /* mine */ "theme": "light", }',
  );
  const pty = await connectTestPty(world);
  expect(pty.text()).toContain('unknown action "prompt.sumbit"');
  pty.type("one\x1bOQtwo");
  await pty.until((text) => text.includes("› one\n  two"), "two lines");
});

test("a session is written as Markdown, a theme is kept, and the doctor is asked without leaving", async () => {
  const world = await openWorld();
  const pty = await connectTestPty(world);
  world.model.enqueue(say("A **cart**.\n"));
  pty.type("what is this\r");
  await pty.until((text) => text.includes("A cart."), "the answer");
  pty.type("/export\r");
  await pty.until((text) => text.includes("written to what-is-this.md"), "where it is");
  const file = `${world.home.project}/what-is-this.md`;
  expect(readFileSync(file, "utf8")).toContain("## what is this\n\nA **cart**.\n");
  // What is there is never overwritten.
  pty.type("/export what-is-this.md\r");
  await pty.until((text) => text.includes("there is a file of that name already"), "the refusal");
  pty.type("/theme light\r");
  await pty.until((text) => text.includes("theme light"), "the theme");
  await eventually(
    () => readFileSync(`${world.home.dir}/config/terminal.jsonc`, "utf8").includes('"light"'),
    "the theme in its file",
  );
  pty.type("/doctor\r");
  await pty.until((text) => /ok +daemon/.test(text) && /ok +store/.test(text), "the doctor's findings");
});
