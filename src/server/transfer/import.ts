import type { z } from "zod";
import { createTimeSlice } from "../../async/time-slice.ts";
import { HearthError } from "../../protocol/errors.ts";
import type { NewId, RunId, SessionId, WorkspaceId } from "../../protocol/ids.ts";
import type { Message, Part } from "../../protocol/message.ts";
import type { PermissionMode } from "../../protocol/permission.ts";
import type { Isolation, Session } from "../../protocol/session.ts";
import type { ImportedHead, ImportedMessage, SessionPatch } from "../../protocol/session-file.ts";
import type { Journal } from "../events/journal.ts";
import { dropSession } from "../fork/copy-session.ts";
import type { Caller } from "../services.ts";
import type { Store } from "../store/open.ts";
import type { StoredSession } from "../store/sessions.ts";
import type { Patches } from "./patches.ts";

/** An import that nobody goes on with for so long is dropped when the next one begins. */
const IDLE_MS_MAX = 10 * 60_000;
/** Imports under way, of all clients. */
const AT_ONCE_MAX = 20;
const SESSIONS_MAX = 1000;

type ImportDeps = {
  store: Store;
  journal: Journal;
  present(session: StoredSession): Session;
  defaults(
    wid: WorkspaceId,
    caller: Caller,
  ): { agent: string; model: string | null; mode: PermissionMode; isolation: Isolation };
  /** Whether a session may have that agent here. */
  isKnownAgent(wid: WorkspaceId, agent: string): boolean;
  /** Throws workspace_not_found. */
  mustExist(wid: WorkspaceId): void;
  /** Throws workspace_not_found, workspace_closing, daemon_stopping. */
  mustAccept(wid: WorkspaceId): void;
  patches: Pick<Patches, "hold" | "take">;
  newId: NewId;
  now: () => Date;
};

/** A session that is being imported, with those of its sub-agents. */
type Import = {
  wid: WorkspaceId;
  sessions: Map<SessionId, { seq: number }>;
  /** The runs of the file, and what they are called here: they name no run of this store, like those of a fork. */
  runs: Map<string, RunId>;
  touched: number;
};

export type Imports = ReturnType<typeof createImports>;

/**
 * Takes sessions into the store: hidden until they are complete, and then all at once. What is not finished is dropped,
 * at the next start at the latest. A file brings what was said and done, and nothing that allows anything: mode, grants
 * and trust are this machine's.
 */
