// faults.md F08 to F10 and F13: what happens to the disk below the store costs no accepted row and no daemon.
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import Database from "better-sqlite3";
import { describe, expect, test } from "vitest";
import { DaemonRefused, startDaemon } from "../support/daemon.ts";
import { createGate, eventually } from "../support/happenings.ts";
import { createHome, type Home } from "../support/home.ts";
import { say } from "../support/model-server.ts";
import { mountSmallDisk, whyNoSmallDisk } from "../support/small-disk.ts";
import { expectStreamTellsTheTruth, openWorld, type Terminal, type World } from "../support/world.ts";

const noDisk = whyNoSmallDisk();
if (noDisk !== null) process.stdout.write(`skipped: tests of a full disk (${noDisk})\n`);
const bash = (command: string) => ({ call: "bash", input: { command } }) as const;

const tryPrompt = (terminal: Terminal, prompt: string) =>
  terminal.api.call("POST", terminal.path("/agent"), { body: { session_id: terminal.sid, prompt } });
const healthy = async (terminal: Terminal) => (await terminal.api.call("GET", "/v1/health")).status === 200;

describe.skipIf(noDisk !== null)("a full disk", () => {
  test("ends what runs, refuses prompts with 507 and stays up, and all goes on when there is room", async () => {
    const disk = mountSmallDisk(32);
    const world = await openWorld({ under: disk.path });
    const terminal = await world.terminal("only");
    await terminal.ask("before");
    const gate = createGate();
    world.model.enqueue(say("one ", { until: gate.passed }, `two ${"x".repeat(300_000)}`));
    const running = await terminal.prompt("running");
    await terminal.events.until("part.delta");
    const queued = await terminal.prompt("queued");

    disk.fill();
    const refused = await tryPrompt(terminal, `refused ${"y".repeat(8_000_000)}`);
    expect([refused.status, refused.json]).toMatchObject([507, { error: { code: "store_unavailable" } }]);
    expect((refused.json as { error: { message: string } }).error.message).toMatch(/disk is full/);
    gate.open();
    await (await world.model.requestSaying("running")).closed;
    expect(await healthy(terminal)).toBe(true);
    expect((await terminal.messages())[0]?.parts[0]).toMatchObject({ text: "before" });

    disk.free();
    const end = await terminal.completed(running.run_id);
    expect(["end_turn", "error"]).toContain(end.outcome);
    expect((await terminal.completed(queued.run_id)).outcome).toBe("end_turn");
    expect((await terminal.ask("after")).outcome).toBe("end_turn");
    const prompts = (await terminal.messages()).filter(({ role }) => role === "user");
    expect(prompts.map(({ parts: [part] }) => (part?.type === "text" ? part.text : ""))).toEqual([
      "before",
      "running",
      "queued",
      "after",
    ]);
  });

  test("that fills while an answer streams ends the turn, and everybody is told why until there is room", async () => {
    const disk = mountSmallDisk(32);
    const world = await openWorld({ under: disk.path });
    const terminal = await world.terminal("only");
    const before = await terminal.snapshot();
    const gate = createGate();
    const after = (ms: number) => ({ until: gate.passed.then(() => sleep(ms)) });
    const stream = (text: string) =>
      say(text, ...Array.from({ length: 300 }, (_, nth) => [after(nth * 100), "w".repeat(5000)]).flat());
    world.model.enqueue(stream("one "), stream("two "));
    const failed = await terminal.prompt("fails");
    await terminal.events.until("part.delta");
    disk.fill();
    gate.open();
    await (await world.model.requestSaying("fails")).closed;
    const told = await terminal.events.until("workspace.updated");
    expect(told.payload.workspace.trouble).toMatch(/^Nothing can be saved: the disk is full/);
    expect((await (await world.terminal("late")).snapshot()).workspace.trouble).toContain("the disk is full");
    const late = await tryPrompt(terminal, "refused");
    expect([late.status, late.text]).toEqual([507, expect.stringContaining("the disk is full")]);
    disk.free();
    const end = await terminal.completed(failed.run_id);
    expect(end).toMatchObject({ outcome: "error", error: { code: "store_unavailable" } });
    expect(end.error?.message).toMatch(/the disk is full/);
    expect(end.error?.message).not.toMatch(/again/);
    expect(end.text).toMatch(/^one w+$/);
    const over = await terminal.events.until(
      "workspace.updated",
      ({ payload }) => !payload.workspace.trouble,
    );
    expect(over.seq).toBeGreaterThan(told.seq);
    expect(world.daemon.log()).toMatch(
      /the store cannot be written[^\n]*\n(.*\n)*.*the store can be written again/,
    );

    const canceled = await terminal.prompt("canceled");
    await world.model.requestSaying("canceled");
    disk.fill();
    // It is answered and stops the work, although its end cannot be written yet.
    expect(await terminal.cancel()).toEqual({ canceled: [canceled.run_id], held: [] });
    await (await world.model.requestSaying("canceled")).closed;
    disk.free();
    expect((await terminal.completed(canceled.run_id)).outcome).toBe("canceled");
    expect((await terminal.ask("after")).outcome).toBe("end_turn");
    await expectStreamTellsTheTruth(terminal, before);
  });

  test("cannot be written to a file in part: the old one stays whole, and the model is told", async () => {
    const disk = mountSmallDisk(32);
    const world = await openWorld({ under: disk.path, session: { mode: "accept_edits" } });
    world.home.write("kept.txt", "the old words\n");
    const terminal = await world.terminal("only");
    const gate = createGate();
    world.model.enqueue(say({ call: "read", input: { path: "kept.txt" } }), () =>
      say(
        { until: gate.passed },
        { call: "write", input: { path: "kept.txt", content: "n".repeat(200_000) } },
      ),
    );
    const { run_id } = await terminal.prompt("write it");
    await world.model.request(1);
    disk.fill();
    gate.open();
    await eventually(
      async () => (await world.model.requests.length) > 2 || !(await world.model.request(1)).isOpen(),
      "the call",
    );
    expect(readFileSync(`${world.home.project}/kept.txt`, "utf8")).toBe("the old words\n");
    disk.free();
    const { outcome } = await terminal.completed(run_id);
    expect(["end_turn", "error"]).toContain(outcome);
    expect(["the old words\n", "n".repeat(200_000)]).toContain(
      readFileSync(`${world.home.project}/kept.txt`, "utf8"),
    );
    expect(readdirSync(world.home.project)).toEqual(["kept.txt"]);
  });

  test("at the start is one sentence, and nothing is lost", async () => {
    const disk = mountSmallDisk(8);
    const home = createHome(disk.path);
    disk.fill();
    const refusal = await startDaemon(home).catch((error: unknown) => error);
    disk.free();
    if (!(refusal instanceof DaemonRefused)) throw new Error("it started without room for a store");
    expect(refusal.message).toMatch(/full|room|ENOSPC/);
    expect(refusal.message).not.toContain("\n");
    const daemon = await startDaemon(home);
    expect((await daemon.api().call("GET", "/v1/health")).status).toBe(200);
    await daemon.stop();
  });

  test("that is read-only is one sentence at the start, and the store is as it was", async () => {
    const disk = mountSmallDisk(16);
    const world = await openWorld({ under: disk.path });
    const terminal = await world.terminal("only");
    await terminal.ask("before");
    await world.stop();
    const before = readFileSync(world.home.database);
    disk.makeReadOnly();
    const refusal = await world.restart().catch((error: unknown) => error);
    disk.makeWritable();
    expect(refusal).toBeInstanceOf(Error);
    expect(String(refusal)).toMatch(/read-only|cannot be|EROFS/);
    expect(readFileSync(world.home.database).equals(before)).toBe(true);
    await world.restart();
    expect(await (await world.terminal("again")).messages()).toHaveLength(2);
  });
});

