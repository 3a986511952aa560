import type { Usage } from "../../../protocol/usage.ts";
import type { Wire } from "../wire.ts";
import {
  costGrowth,
  costOfUpdate,
  countReport,
  emptyLedger,
  type UsageLedger,
  usageOfResponse,
} from "./usage.ts";

/** Counts the usage and cost of a session from its agent's reports. */
export function createMeter(form: UsageLedger["form"]) {
  let ledger = emptyLedger(form);
  /** The agent's running total in USD, and the part of it that ended turns have used. */
  let total = 0;
  let counted = 0;
  return {
    update(update: Wire) {
      total = costOfUpdate(update) ?? total;
    },
    /** `reported`: the part of the total counted before a restart; null for a new conversation. */
    start(reported: number | null | undefined) {
      counted = reported === null ? 0 : (reported ?? total);
      total = Math.max(total, counted);
    },
    /** Usage and cost of the turn that this response ends. `isCounted`: its run records the cost. */
    end(response: unknown, isCounted: boolean): { usage: Usage | undefined; cost: number } {
      const report = usageOfResponse(response);
      const next = report && countReport(ledger, report);
      if (next) ledger = next.ledger;
      const cost = costGrowth(counted, total);
      // The run of a canceled turn has ended already, so its cost is counted with the next turn.
      if (isCounted) counted = total;
      return { usage: next?.used, cost };
    },
    get counted() {
      return counted;
    },
  };
}
