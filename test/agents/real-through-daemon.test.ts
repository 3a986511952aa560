// The real goose and opencode through the built daemon: configured, probed, prompted, switched, accounted for.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Agent } from "../../src/protocol/agent.ts";
import type { UsageRow } from "../../src/protocol/usage.ts";
import { agentTools } from "../support/agent-model.ts";
import { eventually } from "../support/happenings.ts";
import { localConfig } from "../support/home.ts";
import { lastPrompt, type ModelRequest, say, sentText, startModelServer } from "../support/model-server.ts";
import { agentPath, findRealAgent, realAgentEnv, whyMissing } from "../support/real-agents.ts";
import { openWorld, type Terminal } from "../support/world.ts";

const AGENT_PATIENCE_MS = 90_000;
const names = ["goose", "opencode"] as const;
const missing = names.filter((name) => findRealAgent(name) === undefined);
for (const name of missing) process.stderr.write(`skipped: ${whyMissing(name)}\n`);

/** As `terminal.ask`, with the patience that the start of a real agent takes. */
async function ask(terminal: Terminal, text: string, agent: string) {
  const { run_id } = await terminal.prompt(text, { agent });
  const isOver = async () => !(await terminal.snapshot()).runs.some(({ id }) => id === run_id);
  await eventually(isOver, `the end of ${text}`, AGENT_PATIENCE_MS);
  return terminal.completed(run_id);
}

/** A daemon that has the agents configured, and the model behind them. */
async function openAgents() {
  const model = await startModelServer({ isStrict: false });
  onTestFinished(() => model.close());
  const seen: ModelRequest[] = [];
  const answers: Parameters<typeof model.enqueue> = [];
  const isReal = (request: ModelRequest) =>
    names.some((name) => JSON.stringify(request.body["tools"] ?? []).includes(agentTools[name].telltale));
  model.script((request, index) => {
    if (!isReal(request)) return say("A good title");
    seen.push(request);
    const next = answers.shift() ?? say("Done.");
    return typeof next === "function" ? next(request, index) : next;
  });
  const agents = Object.fromEntries(
    names.map((name) => {
      const real = findRealAgent(name) ?? expect.unreachable();
      const command = name === "opencode" ? [real.program] : [...real.command];
      return [name, { command, env: realAgentEnv(name, model.origin) }];
    }),
  );
  const world = await openWorld({
    config: (url) => ({ ...localConfig(url), agents }),
  });
  // The agents' Node must be a new one; HOME is the test's.
  const { HOME = "", TMPDIR = "", LOCAL_KEY = "" } = world.home.env;
  await world.openWorkspace(world.home.project, {
    PATH: agentPath(),
    HOME,
    TMPDIR,
    LOCAL_KEY,
    SHELL: "/bin/sh",
  });
  return { world, seen, answers, terminal: await world.terminal("only") };
}

describe.skipIf(missing.length > 0)("goose and opencode in one session", { timeout: 180_000 }, () => {
  test("each is probed, answers, is told what it missed once, comes back warm, and is accounted for", async () => {
    const { world, seen, answers, terminal } = await openAgents();
    for (const name of names) {
      const { agents } = await terminal.api.expect<{ agents: Agent[] }>(200, "GET", terminal.path("/agent"), {
        query: { probe: name },
      });
      const found = agents.find((agent) => agent.name === name);
      expect(found).toMatchObject({
        status: "ready",
        reason: null,
        backend: name === "goose" ? "acp" : "opencode",
      });
      expect(found?.models.length).toBeGreaterThan(0);
      expect(found?.modes.length).toBeGreaterThan(0);
    }

    const usage = { input: 1000, output: 20 };
    answers.push({ pieces: ["The heron is grey."], usage });
    expect(await ask(terminal, "Which color?", "goose")).toMatchObject({
      outcome: "end_turn",
      agent: "goose",
      text: "The heron is grey.",
    });
    answers.push({ pieces: ["It was grey."], usage });
    expect(await ask(terminal, "Say it again", "opencode")).toMatchObject({
      outcome: "end_turn",
      text: "It was grey.",
    });
    expect(sentText(seen.at(-1) ?? expect.unreachable())).toContain("The heron is grey.");
    answers.push({ pieces: ["Still grey."], usage });
    await ask(terminal, "And now?", "goose");
    const last = sentText(seen.at(-1) ?? expect.unreachable());
    // Its own turn it knows; the other's is told to it, once.
    expect(last.split("It was grey.").length).toBe(2);
    expect(lastPrompt(seen.at(-1) ?? expect.unreachable())).toContain("And now?");

    const { rows } = await terminal.api.expect<{ rows: UsageRow[] }>(200, "GET", "/v1/usage", {
      query: { by: "agent" },
    });
    expect(rows.map(({ key, runs }) => [key, runs]).sort()).toEqual([
      ["goose", 2],
      ["opencode", 1],
    ]);
    expect(rows.find(({ key }) => key === "opencode")?.usage).toMatchObject({
      input_tokens: 1000,
      output_tokens: 20,
    });
    const byModel = await terminal.api.expect<{ rows: UsageRow[] }>(200, "GET", "/v1/usage", {
      query: { by: "model" },
    });
    expect(byModel.rows.map(({ key }) => key)).toContain("fake/fake-model");
    expect((await terminal.messages()).map(({ role, agent }) => `${role} ${agent}`)).toEqual([
      ...["user goose", "assistant goose", "user opencode", "assistant opencode"],
      ...["user goose", "assistant goose"],
    ]);
    expect((await terminal.session()).title).toBe("A good title");
    expect(world.model.requests).toHaveLength(0);
  });

  test.for(names)("%s asks hearth before it writes, and a refusal writes nothing", async (name) => {
    const { world, answers, terminal } = await openAgents();
    // Its start may take longer than a terminal of the tests waits for an event.
    const asked = () =>
      eventually(async () => (await terminal.snapshot()).permissions[0], "a question", AGENT_PATIENCE_MS);
    const file = join(world.home.project, "new.txt");
    const tools = agentTools[name];
    answers.push(say(tools.write(file, "one\n")), say("Not written."));
    const { run_id } = await terminal.prompt("write it", { agent: name });
    const question = await asked();
    expect(question).toMatchObject({ agent: name, state: "open" });
    await terminal.answer(question, "deny", { message: "No." });
    expect((await terminal.completed(run_id)).outcome).toBe("end_turn");
    expect(existsSync(file)).toBe(false);

    answers.splice(0);
    answers.push(say(tools.write(file, "one\n")), say("Written."));
    const again = await terminal.prompt("write it after all", { agent: name });
    const second = await asked();
    await terminal.answer(second, "allow_once");
    expect(await terminal.completed(again.run_id)).toMatchObject({ outcome: "end_turn", text: "Written." });
    expect(existsSync(file)).toBe(true);
  });
});