describe("a store that another program holds", () => {
  const hold = (world: World) => {
    const holder = new Database(world.home.database);
    holder.exec("BEGIN IMMEDIATE");
    return () => {
      holder.exec("ROLLBACK");
      holder.close();
    };
  };

  test("keeps the daemon answering, refuses prompts, and takes them when it is let go", async () => {
    const world = await openWorld();
    const terminal = await world.terminal("only");
    await terminal.ask("before");
    const release = hold(world);
    // Each refusal may wait for the lock a moment; the default of SQLite's binding is 5 s, in which nobody is answered.
    const began = performance.now();
    const [refused] = await Promise.all([
      tryPrompt(terminal, "refused"),
      healthy(terminal),
      terminal.messages(),
    ]);
    expect(performance.now() - began).toBeLessThan(4500);
    expect([refused.status, refused.json]).toMatchObject([507, { error: { code: "store_unavailable" } }]);
    const rename = await terminal.api.call("PATCH", terminal.path(`/sessions/${terminal.sid}`), {
      body: { title: "x" },
    });
    expect(rename.status).toBe(507);
    const create = await terminal.api.call("POST", terminal.path("/sessions"), { body: {} });
    expect(create.status).toBe(507);
    release();
    expect((await terminal.ask("after")).outcome).toBe("end_turn");
    expect((await terminal.runs()).length).toBe(2);
  });

  test("loses no answer to a question: it is refused, stands, and can be given again", async () => {
    const world = await openWorld();
    const terminal = await world.terminal("only");
    world.model.enqueue(say(bash("echo ran > ran.txt")), say("Ran."));
    const { run_id } = await terminal.prompt("run it");
    const question = await terminal.question();
    const release = hold(world);
    const refused = await terminal.api.call("POST", terminal.path(`/permissions/${question.id}`), {
      body: { decision: "allow_once" },
    });
    expect(refused.status).toBe(507);
    expect(existsSync(`${world.home.project}/ran.txt`)).toBe(false);
    release();
    expect((await terminal.snapshot()).permissions).toEqual([question]);
    await terminal.answer(question, "allow_once");
    expect(await terminal.completed(run_id)).toMatchObject({ outcome: "end_turn", text: "Ran." });
  });

  test("does not keep a cancel from its work, nor a question from being withdrawn, nor the daemon up", async () => {
    const world = await openWorld();
    const terminal = await world.terminal("only");
    world.model.enqueue(say(bash("echo ran > ran.txt")));
    const { run_id } = await terminal.prompt("run it");
    const question = await terminal.question();
    const release = hold(world);
    await terminal.cancel();
    expect(await healthy(terminal)).toBe(true);
    release();
    expect((await terminal.completed(run_id)).outcome).toBe("canceled");
    const resolved = await terminal.events.until("permission.resolved");
    expect(resolved.payload.permission).toMatchObject({ id: question.id, state: "canceled" });
    expect((await terminal.ask("next")).outcome).toBe("end_turn");
    expect(existsSync(`${world.home.project}/ran.txt`)).toBe(false);
  });

  test("may be vacuumed under the running daemon", async () => {
    const world = await openWorld();
    const terminal = await world.terminal("only");
    await terminal.ask("before");
    const other = new Database(world.home.database);
    other.exec("VACUUM");
    other.pragma("wal_checkpoint(TRUNCATE)");
    other.close();
    expect((await terminal.ask("after")).outcome).toBe("end_turn");
  });
});

