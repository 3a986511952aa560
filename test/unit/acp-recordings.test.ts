import { describe, expect, test } from "vitest";
import { requestFailure, runErrorOf } from "../../src/agent/acp/failure.ts";
import { applyUpdate, noOptions } from "../../src/agent/acp/session/agent-options.ts";
import { createMeter } from "../../src/agent/acp/session/meter.ts";
import { permissionRequests } from "../../src/agent/acp/turn/permission.ts";
import { mergeCall } from "../../src/agent/acp/turn/tool-call.ts";
import { at, type Wire, wireOf } from "../../src/agent/acp/wire.ts";
import {
  answerTo,
  choicesIn,
  type Recording,
  readRecording,
  scenesOf,
  tellTurn,
  updatesIn,
} from "../support/acp-recording.ts";

const lastParams = ({ lines }: Recording, method: string): Wire | undefined => {
  const asked = lines.findLast(([from, said]) => from === "client" && said["method"] === method);
  return asked && wireOf(asked[1]["params"]);
};

const agents = ["goose", "qwen", "opencode", "claude", "codex", "gemini"] as const;

describe.each(agents)("what %s says", (agent) => {
  const told = (scene: string, more?: Parameters<typeof tellTurn>[1]) =>
    tellTurn(readRecording(agent, scene), more);

  test("is text and reasoning in one step", () => {
    const { text, reasoning, calls, steps } = told("text");
    expect(text).toBe("Hello there.");
    expect(reasoning).toContain("The user greets.");
    expect(calls).toEqual([]);
    expect(steps).toMatchObject([{ finish: "end_turn", input: 1000, output: 20 }]);
  });

  test("counts each turn for itself, whatever form the figures have", () => {
    const meter = createMeter("turn");
    meter.start(null);
    const [first] = told("text", { meter }).steps;
    const [second] = told("text-again", { meter }).steps;
    expect(first).toMatchObject({ input: 1000, output: 20 });
    expect(second).toMatchObject({ input: 1200, output: 30 });
    // Claude tells the cost of the whole conversation each time.
    if (agent !== "claude") return;
    const amounts = readRecording(agent, "text-again").lines.flatMap(
      ([, said]) => at(said, "params", "update", "cost", "amount") ?? [],
    );
    expect(first?.cost).toBeGreaterThan(0);
    expect((first?.cost ?? 0) + (second?.cost ?? 0)).toBeCloseTo(Number(amounts.at(-1)), 10);
    expect(second?.cost).toBeLessThan(Number(amounts.at(-1)));
  });

  test("is a written file, by its path, with its diff", () => {
    const { text, calls, steps } = told("write");
    expect(text).toBe("I write it.Written.");
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatchObject({ kind: "edit", title: "new.txt", status: "completed" });
    expect(calls[0]?.view).toMatchObject({
      ...{
        kind: "diff",
        path: "new.txt",
        additions: 2,
        deletions: 0,
        unified: "@@ -0,0 +1,2 @@\n+one\n+two",
      },
    });
    expect(steps.map(({ finish }) => finish)).toEqual(["tool_use", "end_turn"]);
  });

  test("is an edit that takes a line and gives another", () => {
    const { calls } = told("edit");
    expect(calls.map(({ kind, title, status }) => ({ kind, title, status }))).toEqual([
      { kind: "read", title: "new.txt", status: "completed" },
      { kind: "edit", title: "new.txt", status: "completed" },
    ]);
    expect(calls[1]?.view).toMatchObject({ kind: "diff", additions: 1, deletions: 1 });
    expect(JSON.stringify(calls[1]?.view)).toContain("+three");
  });

  test("is a command by its line, with what it put out and how it ended", () => {
    const { calls } = told("shell");
    const [call] = calls;
    expect(call).toMatchObject({ kind: "execute", title: "echo out; echo err >&2; exit 3" });
    // opencode and gemini call a command that failed completed; goose's runs in a terminal of ours.
    expect(call?.status).toBe(agent === "opencode" || agent === "gemini" ? "completed" : "failed");
    if (agent === "goose") return;
    if (agent === "gemini") {
      // It tells neither output nor exit code: none is made up.
      expect(call?.view).toMatchObject({ kind: "command", exit_code: null });
      return;
    }
    expect(call?.output.trim()).toMatch(/out\nerr$/);
    expect(call?.view).toMatchObject({
      kind: "command",
      exit_code: 3,
      command: "echo out; echo err >&2; exit 3",
    });
  });

  test("is asked for in words that rules understand", () => {
    const asked = (scene: string) => {
      const { lines } = readRecording(agent, scene);
      let call: ReturnType<typeof mergeCall> | undefined;
      for (const [, said] of lines) {
        const isAsk = said["method"] === "session/request_permission";
        const one: Wire = wireOf(isAsk ? at(said, "params", "toolCall") : at(said, "params", "update"));
        if (typeof one["toolCallId"] !== "string") continue;
        call = mergeCall(call, one["toolCallId"], one, 0);
        if (isAsk) return permissionRequests(call, "/project", new Map());
      }
      throw new Error("it never asked");
    };
    expect(asked("shell")).toMatchObject([
      {
        tool: "bash",
        kind: "execute",
        subject: { type: "command", command: "echo out; echo err >&2; exit 3", cwd: "/project" },
      },
    ]);
    expect(asked("write")).toMatchObject([
      {
        tool: "edit",
        kind: "edit",
        title: "new.txt",
        subject: { type: "path", access: "write", path: "/project/new.txt" },
      },
    ]);
  });

  test("is a denied call, however the agent puts it", () => {
    const { calls } = told("deny", { deny: true });
    expect(calls).toMatchObject([{ kind: "execute", title: "touch denied.txt", status: "denied" }]);
  });

  test.each(["cancel-text", "cancel-permission", "cancel-shell"])(
    "ends without an error after %s",
    (scene) => {
      const { events } = told(scene);
      expect(events.filter(({ type }) => type === "notice")).toEqual([]);
    },
  );

  test("tells its title apart from its words", () => {
    const titles = updatesIn(readRecording(agent, "text"))
      .filter((update) => update["sessionUpdate"] === "session_info_update")
      .flatMap(({ title }) => title ?? []);
    const tells = { goose: "A title", claude: "Say hello", codex: "Say hello" } as Record<string, string>;
    expect(titles).toEqual(tells[agent] === undefined ? [] : expect.arrayContaining([tells[agent]]));
    expect(told("text").text).toBe("Hello there.");
  });

  test("names its commands, where it has any", () => {
    const choices = updatesIn(readRecording(agent, "open")).reduce(applyUpdate, noOptions);
    if (agent === "goose") expect(choices.commands).toEqual([]);
    else expect(choices.commands.every(({ name }) => /^\S+( \S+)*$/.test(name))).toBe(true);
    if (agent !== "goose") expect(choices.commands.length).toBeGreaterThan(0);
  });

  test("says which model it uses from then on when it is told another", () => {
    const recording = readRecording(agent, "model");
    const wanted = lastParams(recording, "session/set_config_option")?.["value"];
    // gemini says nothing to that: what it was asked for is what it is.
    if (agent === "gemini") {
      expect(answerTo(recording, "session/set_model")).toMatchObject({ result: {} });
      return;
    }
    const configOptions = at(answerTo(recording, "session/set_config_option"), "result", "configOptions");
    const next = applyUpdate(noOptions, { sessionUpdate: "config_option_update", configOptions });
    expect(next.model).toBe(wanted);
  });

  test.each(scenesOf(agent).filter((scene) => scene !== "open"))("makes a whole turn of %s", (scene) => {
    const { calls, steps, events } = told(scene);
    for (const call of calls) {
      expect(call.title).not.toBe("");
      expect(["pending", "running", "completed", "failed"]).toContain(call.status);
      if (!scene.startsWith("cancel") && scene !== "deny")
        expect(["completed", "failed"]).toContain(call.status);
    }
    const begun = events.filter(({ type }) => type === "step_started").length;
    const wasAnswered = answerTo(readRecording(agent, scene), "session/prompt")?.["result"] !== undefined;
    if (wasAnswered) expect(steps).toHaveLength(begun);
    if (wasAnswered && !scene.startsWith("cancel"))
      expect(steps.reduce((sum, { input, output }) => sum + input + output, 0)).toBeGreaterThan(0);
  });

  test("offers models, and modes where it has them", () => {
    const { models, model, modes, mode, modelOption } = choicesIn(readRecording(agent, "open"));
    expect(models.length).toBeGreaterThan(0);
    expect(model).not.toBeNull();
    expect(modelOption).toBe(agent === "gemini" ? null : "model");
    expect(modes.map(({ id }) => id)).toContain(mode);
    expect(modes.length).toBeGreaterThan(1);
  });

  // gemini's is never loaded: it is told again in the middle of the next turn.
  if (agent !== "gemini")
    test("of an old conversation that is loaded is not in the first turn after it", () => {
      const { text, calls } = told("load");
      expect(text).toBe("Here again.");
      expect(calls).toEqual([]);
    });
});

test.each(["qwen", "opencode", "gemini"])(
  "a key that %s's provider refuses is one clear sentence",
  (agent) => {
    const error = wireOf(answerTo(readRecording(agent, "error"), "session/prompt")?.["error"]);
    const failure = requestFailure(
      Object.assign(new Error(String(error["message"])), {
        ...{ name: "RequestError", code: error["code"], data: error["data"] },
      }),
    );
    expect(failure && runErrorOf(agent, "its login", failure)).toMatchObject({
      code: "provider_auth",
      message: expect.stringMatching(
        new RegExp(
          `^${agent} is not logged in, or its provider refused it: (401 )?Incorrect API key provided\\. To log in: its login\\.$`,
        ),
      ),
    });
  },
);

test.each(["opencode", "qwen"])("a plan that %s keeps with a tool of its own is a plan", (agent) => {
  expect(tellTurn(readRecording(agent, "plan")).plan).toEqual([
    { content: "Look", status: "in_progress" },
    { content: "Change", status: "pending" },
  ]);
});
