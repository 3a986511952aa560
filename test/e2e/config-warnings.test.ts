// What of the configuration is ignored is said where a person is: in the terminal, and beside a script's answer.
import { expect, test } from "vitest";
import { runHearth } from "../support/cli.ts";
import { openWarmCliWorld } from "../support/cli-world.ts";
import { localConfig } from "../support/home.ts";
import { say } from "../support/model-server.ts";
import { isConnected, openTestPty } from "../support/test-pty.ts";
import { openWorld } from "../support/world.ts";

const mistyped = (url: string) => JSON.stringify({ ...localConfig(url), modle: "local/big" });
const warning = /unknown key "modle"|"modle"/;

test("hearth run says it on stderr, also where that is no terminal, and the answer stays clean", async () => {
  const { home, model } = await openWarmCliWorld();
  home.config(mistyped(model.baseUrl));
  model.enqueue(say("Hello."));
  const { code, stdout, stderr } = await runHearth(home, ["run", "hello"]);
  expect([code, stdout]).toEqual([0, "Hello.\n"]);
  expect(stderr).toMatch(warning);
  expect(stderr.trimEnd().split("\n")).toHaveLength(1);
});

test("the terminal says it once, when it attaches", async () => {
  const world = await openWorld({ config: mistyped });
  const pty = openTestPty(world, { columns: 100 });
  await pty.until((text) => isConnected(text) && warning.test(text), "the warning");
  world.model.enqueue(say("Hello."));
  pty.type("hello\r");
  await pty.until((text) => text.includes("● Hello.") && !text.includes("Working"), "the answer");
  expect(pty.text().match(/"modle"/g)).toHaveLength(1);
});
