import type { Database } from "better-sqlite3";
import type { RunRecord } from "../../agent/run-record.ts";
import { DEMO_MODEL } from "../../protocol/demo-model.ts";
import type { WorkspaceId } from "../../protocol/ids.ts";
import type { UsageBy, UsageRow } from "../../protocol/usage.ts";
import { type UsageColumns, usageOf } from "./columns.ts";

type Row = UsageColumns & { key: string; label: string | null; runs: number; cost: number };

/** More groups than a person reads. */
const ROWS_MAX = 1000;

const groups: Readonly<Record<UsageBy, { key: string; label: string; order: string }>> = {
  session: {
    key: "u.session_id",
    label: "(SELECT title FROM sessions WHERE id = u.session_id)",
    order: "max(u.day) DESC, sum(u.cost) DESC, sum(u.input_tokens + u.output_tokens) DESC",
  },
  agent: {
    key: "u.agent",
    label: "NULL",
    order: "sum(u.cost) DESC, sum(u.input_tokens + u.output_tokens) DESC",
  },
  model: {
    key: "coalesce(u.model, '')",
    label: "NULL",
    order: "sum(u.cost) DESC, sum(u.input_tokens + u.output_tokens) DESC",
  },
  day: { key: "u.day", label: "NULL", order: "u.day DESC" },
};

/** The only code that knows the table `run_usage`. */
export function createRunUsageRows(db: Database) {
  const put = db.prepare(`
    INSERT OR REPLACE INTO run_usage (run_id, workspace_id, session_id, agent, model, day, input_tokens,
      output_tokens, reasoning_tokens, cache_read_tokens, cache_write_tokens, cost)
    VALUES (@run_id, @workspace_id, @session_id, @agent, @model, @day, @input_tokens,
      @output_tokens, @reasoning_tokens, @cache_read_tokens, @cache_write_tokens, @cost)`);
  const sums = (by: UsageBy) =>
    db.prepare<{ workspace_id: string | null }, Row>(`
      SELECT ${groups[by].key} AS key, ${groups[by].label} AS label, count(*) AS runs,
        sum(u.input_tokens) AS input_tokens, sum(u.output_tokens) AS output_tokens,
        sum(u.reasoning_tokens) AS reasoning_tokens, sum(u.cache_read_tokens) AS cache_read_tokens,
        sum(u.cache_write_tokens) AS cache_write_tokens, sum(u.cost) AS cost
      FROM run_usage u WHERE @workspace_id IS NULL OR u.workspace_id = @workspace_id
      GROUP BY ${groups[by].key} ORDER BY ${groups[by].order}, key LIMIT ${ROWS_MAX}`);
  const statements = {
    session: sums("session"),
    agent: sums("agent"),
    model: sums("model"),
    day: sums("day"),
  };
  return {
    /** A run that used nothing leaves nothing; nor does the demo, whose figures stand for no model's work. */
    put(workspaceId: WorkspaceId, run: RunRecord) {
      const { usage, cost } = run;
      if (run.agent === "hearth" && run.model === DEMO_MODEL) return;
      if (cost === 0 && usage.input_tokens === 0 && usage.output_tokens === 0) return;
      const { id, session_id, agent, model, completed_at, accepted_at } = run;
      const day = (completed_at ?? accepted_at).slice(0, 10);
      put.run({ run_id: id, workspace_id: workspaceId, session_id, agent, model, day, ...usage, cost });
    },
    sums: (by: UsageBy, workspaceId: WorkspaceId | null): UsageRow[] =>
      statements[by].all({ workspace_id: workspaceId }).map((row) => ({
        key: row.key,
        label: row.label,
        runs: row.runs,
        usage: usageOf(row),
        cost: row.cost,
      })),
  };
}
