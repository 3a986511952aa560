// `hearth arena` and `hearth task`, built and run as a script would run them (design.md §11).
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Task } from "../../src/protocol/task.ts";
import { runHearth } from "../support/cli.ts";
import { openWarmCliWorld } from "../support/cli-world.ts";
import { lastPrompt, refuse, say, sentText, toolResults } from "../support/model-server.ts";
import { gitIn, writeAll } from "../support/worktree-world.ts";

const inPlace = ["--isolation", "in_place"];

test("task run prints the answer, with --json the whole result, and one for each line of a file", async () => {
  const { home, model } = await openWarmCliWorld();
  model.script((request) =>
    lastPrompt(request) === "fail" ? refuse(400, "No.") : say(`To ${lastPrompt(request)}.`),
  );
  const plain = await runHearth(home, ["task", "run", ...inPlace, "hello"]);
  expect(plain).toMatchObject({ code: 0, stdout: "To hello.\n" });
  expect(plain.stderr).toContain("hearth: done, no files, $0.");

  const prompts = join(home.dir, "prompts.txt");
  writeFileSync(prompts, "# first\none\n\ntwo\nfail\n");
  const each = await runHearth(home, [
    "task",
    "run",
    ...inPlace,
    "--each",
    prompts,
    "--max-parallel",
    "1",
    "--json",
  ]);
  const ended = each.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Task);
  expect(ended).toMatchObject([
    { prompt: "one", state: "completed", entries: [{ outcome: "end_turn", text: "To one.", patch: null }] },
    { prompt: "two", entries: [{ text: "To two." }] },
    { prompt: "fail", entries: [{ outcome: "error" }] },
  ]);
  expect(each.code).not.toBe(0);
  expect((await runHearth(home, ["task", "run", ...inPlace, "--agent", "nobody", "hi"])).code).toBe(3);

  // A headless run says at once that no model answers.
  const demo = await runHearth(home, ["task", "run", ...inPlace, "--agent", "hearth@demo", "hi"]);
  expect(demo.stderr).toContain("the built-in demo answers");

  model.script(() => say("On it.", { stop: "hang" }));
  const detached = await runHearth(home, ["task", "run", ...inPlace, "--detach", "long"]);
  const id = detached.stdout.trim();
  expect(id).toMatch(/^tsk_/);
  await model.requestSaying("long");
  expect((await runHearth(home, ["task", "cancel", id])).code).toBe(0);
  const shown = JSON.parse(
    (await runHearth(home, ["task", "show", id.slice(0, 12), "--json"])).stdout,
  ) as Task;
  expect(shown.entries).toMatchObject([{ outcome: "canceled" }]);
  expect((await runHearth(home, ["task", "list"])).stdout.split("\n")[1]).toContain(`${id}  completed`);
  expect((await runHearth(home, ["sessions", "list"])).stdout).toContain("There are no sessions");
});

test("arena: worktrees from one state, a check, a judge who saw no names, and the best result in the directory", async () => {
  const { home, model } = await openWarmCliWorld();
  const git = gitIn(home.project);
  git("init", "-q", "-b", "main");
  writeAll(home.project, { "a.txt": "one\n" });
  git("add", "-A");
  git("commit", "-q", "-m", "first");
  writeAll(home.project, { "a.txt": "not committed\n" });
  model.script((request) => {
    if (!sentText(request).includes("You are a judge"))
      return toolResults(request).length === 0
        ? say({
            call: "write",
            input: { path: `${lastPrompt(request)}.txt`, content: `${request.body.model}\n` },
          })
        : say("Written.");
    const [small = ""] = lastPrompt(request)
      .split("## Result ")
      .filter((part) => part.includes("+small"));
    const letter = small.slice(0, 1);
    const ranking = [letter, letter === "A" ? "B" : "A"].map((result) => ({
      result,
      reason: `because of ${result}`,
    }));
    return say(`Well. ${JSON.stringify({ ranking })}`);
  });
  const args = [
    "--agents",
    "hearth,hearth@local/small",
    "--judge",
    "local/big",
    "--permission-mode",
    "accept_edits",
  ];
  const check = ["--check", 'test "$(cat a.txt)" = "not committed" && test -s name.txt'];
  const result = await runHearth(home, ["arena", ...args, ...check, "--apply", "best", "--discard", "name"]);
  expect(result).toMatchObject({
    code: 0,
    stderr: expect.stringContaining("Applied 1 file of hearth@local/small."),
  });
  const [head, first, second, best] = result.stdout.split("\n");
  expect(head).toMatch(/AGENT +STATE +CHANGES +CHECK +COST +TIME +SESSION/);
  expect(first).toMatch(/^2\. +hearth +done +1 file \+1 −0 +passed/);
  expect(second).toMatch(/^1\. +hearth@local\/small +done +1 file \+1 −0 +passed/);
  expect(best).toMatch(/^1\. hearth@local\/small: because of [AB]$/);
  expect(readFileSync(join(home.project, "name.txt"), "utf8")).toBe("small\n");
  expect(readFileSync(join(home.project, "a.txt"), "utf8")).toBe("not committed\n");
  // A task leaves a patch, and with --discard nothing else: the winner's worktree is the only one.
  const once = await runHearth(home, [
    "task",
    "run",
    "--json",
    "--discard",
    "--permission-mode",
    "yolo",
    "again",
  ]);
  const { entries } = JSON.parse(once.stdout) as { entries: { patch: string }[] };
  expect(entries[0]?.patch).toMatch(/^diff --git a\/again\.txt b\/again\.txt\n[\s\S]*\+big\n/);
  await expect.poll(() => git("worktree", "list").trimEnd().split("\n").length).toBe(2);
  const asked = model.requests.filter((request) => sentText(request).includes("You are a judge"));
  expect(sentText(asked[0] as (typeof asked)[0])).not.toContain("local/small");
});
