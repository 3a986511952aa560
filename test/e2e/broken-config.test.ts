// What works, and what says why it does not, beside a configuration with a mistake.
import { expect, test } from "vitest";
import { runHearth } from "../support/cli.ts";
import { openCliWorld, openWarmCliWorld } from "../support/cli-world.ts";
import { say } from "../support/model-server.ts";

test("with a broken configuration of one's own all works that needs no model, and the prompt says what is wrong", async () => {
  const { home } = await openCliWorld(() => '{ "model": 5 }');
  const sentence = '"model" must be text in double quotes';
  for (const args of [["sessions", "list"], ["agents", "list"], ["usage"], ["daemon", "status"]])
    expect([args, (await runHearth(home, args)).code]).toEqual([args, 0]);
  const run = await runHearth(home, ["run", "hello"]);
  expect([run.code, run.stderr]).toEqual([2, expect.stringContaining(sentence)]);
  const doctor = await runHearth(home, ["doctor", "--json"]);
  const findings = JSON.parse(doctor.stdout) as { name: string; status: string; text: string }[];
  expect(doctor.code).toBe(1);
  expect(findings.filter(({ text }) => text.includes(sentence)).map(({ name }) => name)).toEqual(["config"]);
  expect(findings.find(({ name }) => name === "daemon")?.status).toBe("ok");
});

test("a mistake in a project's configuration keeps nobody from working there", async () => {
  const { home, model } = await openWarmCliWorld();
  home.write(".hearth/hearth.jsonc", '{ "limits": { "max_steps": "many" } }');
  model.enqueue(say("Hello."));
  const run = await runHearth(home, ["run", "hello"]);
  expect([run.code, run.stdout]).toEqual([0, "Hello.\n"]);
  expect(run.stderr).toContain('"limits.max_steps" must be a number');
  expect((await runHearth(home, ["sessions", "list"])).code).toBe(0);
  const shown = await runHearth(home, ["config", "show"]);
  expect([shown.code, shown.stderr]).toEqual([0, expect.stringContaining("It is ignored.")]);
});
