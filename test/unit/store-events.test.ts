import { mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { HearthEvent } from "../../src/protocol/events.ts";
import type { WorkspaceId } from "../../src/protocol/ids.ts";
import { openStore } from "../../src/server/store/open.ts";

const MIB = 1024 * 1024;
const wid: WorkspaceId = `ws_${"0".repeat(32)}`;
const old = "2026-01-01T00:00:00.000Z";
const recent = "2026-01-03T00:00:00.000Z";
const wide = { events: 1000, bytes: MIB, since: old };
let dir = "";
let file = "";
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "hearth-store-"));
  file = join(dir, "hearth.db");
});
afterEach(() => rmSync(dir, { recursive: true }));

function openWithWorkspace() {
  const store = openStore(file);
  store.workspaces.insert(wid, dir, old);
  const tell = (seq: number, time: string, reason: string, type = "resync") => {
    const payload = { reason };
    store.events.insert(
      wid,
      { seq, type, time, payload } as unknown as HearthEvent,
      JSON.stringify(payload),
      100,
    );
  };
  return { ...store, tell };
}

test("events outside the window go, whether by number, by bytes or by age", () => {
  const store = openWithWorkspace();
  for (let seq = 1; seq <= 10; seq += 1) store.tell(seq * 10, seq <= 5 ? old : recent, "x".repeat(87));
  const seqs = () => store.events.after(wid, 0, { events: 100, bytes: 1e6 }).rows.map(({ seq }) => seq);
  expect(store.events.prune(wid, wide)).toBeUndefined();
  expect(store.events.prune(wid, { ...wide, events: 8 })).toBe(20);
  expect(store.events.prune(wid, { ...wide, bytes: 799 })).toBe(30);
  expect(seqs()).toEqual([40, 50, 60, 70, 80, 90, 100]);
  expect(store.events.prune(wid, { ...wide, since: recent })).toBe(50);
  expect(seqs()).toEqual([60, 70, 80, 90, 100]);
  store.close();
});

test("a whole window that has run out goes in pieces", () => {
  const store = openWithWorkspace();
  store.transaction("relaxed", () => {
    for (let seq = 1; seq <= 12_000; seq += 1) store.tell(seq, old, "");
  });
  const floors = [1, 2, 3].map(() => store.events.prune(wid, { ...wide, since: recent }));
  expect(floors).toEqual([5001, 10_002, 12_000]);
  expect(store.events.prune(wid, { ...wide, since: recent })).toBeUndefined();
  store.close();
});

test("a page of events ends with the one that fills it, and goes on behind that", () => {
  const store = openWithWorkspace();
  for (let seq = 1; seq <= 5; seq += 1) store.tell(seq, old, "x".repeat(1000));
  const page = (after: number, events: number, bytes: number) => {
    const { rows, isLast } = store.events.after(wid, after, { events, bytes });
    return [rows.map(({ seq }) => seq), isLast];
  };
  expect(page(0, 100, 1500)).toEqual([[1, 2], false]);
  expect(page(2, 2, MIB)).toEqual([[3, 4], false]);
  expect(page(4, 2, MIB)).toEqual([[5], true]);
  store.close();
});

test("events of some types are found in their order", () => {
  const store = openWithWorkspace();
  store.tell(1, old, "a", "client.attached");
  store.tell(2, old, "b");
  store.tell(3, old, "c", "client.detached");
  store.tell(4, old, "d", "client.attached");
  const found = store.events.ofTypes(wid, ["client.detached", "client.attached"]);
  expect(found.map(({ payload_json }) => JSON.parse(payload_json))).toEqual([
    { reason: "a" },
    { reason: "c" },
    { reason: "d" },
  ]);
  store.close();
});

test("a large store is read from end to end only when damage was met in it", () => {
  const store = openWithWorkspace();
  store.transaction("relaxed", () => {
    for (let seq = 1; seq <= 40; seq += 1) store.tell(seq, old, "x".repeat(MIB));
  });
  store.close();
  const raw = openSync(file, "r+");
  writeSync(raw, Buffer.alloc(64 * 1024, 0xff), 0, 64 * 1024, 20 * MIB);

  const opened = openStore(file);
  expect(opened.movedAside).toBeNull();
  expect(() =>
    opened.transaction("relaxed", () =>
      opened.events.after(wid, 0, { events: 100, bytes: Number.MAX_SAFE_INTEGER }),
    ),
  ).toThrowError(/damaged.*hearth daemon restart/);
  opened.close();

  const again = openStore(file);
  expect(again.movedAside).not.toBeNull();
  again.close();
  const third = openStore(file);
  expect(third.movedAside).toBeNull();
  third.close();
});

test("a suspicion that was wrong is dropped", () => {
  openWithWorkspace().close();
  writeFileSync(`${file}.suspect`, "");
  const store = openStore(file);
  expect([store.movedAside, store.workspaces.get(wid)?.path]).toEqual([null, dir]);
  store.close();
  expect(() => rmSync(`${file}.suspect`)).toThrowError(/ENOENT/);
});
