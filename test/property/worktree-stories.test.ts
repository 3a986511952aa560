import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { HearthError } from "../../src/protocol/errors.ts";
import { openWorktreeWorld, type WorktreeWorld, writeAll } from "../support/worktree-world.ts";

/** Files that are committed, and one that both sides may come to make. */
const files = ["a.txt", "d/b.txt", "both.txt"] as const;
const LINES = 12;
const line = fc.integer({ min: 0, max: LINES / 2 - 1 });
const edit = fc.record({ file: fc.constantFrom(...files), line });
const event = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom("turn" as const, "by_hand" as const), edit }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom("apply" as const, "reject" as const, "revert" as const),
      which: fc.integer({ min: 0, max: 7 }),
      resolve: fc.constantFrom(undefined, "ours" as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("restart" as const) }) },
);

const state = (world: WorktreeWorld): Record<string, string> =>
  Object.fromEntries(
    files.flatMap((name) => (existsSync(join(world.top, name)) ? [[name, world.read(name)]] : [])),
  );

/** The agent and the person each have every other line, so that none of them takes the other's away. */
function write(folder: string, name: string, at: number, isHand: boolean, text: string) {
  const path = join(folder, name);
  const old = existsSync(path) ? readFileSync(path, "utf8").split("\n") : [];
  const lines = Array.from({ length: LINES }, (_, index) => old[index] ?? `${name} ${index}`);
  lines[2 * at + (isHand ? 1 : 0)] = text;
  writeAll(folder, { [name]: `${lines.slice(0, LINES).join("\n")}\n` });
}

test("whatever turns, hands and decisions do, a set is written whole or not at all, and no line of the person's is lost", async () => {
  const numbered = (name: string) =>
    `${Array.from({ length: LINES }, (_, at) => `${name} ${at}`).join("\n")}\n`;
  await fc.assert(
    fc.asyncProperty(fc.array(event, { minLength: 5, maxLength: 12 }), async (story) => {
      const world = openWorktreeWorld({ "a.txt": numbered("a.txt"), "d/b.txt": numbered("d/b.txt") });
      try {
        await world.ready();
        /** The person's last line at each place. */
        const byHand = new Map<string, string>();
        for (const [at, one] of story.entries()) {
          if (one.do === "restart") await world.restart();
          else if (one.do === "turn")
            await world.turn((folder) => write(folder, one.edit.file, one.edit.line, false, `turn ${at}`));
          else if (one.do === "by_hand") {
            write(world.top, one.edit.file, one.edit.line, true, `hand ${at}`);
            byHand.set(`${one.edit.file} ${one.edit.line}`, `hand ${at}`);
          } else if ("which" in one) {
            const from = one.do === "revert" ? "applied" : "pending";
            const rows = (await world.list(from)).filter((_, index) => one.which & (1 << index));
            const ids = rows.map(({ id }) => id);
            const before = state(world);
            try {
              if (one.do === "reject") await world.services.reject(world.wid, ids);
              else await world.services[one.do](world.wid, ids, one.resolve);
              const now = await world.list(undefined);
              const decided = { apply: "applied", reject: "rejected", revert: "reverted" } as const;
              for (const id of ids)
                expect(now.find((row) => row.id === id)?.state ?? decided[one.do]).toBe(decided[one.do]);
              if (one.do === "reject") expect(state(world)).toEqual(before);
            } catch (error) {
              if (!(error instanceof HearthError) || error.code !== "conflict") throw error;
              expect(state(world)).toEqual(before);
            }
          }
          for (const [place, text] of byHand) {
            const [file = "", line = ""] = place.split(" ");
            expect([place, world.read(file).split("\n")[2 * Number(line) + 1]]).toEqual([place, text]);
          }
        }
        expect(readdirSync(world.top).filter((name) => name.includes(".hearth"))).toEqual([]);
        expect(world.logged.filter((line) => line.startsWith("error"))).toEqual([]);
      } finally {
        await world.close();
      }
    }),
    { numRuns: 5, endOnFailure: true },
  );
}, 240_000);
