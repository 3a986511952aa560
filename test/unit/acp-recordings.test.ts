import { describe, expect, test } from "vitest";
import { createMeter } from "../../src/agent/acp/meter.ts";
import { permissionRequests } from "../../src/agent/acp/permission.ts";
import { mergeCall } from "../../src/agent/acp/tool-call.ts";
import { at, type Wire, wireOf } from "../../src/agent/acp/wire.ts";
import { choicesIn, readRecording, tellTurn } from "../support/acp-recording.ts";

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

test.each(["opencode", "qwen"])("a plan that %s keeps with a tool of its own is a plan", (agent) => {
  expect(tellTurn(readRecording(agent, "plan")).plan).toEqual([
    { content: "Look", status: "in_progress" },
    { content: "Change", status: "pending" },
  ]);
});
