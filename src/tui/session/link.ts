import { ignoreError, inBackground } from "../../async/in-background.ts";
import type { Connection } from "../../client/connect.ts";
import { applyEvent, type Replica, replicaOf } from "../../client/replica.ts";
import { type EventStream, openEvents } from "../../client/stream.ts";
import { HearthError } from "../../protocol/errors.ts";
import type { HearthEvent } from "../../protocol/events.ts";
import type { SessionId } from "../../protocol/ids.ts";
import type { Session } from "../../protocol/session.ts";
import type { Snapshot } from "../../protocol/snapshot.ts";
import type { Link } from "../state/state.ts";

/** How many messages are loaded when a session is opened: enough for the last screens. */
const PAGE = 60;
/** Messages kept in memory; the daemon has them all. */
const MESSAGES_MAX = 200;

export type SessionLink = {
  /** Takes the first snapshot, lets `choose` say which session to show, and attaches. */
  start(choose: (snapshot: Snapshot) => Promise<SessionId | null>): Promise<void>;
  /** Shows another session, or none yet. */
  show(sessionId: SessionId | null): Promise<void>;
  /** Shows a session that was created just now: it is empty, so nothing has to be asked for. */
  adopt(session: Session): void;
  retryNow(): void;
  readonly replica: Replica | undefined;
  /** Settles when the stream is over; never rejects. */
  readonly ended: Promise<void>;
};

/**
 * The replica of one workspace with one session's messages, kept true through losses, gaps and changes of session.
 * `onChange` gets it after each event, in order; without an event after a snapshot. `isOther` says that another
 * session is shown than before.
 */