export function createImports(deps: ImportDeps) {
  const { store, journal, newId } = deps;
  const imports = new Map<SessionId, Import>();

  function importOf(wid: WorkspaceId, sid: SessionId): Import {
    for (const found of imports.values())
      if (found.wid === wid && found.sessions.has(sid)) {
        found.touched = deps.now().getTime();
        return found;
      }
    throw new HearthError("session_not_found", `There is no import ${sid}: begin it anew.`);
  }

  async function drop(root: SessionId): Promise<void> {
    const dropped = imports.get(root);
    imports.delete(root);
    // Sub-agents' sessions first: they name their parent.
    for (const sid of [...(dropped?.sessions.keys() ?? [])].reverse()) await dropSession(sid, store);
  }

  async function dropIdle(): Promise<void> {
    const oldest = deps.now().getTime() - IDLE_MS_MAX;
    for (const [root, { touched }] of imports) if (touched < oldest) await drop(root);
  }

  const runOf = (into: Import, run: string): RunId => {
    const known = into.runs.get(run) ?? newId("run");
    into.runs.set(run, known);
    return known;
  };

  function messageOf(
    into: Import,
    sid: SessionId,
    seq: number,
    { run, parts, ...message }: z.output<typeof ImportedMessage>,
  ): Message {
    const isAnswer = message.role === "assistant";
    return {
      ...message,
      id: newId("msg"),
      session_id: sid,
      run_id: runOf(into, run),
      seq,
      // Nothing of it runs here any more.
      finish_reason: isAnswer ? (message.finish_reason ?? "interrupted") : message.finish_reason,
      parts: parts.map((part) => ({ ...ownPart(part, isAnswer), id: newId("prt") }) as Part),
      updated_at: message.created_at,
      completed_at: message.created_at,
    };
  }

  const show = (wid: WorkspaceId, sid: SessionId, into: Import): Session =>
    journal.commit(wid, "synced", (tx) => {
      // The session itself last: it is the most recently used one.
      for (const id of [...into.sessions.keys()].reverse()) store.sessions.show(id);
      for (const id of into.sessions.keys()) {
        const session = store.sessions.get(id);
        if (session === undefined) continue;
        const presented = deps.present(session);
        tx.publish({ type: "session.created", session_id: id, payload: { session: presented } });
      }
      const session = store.sessions.get(sid);
      if (session === undefined) throw new Error(`the import ${sid} is gone`);
      return deps.present(session);
    });

  return {
    async begin(wid: WorkspaceId, head: z.output<typeof ImportedHead>, caller: Caller): Promise<SessionId> {
      deps.mustAccept(wid);
      const { subagent, plan, usage, cost, title, created_at, updated_at } = head;
      await dropIdle();
      const into = subagent === undefined ? undefined : importOf(wid, subagent.of);
      if (into === undefined && imports.size >= AT_ONCE_MAX)
        throw new HearthError("daemon_busy", `${AT_ONCE_MAX} imports are under way: wait for one to end.`);
      if ((into?.sessions.size ?? 0) >= SESSIONS_MAX)
        throw new HearthError("invalid_request", `A file may hold ${SESSIONS_MAX} sessions.`);
      const defaults = deps.defaults(wid, caller);
      const id = newId("ses");
      const agent =
        head.agent !== undefined && deps.isKnownAgent(wid, head.agent) ? head.agent : defaults.agent;
      const target: Import = into ?? {
        ...{ wid, sessions: new Map(), runs: new Map(), touched: deps.now().getTime() },
      };
      const session: StoredSession = {
        ...{ id, workspace_id: wid, title, agent, model: null, mode: defaults.mode, agent_mode: null },
        isolation: defaults.isolation,
        parent_id: subagent?.of ?? null,
        archived: false,
        ...{ created_at, updated_at, usage, cost },
        ...(subagent && {
          subagent: {
            kind: subagent.kind,
            run_id: runOf(target, subagent.run),
            ...(subagent.name !== undefined && { name: subagent.name }),
          },
        }),
      };
      store.transaction("relaxed", () => {
        store.sessions.insertHidden(session);
        store.sessions.update(session); // with what it has cost
        store.sessions.setPlan(id, plan);
      });
      target.sessions.set(id, { seq: 0 });
      if (into === undefined) imports.set(id, target);
      return id;
    },

    /** Adds messages after those that came before. */
    async add(
      wid: WorkspaceId,
      sid: SessionId,
      messages: readonly z.output<typeof ImportedMessage>[],
    ): Promise<number> {
      deps.mustAccept(wid);
      const into = importOf(wid, sid);
      const at = into.sessions.get(sid) ?? { seq: 0 };
      let seq = at.seq;
      at.seq += messages.length;
      const slice = createTimeSlice();
      const left = [...messages];
      while (left.length > 0) {
        store.transaction("relaxed", () => {
          do {
            const message = left.shift();
            seq += 1;
            if (message !== undefined) store.messages.put(messageOf(into, sid, seq, message));
          } while (left.length > 0 && !slice.isOver());
        });
        await slice.rest();
        importOf(wid, sid); // it may have been dropped meanwhile
      }
      return at.seq;
    },

    /** Shows all that was imported, in one transaction; then its pending changes. */
    async finish(
      wid: WorkspaceId,
      sid: SessionId,
      patch: SessionPatch | undefined,
    ): Promise<{ session: Session; note?: string }> {
      deps.mustAccept(wid);
      const into = importOf(wid, sid);
      if (!imports.has(sid))
        throw new HearthError("invalid_request", `${sid} is a sub-agent's session of another import.`);
      imports.delete(sid); // a cancel from now on finds none
      let shown: Session;
      try {
        if (patch !== undefined) await deps.patches.hold(sid, patch);
        shown = show(wid, sid, into);
      } catch (error) {
        imports.set(sid, into); // to be tried again, or dropped
        throw error;
      }
      if (patch === undefined) return { session: shown };
      const note = await deps.patches.take(wid, sid, patch);
      const session = store.sessions.get(sid);
      return { session: session ? deps.present(session) : shown, ...(note !== null && { note }) };
    },

    async cancel(wid: WorkspaceId, sid: SessionId): Promise<void> {
      deps.mustExist(wid);
      importOf(wid, sid);
      if (imports.has(sid)) await drop(sid);
    },
  };
}

/**
 * A call that had not ended where it comes from does not go on here. A notice beside a prompt would be told to models as
 * hearth's own words: nobody's file may speak as hearth.
 */
function ownPart(part: z.output<typeof ImportedMessage>["parts"][number], isAnswer: boolean) {
  if (part.type === "notice" && !isAnswer) return { type: "text" as const, text: part.text };
  if (part.type !== "tool_call") return part;
  const isOpen = part.status === "pending" || part.status === "running";
  return { ...part, input: part.input ?? {}, ...(isOpen && { status: "interrupted" as const }) };
}
