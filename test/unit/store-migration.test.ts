import {
  closeSync,
  existsSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { SessionId, WorkspaceId } from "../../src/protocol/ids.ts";
import { openStore } from "../../src/server/store/open.ts";
import { salvage } from "../../src/server/store/salvage.ts";

const schema = readFileSync(new URL("../../schema.sql", import.meta.url), "utf8");
const version = /'schema_version', '(\d+)'/.exec(schema)?.[1];

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "hearth-migration-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

/** As the first schema was, with a workspace in it. */
function makeFirstStore(file: string) {
  const db = new Database(file);
  db.exec(readFileSync(new URL("../support/schema-1.sql", import.meta.url), "utf8"));
  db.exec("INSERT INTO workspaces (id, path, state, created_at) VALUES ('ws_1', '/work', 'open', 'then')");
  return db;
}

/** What a table may hold, whatever the order of its columns. */
function shapeOf(file: string) {
  const db = new Database(file, { readonly: true });
  const columns = db
    .prepare(
      `SELECT t.name AS "table", c.name, c.type, c."notnull", c.dflt_value, c.pk
       FROM sqlite_schema t, pragma_table_info(t.name) c WHERE t.type = 'table' ORDER BY 1, 2`,
    )
    .all();
  const version = db.prepare("SELECT value FROM meta WHERE key = 'schema_version'").pluck().get();
  const indexes = db.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'index' ORDER BY name").all();
  db.close();
  return { columns, indexes, version };
}

test("a store of the first schema becomes what a new one is, keeps its rows, and is copied before", () => {
  const old = join(dir, "old.db");
  makeFirstStore(old).close();
  const store = openStore(old);
  expect(store.workspaces.getByPath("/work")).toMatchObject({ id: "ws_1", identity: "" });
  store.close();
  openStore(join(dir, "new.db")).close();
  expect(shapeOf(old)).toEqual(shapeOf(join(dir, "new.db")));
  expect(shapeOf(`${old}.before-${version}`).version).toBe("1");
});

test("the copy has what a killed daemon had left in the log", () => {
  const old = join(dir, "old.db");
  const killed = makeFirstStore(old);
  killed.pragma("journal_mode = WAL");
  killed.exec("UPDATE workspaces SET path = '/elsewhere'");
  expect(statSync(`${old}-wal`).size).toBeGreaterThan(0);
  openStore(old).close();
  const copy = new Database(`${old}.before-${version}`, { readonly: true });
  expect(copy.prepare("SELECT path FROM workspaces").pluck().get()).toBe("/elsewhere");
  copy.close();
  killed.close();
});

test("a store of today is opened without a copy", () => {
  const file = join(dir, "new.db");
  openStore(file).close();
  openStore(file).close();
  expect(existsSync(`${file}.before-${version}`)).toBe(false);
});

test("the number of a grant that was taken back is not given again, in a new store and in an old one", () => {
  makeFirstStore(join(dir, "old.db")).close();
  for (const name of ["old.db", "new.db"]) {
    const store = openStore(join(dir, name));
    const wid = "ws_1" as WorkspaceId;
    if (name === "new.db") store.workspaces.insert(wid, "/work", "then");
    const give = (rule: string) => {
      const who = { granted_by: null, granted_at: "then", scripts: { "package.json#test": "x" } };
      const grant = { workspace_id: wid, session_id: null, rule, ...who };
      store.transaction("synced", () => store.grants.insert(grant));
      return store.grants.all(wid).find((known) => known.rule === rule)?.id ?? 0;
    };
    const kept = give("bash(npm test)");
    const last = give("bash(npm start)");
    store.transaction("synced", () => store.grants.remove(wid, last));
    expect(give("bash(curl *)")).toBeGreaterThan(Math.max(kept, last));
    store.close();
  }
});

test("what can be read of a damaged store of the first schema is saved", () => {
  const old = join(dir, "old.db");
  const db = makeFirstStore(old);
  db.exec(`INSERT INTO sessions (id, workspace_id, title, agent, mode, isolation, created_at, updated_at, used_seq)
    VALUES ('ses_1', 'ws_1', 'mend the cart', 'hearth', 'ask', 'in_place', 'then', 'then', 1)`);
  const pageBytes = Number(db.pragma("page_size", { simple: true }));
  const index = db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'sessions_by_use'").pluck().get();
  db.close();
  const file = openSync(old, "r+");
  writeSync(file, Buffer.alloc(pageBytes, 0xff), 0, pageBytes, (Number(index) - 1) * pageBytes);
  closeSync(file);
  const store = openStore(old);
  expect(store.salvaged).toBe(1);
  const [workspace] = store.workspaces.list();
  expect(workspace).toMatchObject({ id: "ws_1", path: "/work", identity: "" });
  expect(store.sessions.get("ses_1" as SessionId)).toMatchObject({
    title: "mend the cart",
    agent_mode: null,
  });
  store.close();
});

test("of what is saved nothing is garbage: a long text may lie in a damaged page where its row does not", () => {
  const path = join(dir, "whole.db");
  openStore(path).close();
  const from = new Database(path);
  from.exec(`INSERT INTO workspaces (id, path, state, created_at) VALUES ('ws_1', '/work', 'open', 'then');
    INSERT INTO sessions (id, workspace_id, title, agent, mode, isolation, created_at, updated_at, used_seq, plan_json)
      VALUES ('ses_1', 'ws_1', 'cart', 'hearth', 'ask', 'in_place', 'then', 'then', 1, '\xa5\xa5');
    INSERT INTO notifications (id, workspace_id, target, payload_json, due_at)
      VALUES ('a', 'ws_1', 't', '{}', 1), ('b', 'ws_1', 't', '{"text": "\xa5', 1)`);
  from.close();
  const into = join(dir, "into.db");
  openStore(into).close();
  const db = new Database(into);
  expect(salvage(db, path)).toBe(1);
  expect(db.prepare("SELECT plan_json FROM sessions").pluck().all()).toEqual([null]);
  expect(db.prepare("SELECT id FROM notifications").pluck().all()).toEqual(["a"]);
  db.close();
});
