import type { WorkspaceId } from "../protocol/ids.ts";
import { addUsage, noUsage, type UsageRow } from "../protocol/usage.ts";
import type { Services } from "./services.ts";
import type { Store } from "./store/open.ts";

const nothing: UsageRow = { key: "", label: null, runs: 0, usage: noUsage, cost: 0 };

/** What runs have used. `mustExist` throws workspace_not_found. */
export const createUsage =
  (store: Store, mustExist: (wid: WorkspaceId) => void): Services["usage"] =>
  (by, wid) => {
    if (wid !== undefined) mustExist(wid);
    const rows = store.runUsage.sums(by, wid ?? null);
    const total = rows.reduce(
      (sum, row): UsageRow => ({
        ...nothing,
        runs: sum.runs + row.runs,
        usage: addUsage(sum.usage, row.usage),
        cost: sum.cost + row.cost,
      }),
      nothing,
    );
    return { by, rows, total };
  };
