import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { benchFor } from "./conformance/bench.ts";
import { realAcp } from "./conformance/subjects.ts";
import { conformance } from "./conformance/suite.ts";

const codex = realAcp("codex", {
  // Its sandbox does not work where its own folder is below the one for temporary files, as it is in these tests.
  env: { TMPDIR: "/var/tmp" },
  goesOnWhenDenied: false,
  anotherModel: { id: "gpt-6-sol", asked: "gpt-6-sol" },
  plans: false,
});

conformance(codex);

describe.skipIf("missing" in codex)("codex in its sandbox", { timeout: 120_000 }, () => {
  test("writes by a command unasked in yolo, and in the other modes once it has asked", async () => {
    if ("missing" in codex) return expect.unreachable();
    const { open } = benchFor(codex);
    const at = await open();
    const { world, place } = at;
    const write = async (
      mode: "ask" | "accept_edits" | "yolo",
      deed: { shell: string } | { bare: string },
    ) => {
      at.running.will([[deed], [{ say: "Done." }]]);
      return world.answering(world.prompt("Write it", { mode }), "allow_once");
    };
    const questions = () => world.events.all.filter(({ type }) => type === "permission.requested").length;

    expect(await write("ask", { bare: "echo one > one.txt" })).toMatchObject({ outcome: "end_turn" });
    expect(existsSync(join(place.project, "one.txt"))).toBe(false);
    expect(questions()).toBe(0);
    await write("ask", { shell: "echo two > two.txt" });
    expect(questions()).toBe(1);
    // hearth's own agent may write a file of the project in this mode, too.
    await write("accept_edits", { shell: "echo three > three.txt" });
    await write("yolo", { bare: "echo four > four.txt" });
    await write("yolo", { shell: "echo five > five.txt" });
    expect(questions()).toBe(1);
    for (const name of ["two", "three", "four", "five"])
      expect(existsSync(join(place.project, `${name}.txt`))).toBe(true);
  });
});
