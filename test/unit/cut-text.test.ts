import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createCommandOutput } from "../../src/agent/tools/command/output.ts";
import { endOf, endsOf, startOf, wellFormed, withoutHalves } from "../../src/protocol/cut-text.ts";
import { titleOf } from "../../src/server/title.ts";

const text = fc.array(fc.constantFrom("a", "🙂", "é", "\ud83d", "\ude00", "\n"), { maxLength: 40 });

describe("text that is cut", () => {
  test("is cut between characters, wherever the bound falls, and is never longer", () => {
    fc.assert(
      fc.property(text, fc.nat(30), (pieces, max) => {
        const whole = pieces.join("");
        for (const cut of [startOf(whole, max), endOf(whole, max)]) {
          expect(cut.isWellFormed()).toBe(true);
          expect(cut.length).toBeLessThanOrEqual(max);
        }
        expect(endsOf(whole, max, () => "…").isWellFormed()).toBe(true);
        expect(withoutHalves(whole).isWellFormed()).toBe(true);
      }),
    );
    expect(startOf("🙂🙂", 3)).toBe("🙂");
    expect(endOf("🙂🙂", 3)).toBe("🙂");
  });

  test("is well-formed inside of values, which stay the same objects where they were", () => {
    expect(wellFormed({ a: ["\ud83d", { "\ude00": 1 }] })).toEqual({ a: ["\ufffd", { "\ufffd": 1 }] });
    const fine = { a: ["🙂", 1, null] };
    expect(wellFormed(fine)).toBe(fine);
  });

  test("of a command's output or a title has no half characters", async () => {
    const output = createCommandOutput(() => Promise.resolve(undefined));
    await output.add(`x${"🙂".repeat(100_000)}`);
    expect(output.text().isWellFormed()).toBe(true);
    expect(output.text()).not.toContain("\ufffd");
    expect(titleOf(`x${"🙂".repeat(100)}`).isWellFormed()).toBe(true);
  });
});
