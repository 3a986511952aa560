import type { Usage } from "../../protocol/usage.ts";
import {
  costGrowth,
  costOfUpdate,
  countReport,
  emptyLedger,
  type UsageLedger,
  usageOfResponse,
} from "./usage.ts";
import type { Wire } from "./wire.ts";

/** What a session has used, by what its agent tells of it in its own way. */
export function createMeter(form: UsageLedger["form"]) {
  let ledger = emptyLedger(form);
  /** The agent's running total in USD, and how much of it belongs to turns that have ended. */
  let total = 0;
  let counted = 0;
  return {
    hear(update: Wire) {
      total = costOfUpdate(update) ?? total;
    },
    /** `reported`: of the total, what was counted before a restart; null for a conversation that has just begun. */
    start(reported: number | null | undefined) {
      counted = reported === null ? 0 : (reported ?? total);
      total = Math.max(total, counted);
    },
    /** What the turn used that this response ends. `isCounted`: nobody counts it otherwise. */
    end(response: unknown, isCounted: boolean): { usage: Usage | undefined; cost: number } {
      const report = usageOfResponse(response);
      const next = report && countReport(ledger, report);
      if (next) ledger = next.ledger;
      const cost = costGrowth(counted, total);
      // What a canceled turn cost is counted with the next: its own run has ended already.
      if (isCounted) counted = total;
      return { usage: next?.used, cost };
    },
    get counted() {
      return counted;
    },
  };
}
