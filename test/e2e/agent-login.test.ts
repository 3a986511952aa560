// `hearth agents login`, with an agent that offers several ways (issue: agents from the public registry).
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { runHearth } from "../support/cli.ts";
import { openWarmCliWorld } from "../support/cli-world.ts";
import { localConfig } from "../support/home.ts";
import { startScriptedAcp } from "../support/scripted-acp.ts";

test("a login is the agent's own or a program in the terminal; the next prompt finds an agent that knows of it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "login-"));
  const acp = await startScriptedAcp(folder);
  onTestFinished(async () => {
    await acp.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const { home } = await openWarmCliWorld((baseUrl) => ({
    ...localConfig(baseUrl),
    agents: { mine: { command: acp.command, env: { ...acp.env, LOGIN_AT: "example.org" } } },
  }));
  const login = (...args: string[]) => runHearth(home, ["agents", "login", "mine", ...args]);
  const refused = { error: { code: -32000, message: "Authentication required" } };
  acp.everyStart({
    authMethods: [
      { id: "key", name: "A key", description: "from \u001b[31mITS_KEY" },
      { id: "web", name: "In the terminal", type: "terminal", args: ["--login"], env: { MORE: "1" } },
      { id: "dead", name: "Another", type: "terminal", args: ["--login"], env: { LOGIN_AT: "" } },
    ],
    answers: { "session/new": refused },
  });

  const out = await runHearth(home, ["run", "--agent", "mine", "hello"]);
  expect([out.code, out.stderr]).toEqual([3, expect.stringContaining("hearth agents login mine")]);
  const several = await login();
  expect([several.code, several.stderr]).toEqual([
    2,
    expect.stringMatching(/choose one with --method:\n {2}1 {2}A key: from ITS_KEY {2}\(--method key\)\n/),
  ]);
  const still = await login("--method", "key");
  expect([still.code, still.stdout]).toEqual([3, expect.stringContaining("mine cannot be used yet: ")]);
  expect(acp.count("authenticate")).toBe(1);

  // One that was started before the login is asked no more.
  const before = acp.pids().length;
  acp.everyStart({ authMethods: [{ id: "web", name: "Web", type: "terminal", args: ["--login"] }] });
  const done = await login("--method", "web");
  expect([done.code, done.stdout]).toEqual([0, "logging in at example.org\nmine is logged in and ready.\n"]);
  expect(done.stderr).toContain("hearth: runs ");
  expect(acp.pids().length).toBeGreaterThan(before);
  acp.nextTurn({ deeds: [{ do: "say", texts: ["Here I am."] }] });
  expect((await runHearth(home, ["run", "--agent", "mine", "hello"])).stdout).toBe("Here I am.\n");

  const own = await runHearth(home, ["agents", "login", "hearth"]);
  expect([own.code, own.stderr]).toEqual([2, expect.stringContaining("`hearth login PROVIDER`")]);
  const unknown = await login("--method", "nothing");
  expect([unknown.code, unknown.stderr]).toEqual([2, expect.stringContaining('mine has no login "nothing"')]);
});
