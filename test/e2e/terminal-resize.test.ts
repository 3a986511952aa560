import { expect, test } from "vitest";
import { say } from "../support/model-server.ts";
import { connectTestPty } from "../support/test-pty.ts";
import { openWorld } from "../support/world.ts";

test("two hundred sizes of the window double no block and lose none, and the last one is drawn for its width", async () => {
  const world = await openWorld();
  const pty = await connectTestPty(world);
  const paragraphs = Array.from(
    { length: 12 },
    (_, index) => `begin${index} ${"some words to wrap ".repeat(9)}end${index}.`,
  );
  world.model.enqueue(say(`${paragraphs.join("\n\n")}\n`));
  pty.type("tell me\r");
  await pty.until((text) => text.includes("end11.") && !text.includes("Working"), "the answer");

  for (let index = 0; index < 200; index += 1) {
    pty.resize(40 + ((index * 37) % 80), 12 + ((index * 23) % 30));
    // Some sizes are seen by the program, most are not.
    if (index % 9 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  pty.resize(66, 30);
  const isSettled = () =>
    pty.emulator
      .window()
      .some((row) => row.startsWith("  begin11 some words to wrap some words to wrap some words to"));
  await pty.until(isSettled, "the last block at the last width");
  const words = pty.emulator.logical().join(" ").split(/\s+/);
  for (const index of paragraphs.keys()) {
    expect(words.filter((word) => word === `begin${index}`)).toHaveLength(1);
    expect(words.filter((word) => word === `end${index}.`)).toHaveLength(1);
  }
  expect(pty.emulator.written).not.toContain("\x1b[3J");
});

test("Ctrl+L draws the window again over what others wrote into it, and nothing of the conversation is wiped", async () => {
  const world = await openWorld();
  const pty = await connectTestPty(world);
  const paragraphs = Array.from(
    { length: 12 },
    (_, index) => `begin${index} ${"some words to wrap ".repeat(9)}end${index}.`,
  );
  world.model.enqueue(say(`${paragraphs.join("\n\n")}\n`));
  pty.type("tell me\r");
  await pty.until((text) => text.includes("end11.") && !text.includes("Working"), "the answer");

  const { row, column } = pty.emulator.cursor();
  await pty.emulator.write(`\x1b[${row - 4};9HBROADCAST MESSAGE\x1b[${row + 1};${column + 1}H`);
  expect(pty.text()).toContain("BROADCAST");
  pty.type("\x0c");
  await pty.until((text) => !text.includes("BROADCAST"), "a window without the message");
  pty.type("written");
  await pty.until((text) => text.includes("› written"), "the draft");
  const seen = pty.emulator.logical().filter((text) => text !== "");
  const words = seen.join(" ").split(/\s+/);
  for (const text of paragraphs) expect(words.join(" ").split(text)).toHaveLength(2);
  expect(seen.filter((text) => text.startsWith("›"))).toEqual(["› tell me", "› written"]);
  expect(seen.filter((text) => text.includes("? keys"))).toHaveLength(1);
  expect(pty.emulator.written).not.toContain("\x1b[3J");
});