export function createSessionLink(
  options: {
    connection: Connection;
    label: string;
    now: () => number;
    onChange: (replica: Replica, event: HearthEvent | undefined, isOther: boolean) => void;
    onLink: (link: Link) => void;
    /** The session that is shown was deleted, by whom if that is known: none is shown from here on. */
    onDeleted: (session: Session | undefined, by: string | null | undefined) => void;
  },
  signal: AbortSignal,
): SessionLink {
  const { connection, label, now, onChange, onLink, onDeleted } = options;
  const ended = Promise.withResolvers<void>();
  let replica: Replica | undefined;
  let stream: EventStream | undefined;
  /** Events that came while a snapshot was under way: those after its seq are applied to it. */
  let missed: HearthEvent[] | undefined;
  let refreshing: Promise<void> | undefined;
  /** One after the other, so that the last one wins. */
  let telling: Promise<void> = Promise.resolve();

  /** Tells others which session this terminal shows. An older daemon has no such route. */
  function tellShown(sessionId: SessionId | null): void {
    const params = { wid: connection.workspace.id, cid: connection.clientId };
    telling = telling
      .then(() =>
        connection.request("PATCH /v1/workspaces/{wid}/clients/{cid}", {
          params,
          body: { session_id: sessionId },
          signal,
        }),
      )
      .then(
        () => {},
        () => {}, // the next connection of the stream says it again
      );
  }

  const snapshotOf = (sessionId: SessionId | null): Promise<Snapshot> =>
    connection.request("GET /v1/workspaces/{wid}/snapshot", {
      params: { wid: connection.workspace.id },
      query: sessionId === null ? { limit: PAGE } : { session_id: sessionId, limit: PAGE },
      signal,
    });

  /** `wanted`: undefined for the session that is shown, whichever that is by the time its snapshot is here. */
  async function take(wanted: SessionId | null | undefined): Promise<void> {
    const sessionId = wanted === undefined ? (replica?.session_id ?? null) : wanted;
    missed = [];
    try {
      const snapshot = await snapshotOf(sessionId).catch((error: unknown) => {
        if (sessionId !== replica?.session_id || !isMissing(error)) throw error;
        return undefined;
      });
      // A prompt made a session meanwhile.
      if (wanted === undefined && sessionId !== (replica?.session_id ?? null)) return await take(undefined);
      // It was deleted while the stream was away.
      if (snapshot === undefined) return showNone(undefined, undefined);
      const isOther = sessionId !== replica?.session_id;
      let next = replicaOf(snapshot, sessionId);
      for (const event of missed) next = applyEvent(next, event);
      replica = next;
      if (isOther) tellShown(sessionId);
      onChange(next, undefined, isOther);
    } finally {
      missed = undefined;
    }
  }

  /** The session that was shown is gone: an empty new one is shown instead. */
  function showNone(deleted: Session | undefined, by: string | null | undefined): void {
    if (replica === undefined) return;
    onDeleted(deleted ?? replica.sessions.find(({ id }) => id === replica?.session_id), by);
    const sessions = replica.sessions.filter(({ id }) => id !== replica?.session_id);
    replica = { ...replica, session_id: null, sessions, messages: [], agent_sessions: [], plans: [] };
    tellShown(null);
    onChange(replica, undefined, true);
  }

  /** One snapshot at a time; asked again while one is under way, the later one counts. */
  async function queueTake(wanted: SessionId | null | undefined): Promise<void> {
    while (refreshing !== undefined) await refreshing.catch(() => {});
    refreshing = take(wanted).finally(() => {
      refreshing = undefined;
    });
    return refreshing;
  }

  const show = (sessionId: SessionId | null): Promise<void> => queueTake(sessionId);
  const refresh = (): Promise<void> => queueTake(undefined);

  function onEvent(event: HearthEvent): void | Promise<void> {
    if (replica === undefined) return;
    missed?.push(event);
    const next = applyEvent(replica, event);
    if (next === replica) return;
    replica = trimmed(next);
    if (event.type === "session.deleted" && event.session_id === replica.session_id) {
      return showNone(event.payload.session, event.payload.by);
    }
    onChange(replica, event, false);
    // What was missed can only be had from a snapshot; the stream waits until it is here.
    if (replica.is_stale && refreshing === undefined) return refresh().catch(() => {});
  }

  return {
    async start(choose) {
      const first = await snapshotOf(null);
      const sessionId = await choose(first);
      const snapshot = sessionId === null ? first : await snapshotOf(sessionId);
      replica = replicaOf(snapshot, sessionId);
      onChange(replica, undefined, true);
      const opened = openEvents(
        {
          socketPath: connection.socketPath(),
          workspaceId: connection.workspace.id,
          clientId: connection.clientId,
          kind: "tui",
          label,
          sessionId: () => replica?.session_id ?? null,
          since: snapshot.seq,
          onEvent,
          onState(state) {
            if (state.state === "stopped") {
              if (!state.isStarting) connection.hold(state.stop);
              onLink(state);
            } else if (state.state === "connected") {
              onLink({ state: "connected" });
              // A daemon that died told nobody who was attached to it: only a snapshot knows who is now.
              if (state.attempt > 0) inBackground(refresh, ignoreError);
            } else if (state.state === "retrying") {
              onLink({
                state: "lost",
                attempt: state.attempt,
                retryAt: now() + state.inMs,
                error: state.error,
              });
            }
          },
          prepare: (untilSignal, how) => connection.reconnect(untilSignal, how),
          forcedStop: connection.forcedStop,
        },
        signal,
      );
      stream = opened;
      inBackground(async () => {
        const end = await opened.ended;
        if (end.reason === "failed") onLink({ state: "failed", error: end.error });
        ended.resolve();
      }, ended.reject);
      await opened.opened;
    },
    show,
    adopt(session) {
      if (replica === undefined) return;
      const isKnown = replica.sessions.some(({ id }) => id === session.id);
      const sessions = isKnown ? replica.sessions : [session, ...replica.sessions];
      replica = { ...replica, session_id: session.id, sessions, messages: [], agent_sessions: [] };
      tellShown(session.id);
      onChange(replica, undefined, true);
    },
    retryNow() {
      connection.release();
      stream?.retryNow();
    },
    get replica() {
      return replica;
    },
    ended: ended.promise,
  };
}

const isMissing = (error: unknown): boolean =>
  error instanceof HearthError && error.code === "session_not_found";

/** Drops old messages: they are in the scrollback, and the daemon has them all. */
function trimmed(replica: Replica): Replica {
  const { messages } = replica;
  if (messages.length <= MESSAGES_MAX) return replica;
  return { ...replica, messages: messages.slice(-MESSAGES_MAX / 2) };
}
