import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { afterEach, expect, test } from "vitest";
import { openStore } from "../../src/server/store/open.ts";
import { createUsage } from "../../src/server/usage.ts";

const folder = mkdtempSync(join(tmpdir(), "hearth-usage-"));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a long ledger is summed in pages, others are served between them, and the total counts all", async () => {
  const file = join(folder, "hearth.db");
  openStore(file).close();
  const db = new Database(file);
  db.exec("INSERT INTO workspaces (id, path, state, created_at) VALUES ('ws_1', '/w', 'open', '2026-01-01')");
  const insert = db.prepare(
    "INSERT INTO run_usage VALUES (?, 'ws_1', ?, 'hearth', NULL, '2026-01-01', 2, 1, 0, 0, 0, 0.5)",
  );
  db.transaction(() => {
    for (let at = 0; at < 2500; at += 1) insert.run(`run_${at}`, `ses_${at % 1200}`);
  })();
  db.close();

  const store = openStore(file);
  let isSummed = false;
  let turns = 0;
  const others = () => {
    turns += 1;
    if (!isSummed) setImmediate(others);
  };
  setImmediate(others);
  const { rows, total } = await createUsage(store, () => {})("session", undefined);
  isSummed = true;
  store.close();
  expect(turns).toBeGreaterThanOrEqual(3);
  expect(rows).toHaveLength(1000);
  expect(total).toMatchObject({ runs: 2500, cost: 1250, usage: { input_tokens: 5000, output_tokens: 2500 } });
  expect(rows[0]).toEqual({
    key: "ses_0",
    label: null,
    runs: 3,
    usage: {
      input_tokens: 6,
      output_tokens: 3,
      reasoning_tokens: 0,
      cache_read_tokens: 0,
      cache_write_tokens: 0,
    },
    cost: 1.5,
  });
});
