// A terminal whose cursor cannot be moved, and a screen reader: lines, one after the other.
import { expect, onTestFinished, test } from "vitest";
import { say } from "../support/model-server.ts";
import { openPty } from "../support/pty.ts";
import { openWorld } from "../support/world.ts";

test.each([
  ["TERM=dumb", { TERM: "dumb" }],
  ["a screen reader", { HEARTH_SCREEN_READER: "true" }],
])(
  "with %s nothing is drawn twice, a question is answered by its number, and Ctrl+D leaves",
  async (_, env) => {
    const world = await openWorld();
    world.model.enqueue(
      say("I will make it.", { call: "bash", input: { command: "touch it.txt" } }),
      say("It is made.\n"),
    );
    const pty = openPty(world.home, { env });
    onTestFinished(async () => {
      if (!pty.hasExited) pty.kill("SIGKILL");
      await pty.exited;
      pty.emulator.dispose();
    });
    await pty.until((text) => text.includes("hearth 0"), "the header");
    pty.type("make it\n");
    await pty.until((text) => text.includes("1 allow once"), "the question");
    pty.type("1\n");
    await pty.until((text) => text.includes("It is made."), "the answer");
    for (const once of ["I will make it.", "1 allow once", "It is made."]) {
      expect(pty.text().split(once)).toHaveLength(2);
    }
    // No cursor is moved, nothing erased, no screen switched.
    expect(pty.emulator.written).not.toMatch(/\x1b\[[0-9;?]*[A-HJKfhlnrsu]/);
    pty.type("\x04");
    expect(await pty.exited).toBe(0);
  },
);
