import type { PersonQuestion } from "../permission/person-question.ts";

/** A budget that is used up. */
export type BudgetOver = {
  /** Which one: "session_cost ses_…". */
  key: string;
  /** One sentence: what was used, and which setting says so. */
  text: string;
};

/** The budgets that count for one run. */
export type RunBudgets = {
  /** The first one that is used up. `cost`: of the run so far. */
  over(cost: number): BudgetOver | null;
  /** A person lets it go on: the budget may be used once more. */
  raise(over: BudgetOver): void;
};

export const noBudgets: RunBudgets = { over: () => null, raise: () => {} };

export const budgetQuestion = ({ text }: BudgetOver, tool_call_id: string): PersonQuestion => ({
  tool_call_id,
  kind: "other",
  title: "A budget is used up. Shall it go on?",
  detail: { type: "text", text, reasons: [] },
  options: [
    { decision: "allow_once", label: "go on, for as much again", rules: [] },
    { decision: "deny", label: "stop", rules: [] },
  ],
});

export const budgetError = ({ text }: BudgetOver) =>
  ({
    code: "budget_reached",
    message: `The run was stopped: ${text} Raise the limit in hearth.jsonc, or go on with a new prompt.`,
    retryable: false,
  }) as const;
