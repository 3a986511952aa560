import assert from "node:assert";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createProcessSupervisor } from "../../src/agent/process/supervisor.ts";
import type { RunRecord } from "../../src/agent/run/record.ts";
import { bringFiles } from "../../src/agent/worktree/bring-files.ts";
import type { Change } from "../../src/protocol/change.ts";
import type { SessionId, WorkspaceId } from "../../src/protocol/ids.ts";
import type { Isolation } from "../../src/protocol/session.ts";
import { noUsage } from "../../src/protocol/usage.ts";
import { createChanges } from "../../src/server/changes.ts";
import { createEventHub } from "../../src/server/events/hub.ts";
import { createJournal } from "../../src/server/events/journal.ts";
import { createInPlaceChanges } from "../../src/server/in-place-changes.ts";
import { openStore } from "../../src/server/store/open.ts";
import { createWorktrees } from "../../src/server/worktrees.ts";
import { newId } from "./scripted-session.ts";

const env = {
  PATH: process.env["PATH"] ?? "",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_CONFIG_SYSTEM: "/dev/null",
  GIT_AUTHOR_NAME: "Ann",
  GIT_AUTHOR_EMAIL: "ann@example.com",
  GIT_COMMITTER_NAME: "Ann",
  GIT_COMMITTER_EMAIL: "ann@example.com",
};

/** Real git in a folder. */
export const gitIn =
  (folder: string) =>
  (...args: string[]): string =>
    execFileSync("git", args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] }).toString();

export type Files = { [path: string]: string | Buffer };

export function writeAll(folder: string, files: Files) {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
}

/** A repository with one commit of these files, worktrees and their changes as the daemon has them, without a daemon. */
export function openWorktreeWorld(
  committed: Files,
  options: { below?: string; bring?: Parameters<typeof bringFiles>[2]; top?: string; home?: string } = {},
) {
  const home = realpathSync(mkdtempSync(join(options.home ?? tmpdir(), "hearth-wt-")));
  const top = options.top ?? join(home, "repo");
  const root = options.below === undefined ? top : join(top, options.below);
  mkdirSync(root, { recursive: true });
  const git = gitIn(top);
  git("init", "-q", "-b", "main");
  writeAll(top, committed);
  if (Object.keys(committed).length > 0) {
    git("add", "-A");
    git("commit", "-q", "-m", "first");
  }
  const now = () => new Date();
  let gitFolder: string | undefined;
  const processes = createProcessSupervisor({ recordDir: join(home, "run") });
  const open = () => {
    const store = openStore(join(home, "hearth.db"));
    const hub = createEventHub(store, now);
    const events: { type: string; payload: unknown }[] = [];
    const journal = createJournal({
      ...{ store, hub, now, cancelQuestions: () => {}, monotonicMs: () => performance.now() },
      present: (session, runtime) => ({
        ...session,
        state: "idle",
        queued: runtime.queued,
        pending_changes: store.changes.pending(session.id),
        context: null,
      }),
      report: (message, cause) => {
        throw new Error(message, { cause });
      },
    });
    const logged: string[] = [];
    const log = {
      info: (message: string) => void logged.push(message),
      warn: (message: string, fields?: object) => void logged.push(`${message} ${JSON.stringify(fields)}`),
      error: (message: string, fields?: { cause?: unknown }) =>
        void logged.push(`error: ${message}: ${fields?.cause}`),
    };
    const worktrees = createWorktrees({
      ...{ store, journal, processes, newId, now },
      log: log as never,
      folder: join(home, "data", "worktrees"),
      envOf: () => ({ ...env, PATH: gitFolder ?? env.PATH }),
      prepare: async ({ from, to }) => (await bringFiles(from, to, options.bring ?? {})).paths,
      sessionChanged(tx, sid) {
        journal.changeSession(tx, sid, { running: false, queued: 0 });
        events.push({ type: "changes", payload: store.changes.pending(sid) });
      },
    });
    const changes = createChanges({
      ...{ store, journal, worktrees, now },
      patches: { kept: async () => undefined, baseOf: async () => null },
      inPlace: createInPlaceChanges({
        ...{ store, gitFor: worktrees.gitFor, rootOf: () => root, storeOf: () => join(home, "none") },
        checkpoints: () => assert.fail("no session of this world works in place"),
        log: log as never,
      }),
      alone: (_, work) => work(),
      isRunning: () => false,
      log: log as never,
      folder: join(home, "data", "writes"),
      mustBeSession: () => {},
      mustExist: () => {},
      newId: () => newId("chg").slice(4),
    });
    return { store, worktrees, changes, logged, events };
  };
  let daemon = open();
  const wid: WorkspaceId = newId("ws");
  daemon.store.workspaces.insert(wid, root, now().toISOString());

  const at = now().toISOString();
  function newSession(isolation: Isolation = "worktree"): SessionId {
    const id = newId("ses");
    daemon.store.sessions.insert({
      ...{ id, workspace_id: wid, title: "", agent: "hearth", model: null, mode: "ask", agent_mode: null },
      ...{ isolation, parent_id: null, archived: false, created_at: at, updated_at: at },
      ...{ usage: noUsage, cost: 0 },
    });
    return id;
  }
  const sid = newSession();
  const signal = AbortSignal.timeout(120_000);

  return {
    home,
    top,
    root,
    git,
    wid,
    sid,
    newSession,
    get store() {
      return daemon.store;
    },
    get worktrees() {
      return daemon.worktrees;
    },
    get services() {
      return daemon.changes.services;
    },
    get logged() {
      return daemon.logged;
    },
    get events() {
      return daemon.events;
    },
    /** Makes the session's worktree, as its first run does; where it is. */
    async ready(of: SessionId = sid): Promise<string> {
      await daemon.worktrees.ready(wid, of, signal);
      return daemon.worktrees.rootOf(wid, of);
    },
    /** One turn of an agent, who does `work` in the worktree. */
    async turn(work: (folder: string) => void | Promise<void>, agent = "hearth", of: SessionId = sid) {
      await daemon.worktrees.ready(wid, of, signal);
      const run_id = newId("run");
      const files = daemon.worktrees.watch(
        wid,
        { id: run_id, session_id: of, agent } as RunRecord,
        (notice) => daemon.events.push({ type: notice.code, payload: notice.text }),
      );
      await files?.beforeChange(signal);
      await work(daemon.worktrees.rootOf(wid, of));
      await files?.settled();
      return run_id;
    },
    list: (state: Change["state"] | undefined = "pending", of: SessionId = sid) =>
      daemon.changes.services.list(wid, { session_id: of, state }).then(({ changes }) => changes),
    /** The content of a file in the user's checkout. */
    read: (path: string) => readFileSync(join(top, path), "utf8"),
    /** From now on hearth finds no other git than this one; null: none at all, undefined: the real one. */
    replaceGit(script: string | null | undefined) {
      gitFolder = script === undefined ? undefined : join(home, "bin");
      rmSync(join(home, "bin"), { recursive: true, force: true });
      mkdirSync(join(home, "bin"));
      if (script != null) writeFileSync(join(home, "bin", "git"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    },
    /** As after kill -9 of the daemon. */
    async restart() {
      daemon.store.close();
      daemon = open();
      await daemon.changes.recover();
    },
    async close() {
      await processes.close();
      daemon.store.close();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

export type WorktreeWorld = ReturnType<typeof openWorktreeWorld>;
