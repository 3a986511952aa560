import type { Database } from "better-sqlite3";
import type { SessionId, TaskId, WorkspaceId } from "../../protocol/ids.ts";
import type { PermissionMode } from "../../protocol/permission.ts";
import type { Plan } from "../../protocol/plan.ts";
import type { Isolation, Session } from "../../protocol/session.ts";
import type { Usage } from "../../protocol/usage.ts";
import { type UsageColumns, usageOf } from "./columns.ts";

/** A stored session, without `state` and `queued`, which only its runs know. */
export type StoredSession = {
  id: SessionId;
  workspace_id: WorkspaceId;
  title: string;
  agent: string;
  model: string | null;
  mode: PermissionMode;
  agent_mode: string | null;
  isolation: Isolation;
  parent_id: SessionId | null;
  archived: boolean;
  created_at: string;
  updated_at: string;
  usage: Usage;
  cost: number;
  subagent?: Session["subagent"];
  task_id?: TaskId | undefined;
  /** The image of the container that its commands run in. */
  container?: string | undefined;
};

type Row = Omit<StoredSession, "archived" | "usage" | "subagent" | "task_id" | "container"> &
  UsageColumns & {
    archived: number;
    used_seq: number;
    subagent_json: string | null;
    task_id: TaskId | null;
    container: string | null;
  };

const toSession = (row: Row): StoredSession => ({
  id: row.id,
  workspace_id: row.workspace_id,
  title: row.title,
  agent: row.agent,
  model: row.model,
  mode: row.mode,
  agent_mode: row.agent_mode,
  isolation: row.isolation,
  parent_id: row.parent_id,
  archived: row.archived === 1,
  created_at: row.created_at,
  updated_at: row.updated_at,
  usage: usageOf(row),
  cost: row.cost,
  ...(row.subagent_json === null
    ? {}
    : { subagent: JSON.parse(row.subagent_json) as NonNullable<Session["subagent"]> }),
  ...(row.task_id === null ? {} : { task_id: row.task_id }),
  ...(row.container === null ? {} : { container: row.container }),
});

/** A `used_seq` that hides a session: it is being created or deleted. */
const HIDDEN = 0;

/** Nobody builds on what came before so many. */
const NEWS_MAX = 20;

