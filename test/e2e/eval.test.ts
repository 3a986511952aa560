import { resolve } from "node:path";
import { expect, test } from "vitest";
import { runHearth } from "../support/cli.ts";
import { openCliWorld } from "../support/cli-world.ts";
import { say } from "../support/model-server.ts";

const evaluate = { launcher: resolve(import.meta.dirname, "../../eval/run.ts") };

test("npm run eval reports what a model solved, and how", async () => {
  const { home, model } = await openCliWorld();
  const read = { call: "read", input: { path: "src/pages.js" } } as const;
  const edit = (from: string) =>
    ({ call: "edit", input: { path: "src/pages.js", old_string: from, new_string: "Math.ceil(" } }) as const;
  model.enqueue(say(read), say(edit("Math.flour(")), say(edit("Math.floor(")), say("Fixed."));
  const solved = await runHearth(home, ["--task", "last-page", "--json"], evaluate);
  expect(JSON.parse(solved.stdout).results).toMatchObject([
    {
      ...{ task: "last-page", isSolved: true, outcome: "end_turn", steps: 4, toolCalls: 3 },
      ...{ failedCalls: 1, edits: 2, firstTryEdits: 0 },
    },
  ]);
  model.enqueue(say("I would not know."));
  const failed = await runHearth(home, ["--task", "last-page"], evaluate);
  expect(failed).toMatchObject({
    code: 0,
    stderr: expect.stringContaining("last-page: not solved, 1 steps"),
  });
  expect(failed.stdout).toContain("solved 0 of 1 (0 %)");
  expect(await runHearth(home, ["--suite", "none"], evaluate)).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^eval: there is no suite none/),
  });
});
