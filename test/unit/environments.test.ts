import { expect, test } from "vitest";
import type { WorkspaceId } from "../../src/protocol/ids.ts";
import { createEnvironments } from "../../src/server/environments.ts";

const wid: WorkspaceId = `ws_${"0".repeat(32)}`;
const open = () =>
  createEnvironments(
    "/nowhere/hearth.jsonc",
    { PATH: "/daemon", OPENAI_API_KEY: "daemon" },
    (_, client) => client === "terminal",
  );

test("a key that a prompt brings reaches providers and no command", () => {
  const environments = open();
  environments.put(wid, "one", { PATH: "/one", ANTHROPIC_API_KEY: "opened" });
  const env = { OPENAI_API_KEY: "brought", MINE: "yes" };
  environments.takeKeys(wid, "one", env);
  expect(environments.forProviders(wid, "one")).toEqual({
    ANTHROPIC_API_KEY: "opened",
    OPENAI_API_KEY: "brought",
  });
  expect(environments.forTools(wid, "one", env)).toEqual({ PATH: "/one", MINE: "yes" });
});

test("a client that never opened the workspace may bring its key, and its commands run as those of the others", () => {
  const environments = open();
  environments.put(wid, "one", { PATH: "/one" });
  environments.takeKeys(wid, "script", { OPENAI_API_KEY: "brought" });
  expect(environments.forProviders(wid, "script")).toEqual({ OPENAI_API_KEY: "brought" });
  expect(environments.forTools(wid, "script", undefined)).toEqual({ PATH: "/one" });
});

test("of clients that have long gone nothing is kept, of those still here all", () => {
  const environments = open();
  environments.put(wid, "terminal", { PATH: "/terminal" });
  environments.put(wid, "first", { PATH: "/first", XAI_API_KEY: "first" });
  for (let index = 0; index < 100; index += 1) environments.put(wid, `run ${index}`, { PATH: `/${index}` });
  expect(environments.forProviders(wid, null)).toEqual({ OPENAI_API_KEY: "daemon" });
  expect(environments.forTools(wid, "run 99", undefined)).toEqual({ PATH: "/99" });
  expect(environments.forTools(wid, "terminal", undefined)).toEqual({ PATH: "/terminal" });
});
