// What the command line makes of half a command: groups alone, and a shell's Tab.
import { expect, test } from "vitest";
import { runHearth } from "../support/cli.ts";
import { openCliWorld, openWarmCliWorld } from "../support/cli-world.ts";
import { say } from "../support/model-server.ts";

test("Tab offers sessions, models and agents of a daemon that runs, and starts none", async () => {
  const { home, model } = await openCliWorld();
  const tab = async (...words: string[]) =>
    (await runHearth(home, ["completion", "words", "--", ...words])).stdout.split("\n").filter(Boolean);
  expect(await tab("sessions", "show", "ses_")).toEqual([]);
  expect((await runHearth(home, ["daemon"])).code).toBe(5);
  model.enqueue(say("Hello."));
  await runHearth(home, ["run", "hello"]);
  const listed = await runHearth(home, ["sessions", "--json"]);
  const [session] = JSON.parse(listed.stdout) as { id: string }[];
  expect(await tab("sessions", "show", "ses_")).toEqual([session?.id]);
  expect(await tab("run", "--session", "")).toEqual([session?.id]);
  expect(await tab("run", "--model", "local/b")).toEqual(["local/big"]);
  expect(await tab("--agent", "hea")).toEqual(["hearth"]);
  expect(await tab("agents", "probe", "hea")).toEqual(["hearth"]);
});

test("the demo's made-up tokens are not in what was used", async () => {
  const { home } = await openWarmCliWorld(() => undefined);
  expect((await runHearth(home, ["run", "hello"], { env: { LOCAL_KEY: undefined } })).code).toBe(0);
  expect((await runHearth(home, ["usage"])).stdout).toBe("Nothing has been used yet.\n");
});
