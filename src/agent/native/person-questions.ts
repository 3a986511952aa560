import type { TurnHost, TurnResult } from "../backend.ts";
import type { PersonQuestion } from "../permission/person-question.ts";
import { budgetError, budgetQuestion } from "../run/budget.ts";

export const stuckQuestion = (text: string, tool_call_id: string): PersonQuestion => ({
  tool_call_id,
  kind: "other",
  title: "The model seems to be stuck. Shall it go on?",
  detail: { type: "text", text, reasons: [] },
  options: [
    { decision: "allow_once", label: "go on", rules: [] },
    { decision: "deny", label: "stop, or say what to do instead", rules: [] },
  ],
});

/** Pauses where a budget is used up, and asks. Returns a result if the turn is over. */
export async function askAtBudget(
  run_id: string,
  host: Pick<TurnHost, "budget" | "ask">,
  signal: AbortSignal,
): Promise<TurnResult | undefined> {
  for (let over = host.budget?.over() ?? null; over !== null; over = host.budget?.over() ?? null) {
    const answer = await host.ask(budgetQuestion(over, `budget_${run_id}`), signal);
    if (signal.aborted || answer.kind === "canceled") return { outcome: "canceled" };
    if (answer.kind !== "answered" || answer.decision === "deny")
      return { outcome: "error", error: budgetError(over) };
    host.budget?.raise(over);
  }
  return undefined;
}
