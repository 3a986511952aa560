// design.md §9: `--disposable` allows everything, says so, and leaves nothing running.
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { runHearth, startHearth } from "../support/cli.ts";
import { openCliWorld } from "../support/cli-world.ts";
import { eventually } from "../support/happenings.ts";
import { localConfig } from "../support/home.ts";
import { say, silence } from "../support/model-server.ts";
import { processesOf } from "../support/processes.ts";

test("a disposable run does what every mode would ask about, says so, and takes its daemon with it", async () => {
  const { home, model } = await openCliWorld((baseUrl) => ({
    ...localConfig(baseUrl),
    limits: { max_steps: 2 },
    permissions: { deny: ["bash(touch *)"] },
  }));
  const call = (command: string) => say({ call: "bash", input: { command } });
  model.enqueue(
    say({ call: "write", input: { path: ".git/hooks/pre-commit", content: "x" } }),
    call("touch one"),
    call(`echo two >> ${home.env["HOME"]}/.bashrc`),
    say("Done."),
  );
  const result = await runHearth(home, ["run", "--disposable", "do it all"]);
  expect(result).toMatchObject({ code: 0, stdout: "Done.\n" });
  expect(result.stderr.match(/^hearth: --disposable: .*$/gm)).toHaveLength(1);
  for (const path of [".git/hooks/pre-commit", "one", "../user/.bashrc"])
    expect(existsSync(join(home.project, path)), path).toBe(true);
  expect(processesOf(dirname(home.dir))).toEqual([]);
  expect(readdirSync(home.env["TMPDIR"] ?? "").filter((name) => /disposable/.test(name))).toEqual([]);
  expect(existsSync(home.database)).toBe(false);
});

test("a disposable run that is killed leaves no daemon behind, and takes no session of yours", async () => {
  const { home, model } = await openCliWorld();
  model.enqueue(silence());
  const run = startHearth(home, ["run", "--disposable", "wait"]);
  await model.request(0);
  run.kill("SIGKILL");
  await run.result;
  await eventually(() => processesOf(dirname(home.dir)).length === 0, "the end of the daemon");
  const refused = await runHearth(home, ["run", "--disposable", "--continue", "again"]);
  expect(refused).toMatchObject({
    code: 2,
    stderr: expect.stringContaining("--disposable does not go with"),
  });
});
