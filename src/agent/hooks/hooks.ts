import { isAbsolute, join } from "node:path";
import type { HookEvent, HooksConfig } from "../../protocol/config.ts";
import { withoutHearth } from "../children/environment.ts";
import type { ProcessSupervisor } from "../process/types.ts";
import { type HookDecision, readDecision } from "./decision.ts";
import { runHook } from "./run-hook.ts";

type HookDeps = {
  sessionId: string;
  root: string;
  processes: ProcessSupervisor;
  /** The hooks that may run now: the user's, and those of a trusted project. */
  rules(): readonly HooksConfig[];
};

/** The state of a turn that hooks are told. */
export type HookTurn = { mode: string; env: Readonly<Record<string, string>> };

const TIMEOUT_MS = 60_000;
const REASON_CHARS_MAX = 4_000;

/** Claude Code's names of tools, which its hooks match. */
const claudeNames: Readonly<Record<string, string>> = {
  ...{
    bash: "Bash",
    read: "Read",
    write: "Write",
    edit: "Edit",
    apply_patch: "Edit",
    list: "LS",
    glob: "Glob",
  },
  ...{
    grep: "Grep",
    fetch: "WebFetch",
    search: "WebSearch",
    plan: "TodoWrite",
    task: "Task",
    ask: "AskUserQuestion",
  },
};

/** A matcher is a regular expression about the whole name; an empty one and `*` match all. */
function matches(matcher: string | undefined, names: readonly string[]): boolean {
  if (matcher === undefined || matcher === "" || matcher === "*") return true;
  if (matcher.length > 500) return false;
  try {
    const pattern = new RegExp(`^(?:${matcher})$`);
    return names.some((name) => pattern.test(name));
  } catch {
    return names.includes(matcher);
  }
}

const claudeModes: Readonly<Record<string, string>> = {
  ...{ ask: "default", accept_edits: "acceptEdits", plan: "plan", yolo: "bypassPermissions" },
};

export type Hooks = ReturnType<typeof createHooks>;
let count = 0;

/** Runs the hooks of a session's events, with Claude Code's input, output and exit codes. */
export function createHooks({ sessionId, root, processes, rules }: HookDeps) {
  async function run(
    event: HookEvent,
    names: readonly string[],
    more: object,
    turn: HookTurn,
    signal: AbortSignal,
  ): Promise<HookDecision> {
    const chosen = rules().flatMap((config) =>
      (config[event] ?? []).flatMap(({ matcher, hooks }) => (matches(matcher, names) ? hooks : [])),
    );
    if (chosen.length === 0) return {};
    const input = {
      ...{ session_id: sessionId, transcript_path: "", cwd: root, hook_event_name: event },
      ...{ permission_mode: claudeModes[turn.mode] ?? turn.mode, ...more },
    };
    const env = { ...withoutHearth(turn.env), CLAUDE_PROJECT_DIR: root, HEARTH_PROJECT_DIR: root };
    const takesText = event === "UserPromptSubmit" || event === "SessionStart";
    const decisions = await Promise.all(
      chosen.map(async ({ command, timeout }) => {
        count += 1;
        const timeoutMs = timeout === undefined ? TIMEOUT_MS : timeout * 1000;
        const hook = { command, timeoutMs, input, cwd: root, env, processes, owner: `hook-${count}` };
        const decision = readDecision(await runHook(hook, signal), takesText);
        return decision.message === undefined
          ? decision
          : { ...decision, message: `The ${event} hook \`${command.slice(0, 120)}\`: ${decision.message}` };
      }),
    );
    return joined(decisions);
  }

  const namesOf = (tool: string): string[] => [tool, claudeNames[tool] ?? tool];
  /** Claude Code's words for arguments that hearth names otherwise. */
  function inputOf(given: Readonly<Record<string, unknown>>): Record<string, unknown> {
    const path = given["path"];
    if (typeof path !== "string") return { ...given };
    return { ...given, file_path: isAbsolute(path) ? path : join(root, path) };
  }

  return {
    beforeTool: (
      tool: string,
      input: Readonly<Record<string, unknown>>,
      turn: HookTurn,
      signal: AbortSignal,
    ) =>
      run(
        "PreToolUse",
        namesOf(tool),
        { tool_name: claudeNames[tool] ?? tool, tool_input: inputOf(input) },
        turn,
        signal,
      ),
    afterTool(
      tool: string,
      input: Readonly<Record<string, unknown>>,
      response: { text: string; isError: boolean },
      turn: HookTurn,
      signal: AbortSignal,
    ) {
      const more = { tool_name: claudeNames[tool] ?? tool, tool_input: inputOf(input) };
      const tool_response = { output: response.text, is_error: response.isError };
      return run("PostToolUse", namesOf(tool), { ...more, tool_response }, turn, signal);
    },
    prompt: (prompt: string, turn: HookTurn, signal: AbortSignal) =>
      run("UserPromptSubmit", [], { prompt }, turn, signal),
    sessionStart: (source: "startup" | "resume", turn: HookTurn, signal: AbortSignal) =>
      run("SessionStart", [source], { source }, turn, signal),
    /** `isGoingOn`: a hook has already kept this turn from ending. */
    stop: (isGoingOn: boolean, turn: HookTurn, signal: AbortSignal) =>
      run("Stop", [], { stop_hook_active: isGoingOn }, turn, signal),
  };
}

/** The first refusal counts; what is for the model and the person is said together. */
function joined(decisions: readonly HookDecision[]): HookDecision {
  const all = (key: "context" | "message") => decisions.flatMap((decision) => decision[key] ?? []).join("\n");
  const blocks = decisions
    .find((decision) => decision.blocks !== undefined)
    ?.blocks?.slice(0, REASON_CHARS_MAX);
  const input = decisions.findLast((decision) => decision.input !== undefined)?.input;
  const [context, message] = [all("context"), all("message")];
  return {
    ...(blocks !== undefined && { blocks: blocks.toWellFormed() }),
    ...(input !== undefined && { input }),
    ...(context !== "" && { context }),
    ...(message !== "" && { message }),
  };
}