/** The only code that knows the table `sessions`. */
export function createSessionRows(db: Database) {
  const nextUse = "(SELECT coalesce(max(used_seq), 0) + 1 FROM sessions)";
  const insert = db.prepare(`
    INSERT INTO sessions (id, workspace_id, title, agent, model, mode, agent_mode, isolation, parent_id, archived,
      created_at, updated_at, request_hash, subagent_json, task_id, container, used_seq)
    VALUES (@id, @workspace_id, @title, @agent, @model, @mode, @agent_mode, @isolation, @parent_id, @archived,
      @created_at, @updated_at, @requestHash, @subagent_json, @task_id, @container, ${nextUse})`);
  const update = db.prepare(`
    UPDATE sessions SET title = @title, agent = @agent, model = @model, mode = @mode, agent_mode = @agent_mode,
      isolation = @isolation, archived = @archived, updated_at = @updated_at, cost = @cost,
      input_tokens = @input_tokens, output_tokens = @output_tokens, reasoning_tokens = @reasoning_tokens,
      cache_read_tokens = @cache_read_tokens, cache_write_tokens = @cache_write_tokens
    WHERE id = @id`);
  const insertHidden = db.prepare(`
    INSERT INTO sessions (id, workspace_id, title, agent, model, mode, agent_mode, isolation, parent_id, archived,
      created_at, updated_at, subagent_json, container, used_seq)
    VALUES (@id, @workspace_id, @title, @agent, @model, @mode, @agent_mode, @isolation, @parent_id, @archived,
      @created_at, @updated_at, @subagent_json, @container, ${HIDDEN})`);
  const hide = db.prepare<[string]>(`UPDATE sessions SET used_seq = ${HIDDEN} WHERE id = ?`);
  const hidden = db.prepare<[], SessionId>(`SELECT id FROM sessions WHERE used_seq = ${HIDDEN}`).pluck();
  const touch = db.prepare<[string]>(`UPDATE sessions SET used_seq = ${nextUse} WHERE id = ?`);
  const byId = db.prepare<[string], Row>(`SELECT * FROM sessions WHERE id = ? AND used_seq <> ${HIDDEN}`);
  const useOf = db
    .prepare<[string, string], number>("SELECT used_seq FROM sessions WHERE id = ? AND workspace_id = ?")
    .pluck();
  const page = db.prepare<
    [{ workspace_id: string; before: number; pattern: string; archived: number | null; limit: number }],
    Row
  >(`
    SELECT * FROM sessions
    WHERE workspace_id = @workspace_id AND used_seq < @before AND used_seq > ${HIDDEN} AND title LIKE @pattern ESCAPE '\\'
      AND (@archived IS NULL OR archived = @archived)
    ORDER BY used_seq DESC LIMIT @limit`);
  const everywhere = db.prepare<[number, number], Row>(
    `SELECT * FROM sessions WHERE used_seq < ? AND used_seq > ${HIDDEN} ORDER BY used_seq DESC LIMIT ?`,
  );
  const useOfAny = db.prepare<[string], number>("SELECT used_seq FROM sessions WHERE id = ?").pluck();
  const subagentsOf = db
    .prepare<[string], SessionId>(
      `SELECT id FROM sessions WHERE parent_id = ? AND subagent_json IS NOT NULL AND used_seq <> ${HIDDEN}`,
    )
    .pluck();
  const nameRequest = db.prepare<[string, string]>("UPDATE sessions SET request_hash = ? WHERE id = ?");
  const requestHash = db
    .prepare<[string], string | null>("SELECT request_hash FROM sessions WHERE id = ?")
    .pluck();
  const setContainer = db.prepare<[string, string]>("UPDATE sessions SET container = ? WHERE id = ?");
  const news = db.prepare<[string], string | null>("SELECT news_json FROM sessions WHERE id = ?").pluck();
  const setNews = db.prepare<[string | null, string]>("UPDATE sessions SET news_json = ? WHERE id = ?");
  const newsOf = (id: SessionId) => JSON.parse(news.get(id) ?? "[]") as string[];
  const plan = db.prepare<[string], string | null>("SELECT plan_json FROM sessions WHERE id = ?").pluck();
  const setPlan = db.prepare<[string | null, string]>("UPDATE sessions SET plan_json = ? WHERE id = ?");
  const remove = db.prepare<[string]>("DELETE FROM sessions WHERE id = ?");
  return {
    /** `requestHash`: hash of the request whose client chose the id; null if the daemon chose it. */
    insert({ subagent, task_id, container, ...session }: StoredSession, requestHash: string | null = null) {
      const subagent_json = subagent === undefined ? null : JSON.stringify(subagent);
      insert.run({
        ...session,
        requestHash,
        subagent_json,
        task_id: task_id ?? null,
        container: container ?? null,
        archived: Number(session.archived),
      });
    },
    /** Hidden until `show`; a start after a crash deletes it. */
    insertHidden({ subagent, task_id: _, container, ...session }: StoredSession) {
      const subagent_json = subagent === undefined ? null : JSON.stringify(subagent);
      insertHidden.run({
        ...session,
        subagent_json,
        container: container ?? null,
        archived: Number(session.archived),
      });
    },
    /** Shows it as the most recently used session. */
    show: (id: SessionId) => void touch.run(id),
    nameRequest: (id: SessionId, hash: string) => void nameRequest.run(hash, id),
    hide: (id: SessionId) => void hide.run(id),
    hidden: (): SessionId[] => hidden.all(),
    update({ subagent: _, task_id: __, container: ___, ...session }: StoredSession) {
      update.run({ ...session, ...session.usage, archived: Number(session.archived) });
    },
    /** What hearth tells the session's agent before its next prompt. The same text is kept once. */
    addNews(id: SessionId, text: string) {
      const known = newsOf(id);
      if (!known.includes(text)) setNews.run(JSON.stringify([...known, text].slice(-NEWS_MAX)), id);
    },
    /** Nothing is told twice. */
    takeNews(id: SessionId): string[] {
      const all = newsOf(id);
      if (all.length > 0) setNews.run(null, id);
      return all;
    },
    setContainer: (id: SessionId, container: string) => void setContainer.run(container, id),
    /** Makes it the most recently used session. */
    touch: (id: SessionId) => void touch.run(id),
    get(id: string): StoredSession | undefined {
      const row = byId.get(id);
      return row && toSession(row);
    },
    /** Those of all workspaces, most recently used first; after the one named. */
    everywhere: (after: string | undefined, limit: number): StoredSession[] =>
      everywhere
        .all((after === undefined ? undefined : useOfAny.get(after)) ?? Number.MAX_SAFE_INTEGER, limit)
        .map(toSession),
    /** The sessions that its agent started. */
    subagentsOf: (id: SessionId): SessionId[] => subagentsOf.all(id),
    requestHash: (id: SessionId): string | null => requestHash.get(id) ?? null,
    /** Most recently used first. `before` is the id of the previous page's last session. */
    page(
      workspaceId: WorkspaceId,
      options: {
        limit: number;
        before?: string | undefined;
        query?: string | undefined;
        archived: boolean | null;
      },
    ): StoredSession[] {
      const before = options.before === undefined ? undefined : useOf.get(options.before, workspaceId);
      const words = (options.query ?? "").replace(/[\\%_]/g, "\\$&");
      return page
        .all({
          workspace_id: workspaceId,
          before: before ?? Number.MAX_SAFE_INTEGER,
          pattern: `%${words}%`,
          archived: options.archived === null ? null : Number(options.archived),
          limit: options.limit,
        })
        .map(toSession);
    },
    plan(id: SessionId): Plan["entries"] {
      const json = plan.get(id) ?? null;
      return json === null ? [] : (JSON.parse(json) as Plan["entries"]);
    },
    setPlan: (id: SessionId, entries: Plan["entries"]) =>
      void setPlan.run(entries.length === 0 ? null : JSON.stringify(entries), id),
    remove: (id: SessionId) => void remove.run(id),
  };
}
