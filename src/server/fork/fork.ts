import type { Checkpoints } from "../../agent/checkpoint/checkpoints.ts";
import type { PastFiles } from "../../agent/worktree/create.ts";
import { HearthError } from "../../protocol/errors.ts";
import type { NewId, SessionId, WorkspaceId } from "../../protocol/ids.ts";
import { messageText } from "../../protocol/message-text.ts";
import type { ForkedFiles, Session } from "../../protocol/session.ts";
import { noUsage } from "../../protocol/usage.ts";
import type { Journal } from "../events/journal.ts";
import type { Services } from "../services.ts";
import type { MessageHead } from "../store/messages.ts";
import type { Store } from "../store/open.ts";
import type { StoredSession } from "../store/sessions.ts";
import { troubleOf } from "../undo/turn-checkpoints.ts";
import type { Worktrees } from "../worktrees.ts";
import { copySession, dropSession } from "./copy-session.ts";
import { type FilesThen, type ForkPoint, filesThen } from "./files-then.ts";

export type ForksDeps = {
  store: Store;
  journal: Journal;
  worktrees: Pick<Worktrees, "check" | "make" | "reap">;
  checkpoints(wid: WorkspaceId): Checkpoints;
  /** Throws workspace_not_found, session_not_found. */
  sessionOf(wid: WorkspaceId, sid: SessionId): StoredSession;
  /** Throws workspace_closing, daemon_stopping. */
  mustAccept(wid: WorkspaceId): void;
  present(session: StoredSession): Session;
  newId: NewId;
  now: () => Date;
};

export type ForkRequest = Omit<Parameters<Services["sessions"]["fork"]>[2], "id"> & { id: SessionId };
export type Forked = { session: Session; files?: ForkedFiles };

/** The first checkout of a large repository takes a while, and so does a project's set-up command. */
const FILES_MS_MAX = 10 * 60_000;
const PROMPT_CHARS_MAX = 60;
/** Steering prompts that may stand one after the other. */
const LOOKED_AT = 50;

