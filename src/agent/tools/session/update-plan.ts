import { z } from "zod";
import type { Plan } from "../../../protocol/plan.ts";
import { type Arguments, argumentNormalizer } from "../arguments.ts";
import { defineTool } from "../tool.ts";

const ENTRIES_MAX = 50;
const CONTENT_CHARS_MAX = 500;

const input = z.object({
  entries: z
    .array(
      z.object({
        content: z.string().min(1).describe("The step, in a few words"),
        status: z.enum(["pending", "in_progress", "completed"]),
      }),
    )
    .max(ENTRIES_MAX)
    .describe("The whole list, in order; an empty list removes the plan"),
});
export type PlanInput = z.infer<typeof input>;

/** The model's own list of steps, shown to the person while it works. */
export const planTool = defineTool({
  name: "plan",
  kind: "think",
  readOnly: false,
  description:
    "Keeps your list of steps, which the user sees while you work. Give the whole list each time: it replaces the last one. Mark the step that you are working on in_progress (at most one), and each step completed as soon as it is done. For work of more than about three steps; not for small things.",
  input,
  normalize: normalizePlan,
  title: ({ entries }) => (Array.isArray(entries) ? planTitle(entries) : "plan"),
  async prepare(call, { session }) {
    const { entries, moved } = withOneInProgress(call.entries);
    session.showPlan(entries);
    const note = moved === 0 ? "" : ` Only one step can be in progress: ${moved} more became pending.`;
    return { text: `${entries.length === 0 ? "The plan is removed." : "The plan is updated."}${note}` };
  },
});

function planTitle(entries: readonly Partial<Plan["entries"][number]>[]): string {
  if (entries.length === 0) return "no plan";
  const done = entries.filter((entry) => entry?.status === "completed").length;
  const now = entries.find((entry) => entry?.status === "in_progress")?.content;
  return `${done}/${entries.length}${typeof now === "string" ? ` ${now}` : ""}`;
}

/** The first step in progress stays so; the others become pending. */
function withOneInProgress(asked: PlanInput["entries"]): { entries: Plan["entries"]; moved: number } {
  const first = asked.findIndex(({ status }) => status === "in_progress");
  const isExtra = (status: string, at: number) => status === "in_progress" && at !== first;
  return {
    entries: asked.map(({ content, status }, at) => ({
      content: content.slice(0, CONTENT_CHARS_MAX).toWellFormed(),
      status: isExtra(status, at) ? "pending" : status,
    })),
    moved: asked.filter(({ status }, at) => isExtra(status, at)).length,
  };
}

/** What other agents' to-do tools call the list, a step's words and its states. */
const listNames = argumentNormalizer({ names: { entries: ["todos", "plan", "steps", "items", "tasks"] } });
const entryNames = argumentNormalizer({
  names: { content: ["step", "text", "title", "task", "description", "name"], status: ["state"] },
});
const states: Readonly<Record<string, string>> = {
  todo: "pending",
  open: "pending",
  not_started: "pending",
  active: "in_progress",
  doing: "in_progress",
  current: "in_progress",
  inprogress: "in_progress",
  done: "completed",
  complete: "completed",
  finished: "completed",
  cancelled: "completed",
  canceled: "completed",
};

function normalizePlan(given: Arguments): Arguments {
  const { entries } = listNames(given);
  if (!Array.isArray(entries)) return { ...(entries === undefined ? {} : { entries }) };
  return { entries: entries.map(normalizeEntry) };
}

function normalizeEntry(entry: unknown): unknown {
  if (typeof entry === "string") return { content: entry, status: "pending" };
  if (typeof entry !== "object" || entry === null) return entry;
  const { content, status = "pending" } = entryNames(entry as Arguments);
  const state = String(status)
    .toLowerCase()
    .replace(/[\s-]+/g, "_");
  return { content, status: states[state] ?? states[state.replaceAll("_", "")] ?? state };
}
