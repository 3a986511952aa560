import { z } from "zod";
import type { Plan } from "../../../protocol/plan.ts";
import type { PersonAnswer } from "../../permission/person-question.ts";
import { type Arguments, argumentNormalizer } from "../arguments.ts";
import { ToolFailure } from "../failure.ts";
import { defineTool, type ToolResult, type ToolSession } from "../tool.ts";

const ENTRIES_MAX = 50;
const CONTENT_CHARS_MAX = 500;
const PROPOSAL_CHARS_MAX = 50_000;

const input = z.object({
  entries: z
    .array(
      z.object({
        content: z.string().min(1).describe("The step, in a few words"),
        status: z.enum(["pending", "in_progress", "completed"]),
      }),
    )
    .max(ENTRIES_MAX)
    .optional()
    .describe("The whole list, in order; an empty list removes it"),
  proposal: z
    .string()
    .min(1)
    .max(PROPOSAL_CHARS_MAX)
    .optional()
    .describe("In plan mode: your finished plan in Markdown, for the user's approval"),
});
export type PlanInput = z.infer<typeof input>;

/** Sets the model's list of steps, which the person sees, or presents a plan for approval to leave plan mode. */
export const planTool = defineTool({
  name: "plan",
  kind: "think",
  readOnly: false,
  description:
    "Keeps your list of steps, which the user sees while you work. Give the whole list each time: it replaces the last one. Mark the step that you are working on in_progress (at most one), and each step completed as soon as it is done. For work of more than about three steps; not for small things. In plan mode give proposal, your whole plan: the user approves it, and you carry it out, or sends it back.",
  input,
  normalize: normalizePlan,
  title: ({ entries, proposal }) =>
    Array.isArray(entries) ? planTitle(entries) : proposal === undefined ? "plan" : "for approval",
  async prepare({ entries, proposal }, { session }) {
    if (entries === undefined && proposal === undefined)
      throw new ToolFailure("Give entries, your list of steps, or proposal, a plan for approval.");
    const updated = entries === undefined ? "" : update(entries, session);
    if (proposal === undefined) return { text: updated };
    return {
      async run() {
        const { text, ...result } = approvalResult(await session.ask(approvalOf(proposal)));
        return { ...result, text: `${text} ${updated}`.trim() };
      },
    };
  },
});

function update(asked: NonNullable<PlanInput["entries"]>, session: ToolSession): string {
  const { entries, moved } = withOneInProgress(asked);
  session.showPlan(entries);
  const note = moved === 0 ? "" : ` Only one step can be in progress: ${moved} more became pending.`;
  return `${entries.length === 0 ? "The plan is removed." : "The plan is updated."}${note}`;
}

const approvalOf = (text: string): Parameters<ToolSession["ask"]>[0] => ({
  kind: "switch_mode",
  title: "A plan for approval",
  detail: { type: "plan", text, reasons: [] },
  options: [
    { decision: "allow_once", label: "approve, and ask before each change", rules: [] },
    { decision: "allow_session", label: "approve, and accept edits", rules: [] },
    { decision: "deny", label: "send it back", rules: [] },
  ],
});

/** The daemon has changed the mode with the answer. */
function approvalResult(answer: PersonAnswer): ToolResult {
  if (answer.kind === "not_needed")
    return { text: "This session is not in plan mode, so the plan needs no approval: carry it out." };
  if (answer.kind !== "answered")
    return { text: "Nobody is there to approve the plan. End your turn with the plan as your answer." };
  const words = answer.message?.trim() ?? "";
  if (answer.decision === "deny")
    return {
      text:
        words === ""
          ? "The user did not approve the plan. Plan mode goes on: ask what is missing, or end your turn."
          : `The user sent the plan back: ${words}\nPlan mode goes on: change the plan, and give it again.`,
    };
  const mode =
    answer.decision === "allow_session"
      ? "files of the project may be changed without asking"
      : "the user is asked before a file is changed or a command runs";
  const added = words === "" ? "" : ` The user adds: ${words}.`;
  return {
    text: `The user approved the plan, and plan mode is over: ${mode}.${added} Carry the plan out now.`,
  };
}

function planTitle(entries: readonly Partial<Plan["entries"][number]>[]): string {
  if (entries.length === 0) return "no plan";
  const done = entries.filter((entry) => entry?.status === "completed").length;
  const now = entries.find((entry) => entry?.status === "in_progress")?.content;
  return `${done}/${entries.length}${typeof now === "string" ? ` ${now}` : ""}`;
}

/** Only one step may be in progress: the first one stays, the others become pending. */
function withOneInProgress(asked: NonNullable<PlanInput["entries"]>): {
  entries: Plan["entries"];
  moved: number;
} {
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

/** The names that other agents' to-do tools use for the list, a step's text and its states. */
const listNames = argumentNormalizer({ names: { entries: ["todos", "plan", "steps", "items", "tasks"] } });
const proposalNames = argumentNormalizer({ names: { proposal: ["plan_text", "markdown"] } });
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
  const { plan, ...others } = given;
  // Claude Code's exit_plan_mode calls the text `plan`, Codex's update_plan the list.
  const { entries, proposal } = proposalNames(
    listNames(typeof plan === "string" ? { proposal: plan, ...others } : { ...others, plan }),
  );
  return {
    ...(entries === undefined
      ? {}
      : { entries: Array.isArray(entries) ? entries.map(normalizeEntry) : entries }),
    ...(proposal === undefined ? {} : { proposal }),
  };
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
