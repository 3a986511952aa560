import type { Message } from "../../protocol/message.ts";
import type { Plan } from "../../protocol/plan.ts";
import { foreignText } from "../hearth-note.ts";
import { planTool } from "../tools/session/update-plan.ts";

/** The model's plan, and its steps since it was last updated or shown again. */
export type PlanWatch = { entries: Plan["entries"]; steps: number };

/** After this many steps without an update the model is shown its plan again. */
const STEPS_TO_REMIND = 10;

const marks = { pending: "[ ]", in_progress: "[>]", completed: "[x]" } as const;

/** The state at a turn's start: the plan of the earlier turns. */
export function planWatchOf(transcript: readonly Message[]): PlanWatch {
  for (const message of transcript.toReversed())
    for (const part of message.parts.toReversed()) {
      if (part.type !== "tool_call" || part.name !== planTool.name || part.status !== "completed") continue;
      const input = planTool.input.safeParse(part.input);
      if (input.data?.entries !== undefined) return { entries: input.data.entries, steps: 0 };
    }
  return { entries: [], steps: 0 };
}

/** After a step. `updated`: the plan that it set. `reminder`: what the model is told with the next one. Pure. */
export function watchPlan(
  { entries, steps }: PlanWatch,
  updated: Plan["entries"] | undefined,
): { watch: PlanWatch; reminder: string | undefined } {
  if (updated !== undefined) return { watch: { entries: updated, steps: 0 }, reminder: undefined };
  if (entries.every(({ status }) => status === "completed"))
    return { watch: { entries, steps }, reminder: undefined };
  if (steps + 1 < STEPS_TO_REMIND) return { watch: { entries, steps: steps + 1 }, reminder: undefined };
  const list = entries.map(({ content, status }) => `${marks[status]} ${foreignText(content)}`).join("\n");
  return {
    watch: { entries, steps: 0 },
    reminder: `Your plan was not updated for ${STEPS_TO_REMIND} steps. It says:\n${list}\nUpdate it if it is behind; otherwise go on.`,
  };
}
