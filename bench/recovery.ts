// How long a daemon takes to come back to a large store after kill -9: `npm run bench -- recovery [--write]`.
import { randomBytes } from "node:crypto";
import Database from "better-sqlite3";
import { startDaemon } from "../test/support/daemon.ts";
import { say } from "../test/support/model-server.ts";
import { openBenchWorld } from "./measure/bench-world.ts";
import { type Row, report, sample } from "./measure/report.ts";

const MESSAGES = 100_000;
const SESSIONS = 200;
const id = (prefix: string) => `${prefix}_${randomBytes(16).toString("hex")}`;

/** Copies the turn that the store has so often that it holds MESSAGES, all of them long over. */
function fill(file: string): void {
  const db = new Database(file);
  type Row = Record<string, unknown>;
  const first = (sql: string) => db.prepare<[], Row>(sql).get() ?? {};
  const session = first("SELECT * FROM sessions LIMIT 1");
  const run = first("SELECT * FROM runs WHERE state = 'completed' LIMIT 1");
  const runId = String(run["id"]);
  const messages = db
    .prepare<[string], Row>("SELECT * FROM messages WHERE run_id = ? ORDER BY seq")
    .all(runId);
  const parts = db
    .prepare<[string], Row>(
      "SELECT p.* FROM parts p JOIN messages m ON m.id = p.message_id WHERE m.run_id = ?",
    )
    .all(runId);
  const insert = (table: string, row: Row) => {
    const names = Object.keys(row);
    const values = names.map((name) => `@${name}`).join(", ");
    db.prepare(`INSERT INTO ${table} (${names.join(", ")}) VALUES (${values})`).run(row);
  };
  const turns = Math.ceil(MESSAGES / messages.length / SESSIONS);
  db.transaction(() => {
    for (let index = 0; index < SESSIONS; index += 1) {
      const sessionId = id("ses");
      insert("sessions", { ...session, id: sessionId, used_seq: 1000 + index });
      for (let turn = 0; turn < turns; turn += 1) {
        const newRun = id("run");
        insert("runs", { ...run, id: newRun, session_id: sessionId, accepted_seq: turn + 1 });
        for (const [at, message] of messages.entries()) {
          const messageId = id("msg");
          const seq = turn * messages.length + at + 1;
          insert("messages", { ...message, id: messageId, session_id: sessionId, run_id: newRun, seq });
          for (const part of parts.filter((candidate) => candidate["message_id"] === message["id"])) {
            insert("parts", { ...part, id: id("prt"), message_id: messageId });
          }
        }
      }
    }
  })();
  db.close();
}

const world = await openBenchWorld();
world.home.write("a.txt", "alpha\n".repeat(100));
world.model.enqueue(
  say("Reading.", { call: "read", input: { path: "a.txt" } }),
  say("An answer. ".repeat(50)),
);
await world.completed((await world.prompt("hello")).run_id);
await world.daemon.stop();
fill(world.home.database);
try {
  let since = world.events.lastSeq() ?? 0;
  const samples = await sample(
    5,
    async () => {
      // Killed in the middle of an answer, so that there is something to reconcile.
      const before = await startDaemon(world.home);
      const api = before.api();
      const path = `/v1/workspaces/${world.wid}`;
      await api.expect(200, "POST", "/v1/workspaces", {
        body: { path: world.home.project, env: world.home.env },
      });
      const events = await before.events(world.wid, "bench", { since, validate: false });
      world.model.enqueue(say("words ".repeat(200), { stop: "hang" }));
      await api.expect(202, "POST", `${path}/agent`, { body: { session_id: world.sid, prompt: "more" } });
      await events.until("part.delta");
      since = events.lastSeq() ?? since;
      await before.kill();
      const began = performance.now();
      const after = await startDaemon(world.home);
      const taken = performance.now() - began;
      await after.stop();
      return taken;
    },
    1,
  );
  const row: Row = {
    name: `daemon ready after kill -9, ${MESSAGES.toLocaleString("en")} messages`,
    unit: "ms",
    samples,
    aim: "< 2000",
  };
  report("Recovery", [row]);
} finally {
  await world.model.close();
  world.home.remove();
}
