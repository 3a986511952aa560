// Whatever ends a terminal, it is as it was before: modes, screen, cursor, and the line discipline of the shell.
import { readFileSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { eventually } from "../support/happenings.ts";
import { launcher } from "../support/home.ts";
import { say } from "../support/model-server.ts";
import { readProcess } from "../support/processes.ts";
import type { Pty, PtyOptions } from "../support/pty.ts";
import { modesLeftOn } from "../support/terminal-modes.ts";
import { connectTestPty, isConnected, openTestPty } from "../support/test-pty.ts";
import { openWorld, type World } from "../support/world.ts";

/** Signals that nothing else uses become what a mistake in hearth would be. */
const faults = `
process.on("SIGUSR2", () => { throw new Error("a mistake of ours"); });
process.on("SIGPWR", () => { void Promise.reject(new Error("a promise of ours")); });
process.on("SIGIO", () => process.exit(7));
`;
function withFaults(world: World): PtyOptions {
  const file = `${world.home.folder("faults")}/faults.mjs`;
  writeFileSync(file, faults);
  return { env: { NODE_OPTIONS: `--import=file://${file}` } };
}

type Leaving = readonly [name: string, leave: (pty: Pty) => void, exitCode: number];
const leavings: readonly Leaving[] = [
  ["Ctrl+D", (pty) => pty.type("\x04"), 0],
  ["Ctrl+C twice", (pty) => pty.type("\x03\x03"), 0],
  ["/quit", (pty) => pty.type("/quit\r"), 0],
  ["SIGINT", (pty) => pty.kill("SIGINT"), 130],
  ["SIGTERM", (pty) => pty.kill("SIGTERM"), 143],
  ["SIGHUP", (pty) => pty.kill("SIGHUP"), 129],
  ["an exception that nobody caught", (pty) => pty.kill("SIGUSR2"), 1],
  ["a rejection that nobody heard", (pty) => pty.kill("SIGPWR"), 1],
  ["process.exit", (pty) => pty.kill("SIGIO"), 7],
];
/** One by a signal and one from within: the others end on the same two ways, as the first test shows. */
const sudden = leavings.filter(([name]) => name === "SIGTERM" || name === "an exception that nobody caught");

test.each(leavings)("left by %s, the terminal has every mode it had before", async (_, leave, exitCode) => {
  const world = await openWorld();
  const pty = await connectTestPty(world, withFaults(world));
  leave(pty);
  expect(await pty.exited).toBe(exitCode);
  expect(modesLeftOn(pty.emulator.written)).toEqual([]);
});

test.each(sudden)("ended by %s over an overlay, it is back on its own screen", async (_, leave, exitCode) => {
  const world = await openWorld();
  const pty = await connectTestPty(world, withFaults(world));
  pty.type("?");
  await pty.until(() => pty.emulator.isAlternate, "the overlay");
  leave(pty);
  expect(await pty.exited).toBe(exitCode);
  expect(modesLeftOn(pty.emulator.written)).toEqual([]);
  expect(pty.emulator.isAlternate).toBe(false);
});

test.each(sudden)("ended by %s while an answer streams, nothing is left on", async (_, leave, exitCode) => {
  const world = await openWorld();
  const pty = await connectTestPty(world, withFaults(world));
  world.model.enqueue(say("Streaming", { stop: "hang" }));
  pty.type("go\r");
  await pty.until((text) => text.includes("Streaming"), "the stream");
  leave(pty);
  expect(await pty.exited).toBe(exitCode);
  expect(modesLeftOn(pty.emulator.written)).toEqual([]);
});

test.each(sudden)("ended by %s, the shell behind it echoes what is typed again", async (_, leave) => {
  const world = await openWorld();
  const { env } = withFaults(world);
  const pty = openTestPty(world, { inShell: true, ...(env && { env }) });
  pty.type(`${process.execPath} ${launcher} & echo $! > pid; fg\n`);
  await pty.until(isConnected, "a terminal that is connected");
  const pid = Number(readFileSync(`${world.home.project}/pid`, "utf8"));
  leave({ ...pty, kill: (signal) => process.kill(pid, signal) });
  // What is typed before it has ended is typed into it.
  await eventually(() => readProcess(pid) === undefined, "the end of hearth");
  pty.type("\necho it-e''choes\n");
  await pty.until((text) => text.includes("it-e''choes") && text.includes("it-echoes"), "the shell's echo");
  expect(modesLeftOn(pty.emulator.written)).toEqual([]);
});

test("stopped without warning and continued by the shell, it draws itself below what the shell wrote and takes keys", async () => {
  const world = await openWorld();
  const pty = openTestPty(world, { inShell: true });
  pty.type(`${process.execPath} ${launcher} & echo $! > pid; fg\n`);
  await pty.until(isConnected, "a terminal that is connected");
  pty.type("half a thought");
  await pty.until((text) => text.includes("› half a thought"), "the draft");
  process.kill(Number(readFileSync(`${world.home.project}/pid`, "utf8")), "SIGSTOP");
  await pty.until((text) => /Stopped/.test(text), "the shell");
  pty.type("echo it-e''choes\n");
  await pty.until((text) => text.includes("it-echoes"), "what the shell says");
  pty.type("fg\n");
  const below = () => pty.text().slice(pty.text().lastIndexOf("it-echoes"));
  await pty.until(() => below().includes("› half a thought") && isConnected(below()), "the prompt below");
  pty.type(", and more");
  await pty.until(() => below().includes("› half a thought, and more"), "what is typed");
  expect(below().split("half a thought")).toHaveLength(2);
  pty.type("\x15\x04");
  await pty.until((text) => /[#$]$/.test(text.trimEnd()), "the shell");
});

test("ended while its first frame is all there is, it leaves nothing on", async () => {
  const world = await openWorld();
  const pty = openTestPty(world);
  await pty.until((text) => text.includes("›"), "the first frame");
  pty.kill("SIGTERM");
  expect(await pty.exited).toBe(143);
  expect(modesLeftOn(pty.emulator.written)).toEqual([]);
});
