import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import type { ToolCallStatus } from "../../src/protocol/message.ts";
import { eventually } from "./happenings.ts";
import { CANARY_KEY, type Home } from "./home.ts";
import { type Found, isAlive, processesOf } from "./processes.ts";

const terminal: readonly ToolCallStatus[] = ["completed", "failed", "denied", "canceled", "interrupted"];

/** What must be true of every store, whatever the test did. Throws with all that is not. */
export function checkStore(home: Home): void {
  if (!existsSync(home.database)) return;
  const db = new Database(home.database, { readonly: true, timeout: 2000 });
  try {
    const wrong = [...soundness(db), ...runsEndOnce(db), ...messagesAreWhole(db), ...questionsAreClosed(db)];
    if (wrong.length > 0)
      throw new Error(`the store of ${home.dir} breaks its promises:\n${wrong.join("\n")}`);
  } finally {
    db.close();
  }
}

function soundness(db: Database.Database): string[] {
  const integrity = db.pragma("integrity_check", { simple: true });
  const foreign = db.pragma("foreign_key_check") as unknown[];
  const beyond = db
    .prepare<[], { id: string; seq: number }>(
      "SELECT w.id, max(e.seq) AS seq FROM workspaces w JOIN events e ON e.workspace_id = w.id GROUP BY w.id HAVING max(e.seq) > w.seq_reserved",
    )
    .all();
  return [
    ...(integrity === "ok" ? [] : [`integrity_check: ${String(integrity)}`]),
    ...(foreign.length === 0 ? [] : [`foreign_key_check: ${JSON.stringify(foreign)}`]),
    ...beyond.map((row) => `${row.id} has told seq ${row.seq}, which it had not reserved`),
  ];
}

type RunRow = { id: string; state: string; outcome: string | null; message_id: string };

/** G8. Sessions that were deleted have no rows left to compare with. */
function runsEndOnce(db: Database.Database): string[] {
  const ends = db
    .prepare<[], { run_id: string; outcome: string; count: number }>(
      `SELECT json_extract(payload_json, '$.run_id') AS run_id, min(json_extract(payload_json, '$.outcome')) AS outcome,
         count(*) AS count
       FROM events WHERE type = 'run.completed' GROUP BY 1`,
    )
    .all();
  const byRun = new Map(ends.map((end) => [end.run_id, end]));
  const runs = db.prepare<[], RunRow>("SELECT id, state, outcome, message_id FROM runs").all();
  /** Some events are not kept any more: too old, or of a store that was damaged. */
  const isPruned = db.prepare("SELECT 1 FROM workspaces WHERE events_floor > 0").get() !== undefined;
  return [
    ...ends.filter((end) => end.count !== 1).map((end) => `${end.run_id} has ${end.count} run.completed`),
    ...runs.flatMap((run) => {
      const end = byRun.get(run.id);
      const isOver = run.state === "completed";
      if (isOver !== (run.outcome !== null)) return [`${run.id} is ${run.state} with outcome ${run.outcome}`];
      if (isOver && end === undefined) return isPruned ? [] : [`${run.id} is completed and nobody was told`];
      if (!isOver && end !== undefined) return [`${run.id} is ${run.state} and was told to be over`];
      if (isOver && end?.outcome !== run.outcome)
        return [`${run.id}: told ${end?.outcome}, stored ${run.outcome}`];
      return [];
    }),
  ];
}

type MessageRow = {
  id: string;
  run_id: string;
  role: string;
  seq: number;
  finish_reason: string | null;
  completed_at: string | null;
};

function messagesAreWhole(db: Database.Database): string[] {
  const messages = db.prepare<[], MessageRow>("SELECT * FROM messages ORDER BY session_id, seq").all();
  const ofRun = Map.groupBy(messages, (message) => message.run_id);
  const runs = db.prepare<[], RunRow>("SELECT id, state, outcome, message_id FROM runs").all();
  const wrong = runs.flatMap((run) => {
    const turn = ofRun.get(run.id) ?? [];
    const users = turn.filter((message) => message.role === "user");
    const last = turn.at(-1);
    const found: string[] = [];
    if (users.length !== 1 || users[0]?.id !== run.message_id)
      found.push(`${run.id} has ${users.length} user messages`);
    if (turn[0]?.role !== "user") found.push(`${run.id} does not begin with its prompt`);
    if (run.state === "completed" && run.outcome !== "steered") {
      if (last?.role !== "assistant") found.push(`${run.id} ended without an answer`);
      if (last?.finish_reason !== run.outcome) {
        found.push(`${run.id} ended ${run.outcome}, its last message ${last?.finish_reason}`);
      }
      for (const message of turn)
        if (message.completed_at === null) found.push(`${message.id} of ${run.id} never settled`);
    }
    return found;
  });
  const parts = db
    .prepare<[], { id: string; message_id: string; data_json: string; run_state: string }>(
      `SELECT p.id, p.message_id, p.data_json, r.state AS run_state FROM parts p
         JOIN messages m ON m.id = p.message_id JOIN runs r ON r.id = m.run_id`,
    )
    .all();
  for (const part of parts) {
    const data = JSON.parse(part.data_json) as { type: string; status?: ToolCallStatus };
    if (data.type !== "tool_call" || part.run_state !== "completed") continue;
    if (data.status === undefined || !terminal.includes(data.status)) {
      wrong.push(`tool call ${part.id} of a run that is over is ${data.status}`);
    }
  }
  const left = db
    .prepare<[], { part_id: string }>(
      `SELECT DISTINCT d.part_id FROM part_deltas d JOIN parts p ON p.id = d.part_id
         JOIN messages m ON m.id = p.message_id JOIN runs r ON r.id = m.run_id WHERE r.state = 'completed'`,
    )
    .all();
  return [...wrong, ...left.map((row) => `text of ${row.part_id} was never folded into it`)];
}

function questionsAreClosed(db: Database.Database): string[] {
  const open = db
    .prepare<[], { id: string }>(
      "SELECT p.id FROM permissions p JOIN runs r ON r.id = p.run_id WHERE p.state = 'open' AND r.state = 'completed'",
    )
    .all();
  return open.map((row) => `${row.id} still asks for a run that is over`);
}

/** No provider's key is in any file that hearth has written. */
export function checkSecrets(home: Home): void {
  for (const folder of ["data", "state", "run"]) {
    const path = join(home.dir, folder);
    if (!existsSync(path)) continue;
    for (const name of readdirSync(path, { recursive: true, encoding: "utf8" })) {
      const file = join(path, name);
      let bytes: Buffer;
      try {
        bytes = readFileSync(file);
      } catch {
        continue; // a socket or a folder
      }
      if (bytes.includes(CANARY_KEY)) throw new Error(`the provider's key is in ${file}`);
    }
  }
}

/** Design G12: what a daemon that is gone has started is gone at most 5 s after it. */
export async function checkNobodyLeft(home: Home, started: readonly Found[]): Promise<void> {
  const base = home.dir.slice(0, home.dir.lastIndexOf("/"));
  const alive = () => [...started.filter(isAlive), ...processesOf(base)];
  try {
    await eventually(() => alive().length === 0, "every child to be gone", 6000);
  } catch {
    const left = alive().map((found) => `  ${found.pid} ${found.command.slice(0, 200)}`);
    throw new Error(`processes outlived the daemon:\n${left.join("\n")}`);
  }
}
