import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readDecision } from "../../src/agent/hooks/decision.ts";
import { createHooks } from "../../src/agent/hooks/hooks.ts";
import { createProcessSupervisor } from "../../src/agent/process/supervisor.ts";
import type { HooksConfig } from "../../src/protocol/config.ts";

const command = (line: string, more: object = {}) => ({ type: "command" as const, command: line, ...more });
const turn = { mode: "ask", env: { PATH: process.env["PATH"] ?? "", HEARTH_HOME: "hidden" } };
const never = new AbortController().signal;

function openHooks(config: HooksConfig) {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "hearth-hooks-")));
  const processes = createProcessSupervisor({ recordDir: join(root, ".run"), killAfterMs: 200 });
  onTestFinished(async () => {
    await processes.close();
    rmSync(root, { recursive: true });
  });
  return { root, hooks: createHooks({ sessionId: "ses_1", root, processes, rules: () => [config] }) };
}

test("a hook gets Claude Code's input and names, and refuses with exit code 2", async () => {
  const { root, hooks } = openHooks({
    PreToolUse: [
      {
        matcher: "Edit|Write",
        hooks: [command('cat > "$CLAUDE_PROJECT_DIR/input.json"; echo "not here" >&2; exit 2')],
      },
      { matcher: "mcp__.*", hooks: [command("exit 2")] },
      { matcher: "[broken", hooks: [command("exit 2")] },
    ],
  });
  expect(await hooks.beforeTool("edit", { path: "a.txt", old: "x" }, turn, never)).toEqual({
    blocks: "not here",
  });
  expect(JSON.parse(readFileSync(join(root, "input.json"), "utf8"))).toEqual({
    ...{ session_id: "ses_1", transcript_path: "", cwd: root, hook_event_name: "PreToolUse" },
    ...{ permission_mode: "default", tool_name: "Edit" },
    tool_input: { path: "a.txt", old: "x", file_path: join(root, "a.txt") },
  });
  expect(await hooks.beforeTool("bash", { command: "ls" }, turn, never)).toEqual({});
  expect(await hooks.beforeTool("mcp__a__b", {}, turn, never)).toEqual({ blocks: "no reason was given" });
});

test("a hook that fails, hangs or prints megabytes is a sentence, and stops nothing", async () => {
  const { hooks } = openHooks({
    PostToolUse: [
      { hooks: [command("head -c 10000000 /dev/zero | tr '\\0' x"), command("echo sad >&2; exit 3")] },
      {
        matcher: "Bash",
        hooks: [command("sleep 1000 & wait", { timeout: 0.3 }), command("kill -9 $$")],
      },
    ],
  });
  const seen = await hooks.afterTool("bash", { command: "ls" }, { text: "", isError: false }, turn, never);
  expect(seen.blocks).toBeUndefined();
  expect(seen.message?.split("\n")).toEqual([
    "The PostToolUse hook `echo sad >&2; exit 3`: it exited with code 3: sad",
    "The PostToolUse hook `sleep 1000 & wait`: it took longer than 0.3 s and was ended",
    "The PostToolUse hook `kill -9 $$`: it was ended by SIGKILL",
  ]);
});

test("what hooks print adds to the context of a prompt; a canceled turn ends its hooks", async () => {
  const { root, hooks } = openHooks({
    UserPromptSubmit: [
      { hooks: [command("echo the sprint ends today"), command("env | grep -c ^HEARTH_HOME")] },
    ],
    SessionStart: [{ matcher: "startup", hooks: [command("echo started")] }],
    Stop: [{ hooks: [command("echo going > going; sleep 1000")] }],
  });
  expect(await hooks.prompt("hello", turn, never)).toEqual({
    context: "the sprint ends today",
    message: expect.stringContaining("exited with code 1"),
  });
  expect(await hooks.sessionStart("resume", turn, never)).toEqual({});
  expect(await hooks.sessionStart("startup", turn, never)).toEqual({ context: "started" });
  writeFileSync(join(root, "going"), "");
  const abort = new AbortController();
  const stopping = hooks.stop(false, turn, abort.signal);
  abort.abort();
  await expect(stopping).rejects.toThrow();
});

test("decisions are read from JSON; a permission is not given by a hook", () => {
  const said = (output: object, code = 0) =>
    readDecision({ kind: "exited", code, stdout: JSON.stringify(output), stderr: "" }, false);
  const specific = (more: object) => said({ hookSpecificOutput: { hookEventName: "PreToolUse", ...more } });
  expect(specific({ permissionDecision: "deny", permissionDecisionReason: "no" })).toEqual({ blocks: "no" });
  expect(specific({ permissionDecision: "allow" })).toEqual({});
  expect(specific({ updatedInput: { command: "ls" } })).toEqual({ input: { command: "ls" } });
  expect(said({ decision: "block", reason: "go on" })).toEqual({ blocks: "go on" });
  expect(said({ continue: false, stopReason: "enough", systemMessage: "hi" })).toEqual({
    blocks: "enough",
    message: "hi",
  });
  expect(said({ decision: 7 })).toEqual({});
});
