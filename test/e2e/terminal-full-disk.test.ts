// faults.md F08 as a person sees it: the disk is full while text streams.
import { expect, test } from "vitest";
import { createGate } from "../support/happenings.ts";
import { say } from "../support/model-server.ts";
import { mountSmallDisk, whyNoSmallDisk } from "../support/small-disk.ts";
import { hasTmux } from "../support/tmux.ts";
import { isIdleAfter, openInTmux } from "../support/tmux-conversation.ts";

test.skipIf(!hasTmux || whyNoSmallDisk() !== null)(
  "a terminal whose disk is full says why, stops the text and goes on when there is room",
  async () => {
    const disk = mountSmallDisk(64);
    const { world, tmux } = await openInTmux(100, 30, { under: disk.path });
    const full = createGate();
    const never = createGate();
    world.model.enqueue(
      say("The first words. ", { until: full.passed }, "More words. ".repeat(5_000), { until: never.passed }),
    );
    await tmux.type("tell me\r");
    await tmux.until((window) => window.join("\n").includes("The first words."), "the first words");
    disk.fill();
    full.open();
    await tmux.until((window) => /disk is full/.test(window.join(" ")), "the reason");
    // The provider still has the connection open: the text was stopped here.
    await (await world.model.requestSaying("tell me")).closed;
    await tmux.until((window) => !/Working|esc to cancel/.test(window.join(" ")), "no run that works");
    disk.free();
    world.model.enqueue(say("All is well again."));
    await tmux.type("and now?\r");
    await tmux.until(isIdleAfter("All is well again."), "the next answer");
    expect((await tmux.history()).join("\n")).toContain("The first words.");
  },
);
