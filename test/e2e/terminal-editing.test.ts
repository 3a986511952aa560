// The composer with what stands outside it: files of the workspace, images, another editor, the shell.
import { chmodSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { launcher, localConfig } from "../support/home.ts";
import { say } from "../support/model-server.ts";
import type { Pty } from "../support/pty.ts";
import { connectTestPty, isConnected, openTestPty } from "../support/test-pty.ts";
import { openWorld, type World } from "../support/world.ts";

test("a file named with @ is found, completed, and goes to the model with its text", async () => {
  const world = await openWorld();
  world.home.write("src/cart.ts", "export const secretOfTheCart = 42;\n");
  world.home.write("src/other.ts", "export {};\n");
  const pty = await connectTestPty(world);
  pty.type("explain @cart");
  await pty.until((text) => text.includes("› src/cart.ts"), "the file in the list");
  pty.type("\t");
  await pty.until((text) => text.includes("explain @src/cart.ts"), "the completed name");
  world.model.enqueue(say("It is 42.\n"));
  pty.type("please\r");
  const request = await world.model.nextRequest();
  expect(JSON.stringify(request.body)).toContain("secretOfTheCart");
  await pty.until((text) => text.includes("It is 42."), "the answer");
});

test("an image dragged onto the terminal becomes one thing in the prompt and is sent with its bytes", async () => {
  const world = await openWorld();
  const folder = world.home.folder("pictures");
  const png = Buffer.from(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    "base64",
  );
  writeFileSync(`${folder}/a shot.png`, png);
  const pty = await connectTestPty(world);
  pty.type(`what is this? \x1b[200~${folder}/a\\ shot.png\x1b[201~`);
  await pty.until((text) => text.includes("[image #1]"), "the image");
  // A path where no image is stays what was pasted.
  pty.type(`\x1b[200~${folder}/none.png\x1b[201~`);
  await pty.until((text) => text.replace(/\s/g, "").includes("none.png"), "the path");
  world.model.enqueue(say("A dot.\n"));
  pty.type("\r");
  await world.model.nextRequest();
  await pty.until((text) => text.includes("A dot.") && text.includes("a shot.png"), "the answer");
});

test("Ctrl+G gives the draft to $EDITOR and takes back what was written", async () => {
  const world = await openWorld();
  const editor = `${world.home.folder("bin")}/append`;
  writeFileSync(editor, '#!/bin/sh\nprintf " and more" >> "$1"\n');
  chmodSync(editor, 0o755);
  const pty = await connectTestPty(world, { env: { EDITOR: editor } });
  pty.type("my draft\x07");
  await pty.until((text) => text.includes("› my draft and more"), "the draft with what was added");
  pty.type("!");
  await pty.until((text) => text.includes("and more!"), "typing that goes on");
});

/** hearth itself, wherever it was started from: what it keeps for the case that it is killed names it. */
function pidOfHearth({ home }: World): number {
  const folder = `${home.dir}/state/terminals`;
  const [name = ""] = readdirSync(folder).filter((file) => file.endsWith(".json"));
  return (JSON.parse(readFileSync(`${folder}/${name}`, "utf8")) as { pid: number }).pid;
}

test.each([
  ["Ctrl+Z", (pty: Pty) => pty.type("\x1a")],
  ["a SIGTSTP from outside", (_: Pty, world: World) => process.kill(pidOfHearth(world), "SIGTSTP")],
])("%s goes to the shell with every mode undone, and fg comes back to the same draft", async (_, stop) => {
  const world = await openWorld();
  const pty = openTestPty(world, { inShell: true });
  pty.type(`${process.execPath} ${launcher}\n`);
  await pty.until(isConnected, "a terminal that is connected");
  pty.type("half a");
  await pty.until((text) => text.includes("› half a"), "the draft");
  const before = pty.emulator.written.length;
  stop(pty, world);
  await pty.until((text) => /Stopped|Suspended/.test(text), "the shell's word");
  expect(pty.emulator.written.slice(before)).toContain("\x1b[?2004l");
  pty.type("echo in the shell\n");
  await pty.until((text) => text.split("in the shell").length >= 3, "the shell's answer");
  pty.type("fg\n");
  await pty.until(
    (text) => text.lastIndexOf("› half a") > text.lastIndexOf("in the shell"),
    "the draft below",
  );
  pty.type(" thought");
  await pty.until((text) => text.includes("› half a thought"), "typing that goes on");
});

test("a session is forked from the list and goes on by itself", async () => {
  const world = await openWorld();
  world.model.script(() => say("Noted.\n"));
  const pty = await connectTestPty(world);
  pty.type("remember seven\r");
  await pty.until((text) => text.includes("Noted."), "the answer");
  pty.type("/fork\r");
  await pty.until((text) => text.includes("joined"), "the fork");
  pty.type("and what did I say?\r");
  await world.model.nextRequest();
  const request = await world.model.nextRequest();
  expect(JSON.stringify(request.body)).toContain("remember seven");
});

test("a command is changed before it is allowed: in the prompt, in $EDITOR, and never against a rule", async () => {
  const world = await openWorld({
    config: (url) => ({ ...localConfig(url), permissions: { deny: ["bash(touch forbidden)"] } }),
  });
  const editor = `${world.home.folder("bin")}/append`;
  writeFileSync(editor, '#!/bin/sh\ncase "$1" in *.sh) printf "touch from-editor.txt\\n" >> "$1";; esac\n');
  chmodSync(editor, 0o755);
  const pty = await connectTestPty(world, { env: { EDITOR: editor } });
  const made = (name: string) => existsSync(join(world.home.project, name));
  const call = { call: "bash", input: { command: "touch asked.txt" } };
  world.model.enqueue(say("I will.", call), say("It is done.\n"));
  pty.type("make it\r");
  await pty.until((text) => text.includes("e edit command"), "the question");
  // A key is the question's at once when Tab says so, however lately something was typed.
  pty.type("x\x15\te");
  await pty.until(
    (text) => text.includes("$ touch asked.txt") && text.includes("allow once as changed"),
    "it",
  );
  pty.type("\x15touch forbidden\r");
  await pty.until((text) => text.includes("denies this"), "the refusal");
  expect(made("forbidden")).toBe(false);
  pty.type("\x15touch mine.txt\n\x07");
  await pty.until((text) => text.includes("touch from-editor.txt"), "what the editor added");
  pty.type("\r");
  await pty.until((text) => text.includes("It is done.") && !text.includes("Working"), "the end");
  expect(pty.text()).toContain("allowed once as changed by you");
  expect(pty.text()).toContain("edited by you");
  expect([made("mine.txt"), made("from-editor.txt"), made("asked.txt")]).toEqual([true, true, false]);
  expect(JSON.stringify(world.model.requests.at(-1)?.body)).toContain("The user changed the command");
});

test("Ctrl+V attaches the image in the clipboard, whichever program has it, and says when there is none", async () => {
  const world = await openWorld();
  const bin = world.home.folder("bin");
  const png =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
  const script = (name: string, text: string) => {
    writeFileSync(`${bin}/${name}`, `#!/bin/sh\n${text}\n`);
    chmodSync(`${bin}/${name}`, 0o755);
  };
  // The first has only text to give, the second an image when it is asked for one in the right words.
  script("wl-paste", "echo some text");
  script("xclip", "echo no image >&2; exit 1");
  const pty = await connectTestPty(world, { env: { PATH: `${bin}:${world.home.env["PATH"] ?? ""}` } });
  pty.type("\x16");
  await pty.until((text) => text.includes("There is no image in the clipboard."), "that there is none");
  script("xclip", `[ "$*" = "-selection clipboard -t image/png -o" ] && echo ${png} | base64 -d`);
  pty.type("what is this? \x16");
  await pty.until((text) => text.includes("[image #1]"), "the image");
  world.model.enqueue(say("A dot.\n"));
  pty.type("\r");
  await world.model.nextRequest();
  await pty.until((text) => text.includes("A dot.") && text.includes("clipboard.png"), "the answer");
  const request = JSON.stringify(world.model.requests.at(-1)?.body);
  expect(request).toContain(png.slice(0, 40));
  // wl-paste is asked first where it has one.
  script("wl-paste", `[ "$*" = "--no-newline --type image/png" ] && echo ${png} | base64 -d`);
  script("xclip", "exit 1");
  pty.type("\x16");
  await pty.until((text) => text.lastIndexOf("[image #1]") > text.lastIndexOf("A dot."), "the second image");
});