/** Copies of conversations, and of the files that belong to a point in them. */
export function createForks(deps: ForksDeps) {
  const { store, worktrees } = deps;

  /** Where the copy ends: the number of the first message that is left out. Throws message_not_found. */
  function endOf(sid: SessionId, { message_id, before = false }: Pick<ForkRequest, "message_id" | "before">) {
    if (message_id === undefined) return Number.MAX_SAFE_INTEGER;
    const message = store.messages.get(message_id);
    if (message?.session_id === sid) return before ? message.seq : message.seq + 1;
    throw new HearthError(
      "message_not_found",
      `message_id: there is no message ${message_id} in this session.`,
    );
  }

  /** What that place is in terms of turns; undefined where there is no message. */
  function pointAt(sid: SessionId, end: number, isBefore: boolean): ForkPoint | undefined {
    const isSteered = ({ run_id }: MessageHead) => store.runs.get(run_id)?.outcome === "steered";
    const isPrompt = (head: MessageHead | undefined) => head?.role === "user" && !isSteered(head);
    const [first] = store.messages.headsAfter(sid, end - 1, 1);
    const last = store.messages
      .heads(sid, end, LOOKED_AT)
      .findLast((head) => head.role === "assistant" || isPrompt(head));
    const prompt = isBefore && isPrompt(first) ? first : isPrompt(last) ? last : undefined;
    if (prompt !== undefined) return { run_id: prompt.run_id, seq: prompt.seq, at: "before_turn" };
    if (last === undefined) return undefined;
    const turn = store.messages.headsOfRun(sid, last.run_id);
    const goesOn = turn.some(({ role, seq }) => role === "assistant" && seq >= end);
    return { run_id: last.run_id, seq: turn[0]?.seq ?? last.seq, at: goesOn ? "middle" : "after_turn" };
  }

  /** Which files the fork begins with. Throws files_unavailable. */
  function filesAt(source: StoredSession, end: number, isBefore: boolean): FilesThen {
    if (source.isolation === "worktree")
      throw new HearthError(
        "files_unavailable",
        "This session works in a worktree, and earlier states of that are not kept: fork the conversation alone.",
      );
    if (end === Number.MAX_SAFE_INTEGER) return { kind: "present" };
    const point = pointAt(source.id, end, isBefore);
    if (point === undefined) return { kind: "present" };
    if (store.runs.get(point.run_id)?.session_id !== source.id)
      throw new HearthError(
        "files_unavailable",
        `That turn came from another session (a fork or an import), and its files are not recorded in this one${source.parent_id === null ? "" : `: fork from ${source.parent_id}`}.`,
      );
    return filesThen(store.checkpoints.ofSession(source.id), point);
  }

  /** What a person should know about these files. */
  function noteOf(then: FilesThen, end: number): string | null {
    if (then.kind === "recorded") return null;
    if (then.kind === "present")
      return end === Number.MAX_SAFE_INTEGER
        ? null
        : "No turn changed files by then: the worktree holds the present ones.";
    const prompt = store.runs.get(then.run_id);
    const message = prompt && store.messages.get(prompt.message_id);
    const words = (message === undefined ? "" : messageText(message)).replace(/\s+/g, " ").trim();
    const shown =
      words.length > PROMPT_CHARS_MAX ? `${words.slice(0, PROMPT_CHARS_MAX).toWellFormed()}…` : words;
    return `That turn changed no files, so none were recorded: these are the files ${then.isBefore ? "before" : "after"} "${shown}".`;
  }

  function pastOf(wid: WorkspaceId, then: Exclude<FilesThen, { kind: "present" }>): PastFiles {
    const run = store.runs.get(then.run_id);
    const at = (then.isBefore ? run?.started_at : run?.completed_at) ?? run?.accepted_at;
    return {
      at: at ?? deps.now().toISOString(),
      async fill(place, signal) {
        try {
          return await deps.checkpoints(wid).fill(then.tree, place, signal);
        } catch (cause) {
          if (cause instanceof HearthError) throw cause;
          throw new HearthError("files_unavailable", `The files could not be written: ${troubleOf(cause)}`, {
            cause,
          });
        }
      },
    };
  }

  /** Makes the fork's worktree. */
  async function makeFiles(
    wid: WorkspaceId,
    sid: SessionId,
    then: FilesThen,
    end: number,
  ): Promise<ForkedFiles> {
    const root = store.workspaces.get(wid)?.path ?? "";
    const signal = AbortSignal.timeout(FILES_MS_MAX);
    const past = then.kind === "present" ? undefined : pastOf(wid, then);
    await worktrees.make(wid, sid, { root, past }, signal);
    const known = then.kind === "present" ? [] : then.left_out;
    const left = store.worktrees.get(sid)?.left_out ?? [];
    const named = new Set(known.map(({ path }) => path));
    return {
      state: then.kind,
      note: noteOf(then, end),
      left_out: [
        ...known,
        ...left.filter((path) => !named.has(path)).map((path) => ({ path, reason: LEFT_OUT })),
      ],
    };
  }

  /** The fork is seen when all of it is there. */
  async function forkInto(
    wid: WorkspaceId,
    sid: SessionId,
    request: ForkRequest,
    hash: string,
  ): Promise<Forked> {
    const source = deps.sessionOf(wid, sid);
    deps.mustAccept(wid);
    const end = endOf(sid, request);
    const then = request.files === undefined ? undefined : filesAt(source, end, request.before === true);
    if (then !== undefined) await worktrees.check(wid, AbortSignal.timeout(FILES_MS_MAX));
    const at = deps.now().toISOString();
    const session: StoredSession = {
      ...source,
      ...(then === undefined ? {} : { isolation: "worktree" as const }),
      subagent: undefined,
      task_id: undefined,
      id: request.id,
      title: source.title === "" ? "" : `${source.title} (fork)`,
      parent_id: sid,
      archived: false,
      created_at: at,
      updated_at: at,
      usage: noUsage,
      cost: 0,
    };
    const mustGoOn = () => deps.mustAccept(wid);
    await copySession(sid, session, end - 1, { store, newId: deps.newId, mustGoOn });
    let files: ForkedFiles | undefined;
    try {
      files = then && (await makeFiles(wid, session.id, then, end));
      mustGoOn();
    } catch (error) {
      await worktrees.reap(session.id).catch(() => {}); // the next start removes it
      await dropSession(session.id, store).catch(() => {}); // and the session
      throw error;
    }
    const shown = deps.journal.commit(wid, "synced", (tx) => {
      store.sessions.show(session.id);
      store.sessions.nameRequest(session.id, hash);
      const shown = deps.present(session);
      tx.publish({ type: "session.created", session_id: session.id, payload: { session: shown } });
      return shown;
    });
    return files === undefined ? { session: shown } : { session: shown, files };
  }

  return { forkInto };
}

const LEFT_OUT = "it was not recorded; it is as the last commit has it, or missing";

/** What makes a request another one. */
export const forkKey = (
  wid: WorkspaceId,
  sid: SessionId,
  { message_id, before, files }: Omit<ForkRequest, "id">,
): readonly unknown[] =>
  before === undefined && files === undefined
    ? [wid, sid, message_id]
    : [wid, sid, message_id, before, files];
