import { addUsage, noUsage, type Usage } from "../../protocol/usage.ts";

type Spent = { usage: Usage; cost: number };
const nothing: Spent = { usage: noUsage, cost: 0 };
const sum = (a: Spent, b: Spent): Spent => ({ usage: addUsage(a.usage, b.usage), cost: a.cost + b.cost });

/** What one run has used. */
export function createRunSpending() {
  let settled = nothing;
  /** Of an unfinished answer. */
  let unfinished = nothing;
  /** Of its sub-agents. */
  let delegated = nothing;
  return {
    add({ usage, cost }: Spent) {
      settled = sum(settled, { usage, cost });
      unfinished = nothing;
    },
    begin({ usage, cost }: Spent) {
      unfinished = { usage, cost };
    },
    delegate({ usage, cost }: Spent) {
      delegated = sum(delegated, { usage, cost });
    },
    /** After a restart. */
    adopt({ usage, cost }: Spent) {
      settled = { usage, cost };
    },
    /** Without its sub-agents. */
    own: (): Spent => sum(settled, unfinished),
    total: (): Spent => sum(sum(settled, unfinished), delegated),
  };
}
