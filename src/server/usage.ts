import { setImmediate as nextTurn } from "node:timers/promises";
import type { SessionId, WorkspaceId } from "../protocol/ids.ts";
import { addUsage, noUsage, type UsageBy, type UsageRow } from "../protocol/usage.ts";
import type { Services } from "./services.ts";
import type { Store } from "./store/open.ts";
import type { RunUsage } from "./store/run-usage.ts";

/** The most groups in a reply; nobody reads more. */
const ROWS_MAX = 1000;

type Group = UsageRow & { lastDay: string };

const empty: UsageRow = { key: "", label: null, runs: 0, usage: noUsage, cost: 0 };

const keyOf: Readonly<Record<UsageBy, (run: RunUsage) => string>> = {
  session: (run) => run.session_id,
  agent: (run) => run.agent,
  model: (run) => run.model ?? "",
  day: (run) => run.day,
};

const tokens = ({ usage }: Group): number => usage.input_tokens + usage.output_tokens;
const backwards = (a: string, b: string): number => (a < b ? 1 : a > b ? -1 : 0);
const byCost = (a: Group, b: Group): number =>
  b.cost - a.cost || tokens(b) - tokens(a) || backwards(b.key, a.key);
const orders: Readonly<Record<UsageBy, (a: Group, b: Group) => number>> = {
  session: (a, b) => backwards(a.lastDay, b.lastDay) || byCost(a, b),
  agent: byCost,
  model: byCost,
  day: (a, b) => backwards(a.key, b.key),
};

/**
 * Sums up what runs have used. The table keeps growing, so it is read in pages, and other requests are served between
 * them. `mustExist` throws workspace_not_found.
 */
export const createUsage =
  (store: Store, mustExist: (wid: WorkspaceId) => void): Services["usage"] =>
  async (by, wid) => {
    if (wid !== undefined) mustExist(wid);
    const groups = new Map<string, Group>();
    let total = empty;
    for (let page = store.runUsage.page(""); page.length > 0; ) {
      for (const run of page) {
        if (wid !== undefined && run.workspace_id !== wid) continue;
        const key = keyOf[by](run);
        const group = groups.get(key) ?? { ...empty, key, lastDay: run.day };
        const lastDay = run.day > group.lastDay ? run.day : group.lastDay;
        groups.set(key, { ...added(group, run), lastDay });
        total = added(total, run);
      }
      await nextTurn();
      page = store.runUsage.page(page.at(-1)?.run_id ?? "");
    }
    const rows = [...groups.values()].sort(orders[by]).slice(0, ROWS_MAX);
    const labelOf = (key: string) =>
      by === "session" ? (store.sessions.get(key as SessionId)?.title ?? null) : null;
    return { by, rows: rows.map(({ lastDay: _, ...row }) => ({ ...row, label: labelOf(row.key) })), total };
  };

const added = <Sum extends UsageRow>(sum: Sum, run: RunUsage): Sum => ({
  ...sum,
  runs: sum.runs + 1,
  usage: addUsage(sum.usage, run.usage),
  cost: sum.cost + run.cost,
});
