import type { Database } from "better-sqlite3";
import type { RunRecord } from "../../agent/run/record.ts";
import { DEMO_MODEL } from "../../protocol/demo-model.ts";
import type { SessionId, WorkspaceId } from "../../protocol/ids.ts";
import type { Usage } from "../../protocol/usage.ts";
import { type UsageColumns, usageOf } from "./columns.ts";

/** What one run used. */
export type RunUsage = {
  run_id: string;
  workspace_id: WorkspaceId;
  session_id: SessionId;
  agent: string;
  model: string | null;
  day: string;
  usage: Usage;
  cost: number;
};
type Row = Omit<RunUsage, "usage"> & UsageColumns;

type Spent = Pick<RunRecord, "id" | "session_id" | "agent" | "model" | "usage" | "cost" | "completed_at"> &
  Partial<Pick<RunRecord, "accepted_at">>;

/** Rows read in one turn of the event loop, a few milliseconds. */
const PAGE = 1000;

/** The only code that knows the table `run_usage`. */
export function createRunUsageRows(db: Database) {
  const put = db.prepare(`
    INSERT OR REPLACE INTO run_usage (run_id, workspace_id, session_id, agent, model, day, input_tokens,
      output_tokens, reasoning_tokens, cache_read_tokens, cache_write_tokens, cost)
    VALUES (@run_id, @workspace_id, @session_id, @agent, @model, @day, @input_tokens,
      @output_tokens, @reasoning_tokens, @cache_read_tokens, @cache_write_tokens, @cost)`);
  const page = db.prepare<[string], Row>(
    `SELECT * FROM run_usage WHERE run_id > ? ORDER BY run_id LIMIT ${PAGE}`,
  );
  const costOf = db
    .prepare<[{ day: string; agent: string | null }], number>(
      "SELECT coalesce(sum(cost), 0) FROM run_usage WHERE day = @day AND (@agent IS NULL OR agent = @agent)",
    )
    .pluck();
  return {
    /** Runs without usage are not stored, nor is the demo, whose figures are made up. */
    put(workspaceId: WorkspaceId, run: Spent) {
      const { usage, cost } = run;
      if (run.agent === "hearth" && run.model === DEMO_MODEL) return;
      if (cost === 0 && usage.input_tokens === 0 && usage.output_tokens === 0) return;
      const { id, session_id, agent, model, completed_at, accepted_at } = run;
      const day = (completed_at ?? accepted_at ?? "").slice(0, 10);
      put.run({ run_id: id, workspace_id: workspaceId, session_id, agent, model, day, ...usage, cost });
    },
    /** What a day has cost, of all agents or of one. */
    costOf: (day: string, agent: string | null = null): number => costOf.get({ day, agent }) ?? 0,
    /** Rows after a run id, in the order of ids; empty at the end. */
    page: (after: string): RunUsage[] => page.all(after).map((row) => ({ ...row, usage: usageOf(row) })),
  };
}
