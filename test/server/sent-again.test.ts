// What was sent once is sent again as it was, also by the daemon after the one that sent it: providers keep it in their caches.
import { expect, test } from "vitest";
import type { Config } from "../../src/protocol/config.ts";
import { localConfig } from "../support/home.ts";
import { type ModelRequest, say } from "../support/model-server.ts";
import { openWorld } from "../support/world.ts";

type Wire = {
  name: string;
  config(baseUrl: string): Config;
  /** Where the conversation is in a request, and what stands before it. */
  list: string;
  system?: string;
  /** Only OpenAI's own address speaks its own wire: the server is a proxy for it. */
  isProxied?: boolean;
};
const wires: Wire[] = [
  { name: "chat", config: (baseUrl) => localConfig(baseUrl), list: "messages" },
  { name: "anthropic", config: (baseUrl) => localConfig(baseUrl, "anthropic"), list: "messages" },
  {
    name: "google",
    config: (baseUrl) => localConfig(baseUrl.replace(/\/v1$/, "/v1beta"), "google"),
    list: "contents",
    system: "systemInstruction",
  },
  {
    name: "responses",
    config: () => localConfig("http://api.openai.com/v1", "openai"),
    list: "input",
    system: "instructions",
    isProxied: true,
  },
];

/** Breakpoints for the provider's cache move on with the conversation; they are no part of what is said. */
const said = (item: unknown): string => JSON.stringify(item).replaceAll(/,?"cache_control":\{[^}]*\}/g, "");
const listed = ({ body }: ModelRequest, list: string): string[] => (body[list] as unknown[]).map(said);

test.each(
  wires.flatMap((wire) => [
    { ...wire, how: "kill" as const },
    { ...wire, how: "stop" as const },
  ]),
)(
  "after a $how of the daemon a request on the $name wire begins with the bytes of the one before",
  async ({ config, list, system = "system", isProxied = false, how }) => {
    const world = await openWorld({
      config,
      isProxied,
      session: { mode: "yolo" },
      prepare: (home) => {
        home.write("AGENTS.md", "Be brief.\n");
        home.write("part/AGENTS.md", "Be briefer.\n");
        home.write("part/a.txt", "alpha\n");
      },
    });
    const first = await world.terminal("first");
    const call = { call: "read", input: { path: "part/a.txt" } };
    world.model.enqueue(say({ reasoning: "Hm." }, "I read.", call), say(""), say("Read it."));
    await first.ask("read");
    const before = world.model.requests.at(-1) as ModelRequest;
    await world[how]();
    world.home.write("AGENTS.md", "Something else.\n");
    await world.restart();
    const second = await world.terminal("second");
    await second.ask("again");
    const after = world.model.requests.at(-1) as ModelRequest;
    const sent = listed(before, list);
    expect(listed(after, list).slice(0, sent.length)).toEqual(sent);
    expect(sent.length).toBeGreaterThan(2);
    expect(sent.join("")).toContain("Be briefer.");
    expect(sent.join("")).toContain("Your last answer was empty.");
    expect(said(after.body["tools"])).toBe(said(before.body["tools"]));
    expect(said(after.body[system] ?? null)).toBe(said(before.body[system] ?? null));
  },
);
