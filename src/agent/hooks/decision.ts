import { z } from "zod";
import type { HookEnd } from "./run-hook.ts";

/** What a hook has decided. */
export type HookDecision = {
  /** It is not to happen (or, at the end of a turn: not to end), for this reason. */
  blocks?: string;
  /** The tool's input, changed. */
  input?: Record<string, unknown>;
  /** For the model. */
  context?: string;
  /** For the person. */
  message?: string;
};

const Output = z.looseObject({
  continue: z.boolean().optional(),
  stopReason: z.string().optional(),
  systemMessage: z.string().optional(),
  decision: z.string().optional(),
  reason: z.string().optional(),
  hookSpecificOutput: z
    .looseObject({
      permissionDecision: z.string().optional(),
      permissionDecisionReason: z.string().optional(),
      updatedInput: z.record(z.string(), z.unknown()).optional(),
      additionalContext: z.string().optional(),
    })
    .optional(),
});

/** Exit code of a hook that refuses; its stderr says why. */
const BLOCKS = 2;

/**
 * Reads a hook's end as Claude Code does: exit code 2 blocks with what stderr says, 0 with JSON on stdout decides, 0 with
 * text adds it to the context where `takesText`; any other code is a fault that stops nothing. A permission that a hook
 * gives ("allow") is not taken: hooks narrow what is allowed, they do not widen it.
 */
export function readDecision(end: HookEnd, takesText: boolean): HookDecision {
  if (end.kind === "failed") return { message: end.why };
  const { code, stdout, stderr } = end;
  if (code === BLOCKS) return { blocks: stderr || "no reason was given" };
  if (code !== 0)
    return { message: `it exited with code ${code}${stderr === "" ? "" : `: ${stderr.split("\n").at(-1)}`}` };
  const output = outputIn(stdout);
  if (output === undefined) return takesText && stdout !== "" ? { context: stdout } : {};
  const specific = output.hookSpecificOutput ?? {};
  const isRefused =
    output.continue === false ||
    output.decision === "block" ||
    output.decision === "deny" ||
    specific.permissionDecision === "deny";
  const reason =
    specific.permissionDecisionReason ?? output.reason ?? output.stopReason ?? "no reason was given";
  return {
    ...(isRefused && { blocks: reason }),
    ...(specific.updatedInput !== undefined && { input: specific.updatedInput }),
    ...(specific.additionalContext !== undefined && { context: specific.additionalContext }),
    ...(output.systemMessage !== undefined && { message: output.systemMessage }),
  };
}

function outputIn(stdout: string): z.infer<typeof Output> | undefined {
  if (!stdout.startsWith("{")) return undefined;
  try {
    return Output.safeParse(JSON.parse(stdout)).data;
  } catch {
    return undefined;
  }
}