describe("a damaged store", () => {
  /** A store of many pages with sessions in it, whose daemon is gone. */
  async function seeded(): Promise<{ world: World; sessions: string[] }> {
    const world = await openWorld();
    const terminal = await world.terminal("only");
    const sessions = [world.sid];
    for (let index = 0; index < 30; index += 1)
      sessions.push((await world.createSession({ title: `session ${index} ${"t".repeat(300)}` })).id);
    world.model.script(() => say("word ".repeat(2000)));
    await terminal.ask("remember me");
    await world.stop();
    return { world, sessions };
  }
  const overwrite = (file: string, offset: number, bytes: Buffer) => {
    const opened = openSync(file, "r+");
    writeSync(opened, bytes, 0, bytes.length, offset);
    closeSync(opened);
  };
  const damages: [string, (home: Home) => void, "kept" | "salvaged" | "moved"][] = [
    ["whose header is zeroed", (home) => overwrite(home.database, 0, Buffer.alloc(100)), "moved"],
    [
      "that lacks its end",
      (home) => truncateSync(home.database, Math.floor((statSync(home.database).size * 7) / 8 / 4096) * 4096),
      "salvaged",
    ],
    [
      "with pages overwritten",
      (home) => {
        const { size } = statSync(home.database);
        for (let page = 40; page < size / 4096; page += 7)
          overwrite(home.database, page * 4096, Buffer.alloc(4096, 0xa5));
      },
      "salvaged",
    ],
    [
      "that holds nothing but noise",
      (home) => writeFileSync(home.database, Buffer.alloc(50_000, 0x5a)),
      "moved",
    ],
    [
      "with a log of another store beside it",
      (home) => writeFileSync(`${home.database}-wal`, Buffer.alloc(40_000, 7)),
      "kept",
    ],
    [
      "with rubbish for its shared memory",
      (home) => writeFileSync(`${home.database}-shm`, Buffer.alloc(32_768, 9)),
      "kept",
    ],
    ["whose log is gone", (home) => rmSync(`${home.database}-wal`, { force: true }), "kept"],
  ];
  test.each(damages)("%s is found out, kept aside, and the daemon works", async (_, damage, expected) => {
    const { world, sessions } = await seeded();
    damage(world.home);
    const damaged = readFileSync(world.home.database);
    await world.restart();
    const api = world.daemon.api("after");
    const { notices = [] } = await api.expect<{ notices?: string[] }>(200, "GET", "/v1/health");
    const aside = readdirSync(dirname(world.home.database)).filter((name) => /damaged-[^/]*Z$/.test(name));
    const { workspace } = { workspace: await world.openWorkspace() };
    const left = await api.expect<{ sessions: { id: string }[] }>(
      200,
      "GET",
      `/v1/workspaces/${workspace.id}/sessions`,
    );
    if (expected === "kept") {
      expect([notices, aside]).toEqual([[], []]);
      expect(left.sessions.map(({ id }) => id).toSorted()).toEqual(sessions.toSorted());
    } else {
      expect(aside).toHaveLength(1);
      expect(notices.join()).toContain(aside[0]);
      expect(readFileSync(`${dirname(world.home.database)}/${aside[0]}`).equals(damaged)).toBe(true);
      if (expected === "salvaged") expect(left.sessions.length).toBeGreaterThan(0);
    }
    const { session } = await api.expect<{ session: { id: string } }>(
      201,
      "POST",
      `/v1/workspaces/${workspace.id}/sessions`,
      { body: {} },
    );
    world.model.script(() => say("Works."));
    const events = await world.daemon.events(workspace.id, "after");
    const { run_id } = await api.expect<{ run_id: string }>(
      202,
      "POST",
      `/v1/workspaces/${workspace.id}/agent`,
      {
        body: { session_id: session.id, prompt: "hello" },
      },
    );
    const end = await events.until("run.completed", (event) => event.payload.run_id === run_id);
    expect(end.payload).toMatchObject({ outcome: "end_turn", text: "Works." });
    events.drop();
  });
});
