import { createBoundedMap } from "../../agent/bounded-map.ts";
import { type DaemonStop, stopComment } from "../../protocol/daemon-stop.ts";
import { HearthError } from "../../protocol/errors.ts";
import type { HearthEvent, NewEvent } from "../../protocol/events.ts";
import type { MessageId, SessionId, WorkspaceId } from "../../protocol/ids.ts";
import type { Client } from "../../protocol/workspace.ts";
import type { Subscriber } from "../services.ts";
import type { Store } from "../store/open.ts";

/** Event numbers are reserved in blocks, so that a streamed delta needs no write. */
const SEQ_BLOCK = 10_000;
const SEQ_RESERVE_MIN = 2_000;

/** Bounds of what is kept for clients that reconnect (design §4). */
const WINDOW_EVENTS = 50_000;
const WINDOW_BYTES = 64 * 1024 * 1024;
const WINDOW_MS = 24 * 60 * 60_000;
const PRUNE_EVERY = 2_000;
/** How much is replayed in one turn of the event loop. The next page waits until the reader has read this one. */
/** Observers that are remembered once they have gone. */
const OBSERVERS_MAX = 10_000;
const REPLAY_PAGE = { events: 100, bytes: 256 * 1024 };

/** An event with its number, encoded once for every reader. */
type Frame = { seq: number; bytes: Buffer };

type Stream = {
  seq: number;
  reserved: number;
  floor: number;
  storedSincePrune: number;
  /** `last`: the last event sent to the reader. During a replay, new events reach it through the replay. */
  readers: Map<Subscriber, { client: Client; last: number; isReplaying: boolean }>;
  /** Published events that no stored event replaces yet, oldest first: deltas by message, and the workspace's state. */
  unstored: Map<MessageId | "workspace", Frame[]>;
};

export type EventHub = ReturnType<typeof createEventHub>;

/**
 * Numbers the events of every workspace and sends them to all readers. Late readers are served from the stored events;
 * only streamed text that is not stored yet is kept in memory.
 */
export function createEventHub(store: Store, now: () => Date) {
  const streams = new Map<WorkspaceId, Stream>();
  const observers = createBoundedMap<string, true>(OBSERVERS_MAX);

  function streamOf(wid: WorkspaceId): Stream {
    const known = streams.get(wid);
    if (known) return known;
    const row = store.workspaces.get(wid);
    if (row === undefined) throw new HearthError("workspace_not_found", `There is no workspace ${wid}.`);
    const stream: Stream = {
      // Clients may have seen any number that was reserved before a restart.
      seq: row.seq_reserved,
      reserved: row.seq_reserved,
      floor: row.events_floor,
      storedSincePrune: PRUNE_EVERY,
      readers: new Map(),
      unstored: new Map(),
    };
    streams.set(wid, stream);
    return stream;
  }

  function next(wid: WorkspaceId): number {
    const stream = streamOf(wid);
    if (stream.seq >= stream.reserved) throw new Error(`no event numbers are reserved for ${wid}`);
    stream.seq += 1;
    return stream.seq;
  }

  const encode = (
    seq: number,
    type: string,
    time: string,
    sessionId: string | undefined,
    payloadJson: string,
  ) => {
    const session = sessionId === undefined ? "" : `"session_id":"${sessionId}",`;
    return Buffer.from(
      `id: ${seq}\nevent: ${type}\ndata: {"seq":${seq},"type":"${type}","time":"${time}",${session}"payload":${payloadJson}}\n\n`,
    );
  };

  function fanOut(stream: Stream, frame: Frame) {
    for (const [reader, state] of stream.readers) {
      if (state.isReplaying || frame.seq <= state.last) continue;
      state.last = frame.seq;
      reader.send(frame.bytes);
    }
  }

  /**
   * Sends the events after `reader`'s last one in pages, each when the previous one has been read. Then the reader is
   * live.
   */
  function replay(wid: WorkspaceId, stream: Stream, reader: Subscriber) {
    const state = stream.readers.get(reader);
    if (state === undefined) return;
    const { rows, isLast } = store.events.after(wid, state.last, REPLAY_PAGE);
    const until = isLast ? stream.seq : (rows.at(-1)?.seq ?? stream.seq);
    const frames = rows.map(
      (row): Frame => ({
        seq: row.seq,
        bytes: encode(row.seq, row.type, row.time, row.session_id ?? undefined, row.payload_json),
      }),
    );
    for (const kept of stream.unstored.values()) {
      frames.push(...kept.filter(({ seq }) => seq > state.last && seq <= until));
    }
    for (const frame of frames.sort((a, b) => a.seq - b.seq)) reader.send(frame.bytes);
    state.last = until;
    state.isReplaying = !isLast;
    if (!isLast) reader.whenDrained(() => replay(wid, stream, reader));
  }

  return {
    /** Reserves event numbers for the transaction that follows. Throws store_unavailable. */
    reserve(wid: WorkspaceId) {
      const stream = streamOf(wid);
      if (stream.reserved - stream.seq >= SEQ_RESERVE_MIN) return;
      const mark = stream.seq + SEQ_BLOCK;
      store.transaction("relaxed", () => store.workspaces.reserveSeq(wid, mark));
      stream.reserved = mark;
    },

    /** Numbers and stores an event; call inside the transaction, `publish` after it. */
    store(wid: WorkspaceId, event: NewEvent): Frame & { event: HearthEvent } {
      const seq = next(wid);
      const time = now().toISOString();
      const numbered = { seq, time, ...event } as HearthEvent;
      const payloadJson =
        event.type === "message.created" || event.type === "message.updated"
          ? `{"message":${store.messages.json(event.payload.message)}}`
          : JSON.stringify(event.payload);
      const bytes = encode(seq, event.type, time, event.session_id, payloadJson);
      store.events.insert(wid, numbered, payloadJson, bytes.length);
      return { seq, bytes, event: numbered };
    },

    /** Call after the event's transaction has committed, in the order of the numbers. */
    publish(wid: WorkspaceId, frame: Frame & { event: HearthEvent }) {
      const stream = streamOf(wid);
      const { event } = frame;
      if (event.type === "message.created" || event.type === "message.updated") {
        stream.unstored.delete(event.payload.message.id);
      } else if (event.type === "workspace.updated") stream.unstored.delete("workspace");
      fanOut(stream, frame);
      stream.storedSincePrune += 1;
      if (stream.storedSincePrune >= PRUNE_EVERY) this.prune(wid);
    },

    /**
     * Sends an event that is not stored: a delta, replaced later by the settled message, or a workspace state while the
     * store cannot be written, replaced by the workspace's next stored event.
     */
    stream(wid: WorkspaceId, event: Extract<NewEvent, { type: "part.delta" | "workspace.updated" }>) {
      const stream = streamOf(wid);
      const seq = next(wid);
      const bytes = encode(
        seq,
        event.type,
        now().toISOString(),
        event.session_id,
        JSON.stringify(event.payload),
      );
      const key = event.type === "part.delta" ? event.payload.message_id : "workspace";
      const before = event.type === "part.delta" ? stream.unstored.get(key) : undefined;
      if (before) before.push({ seq, bytes });
      else stream.unstored.set(key, [{ seq, bytes }]);
      fanOut(stream, { seq, bytes });
    },

    /** Deletes events outside the window. If it fails, the next call tries again. */
    prune(wid: WorkspaceId) {
      const stream = streamOf(wid);
      stream.storedSincePrune = 0;
      try {
        store.transaction("relaxed", () => {
          const since = new Date(now().getTime() - WINDOW_MS).toISOString();
          const floor = store.events.prune(wid, { events: WINDOW_EVENTS, bytes: WINDOW_BYTES, since });
          if (floor === undefined) return;
          store.workspaces.setEventsFloor(wid, floor);
          stream.floor = floor;
        });
      } catch (error) {
        if (!(error instanceof HearthError)) throw error;
      }
    },

    /** The seq of a snapshot taken now. */
    seq: (wid: WorkspaceId) => streamOf(wid).seq,
    /** A client with several streams counts once. */
    clients(wid: WorkspaceId): Client[] {
      const byId = new Map<string, Client>();
      for (const { client } of streamOf(wid).readers.values())
        if (!byId.has(client.id)) byId.set(client.id, client);
      return [...byId.values()];
    },
    /** Sets the session that an attached client shows; undefined if it is not attached. */
    showSession(
      wid: WorkspaceId,
      clientId: string,
      sid: SessionId | null,
    ): { now: Client; isChanged: boolean } | undefined {
      let shown: { now: Client; isChanged: boolean } | undefined;
      for (const state of streamOf(wid).readers.values()) {
        if (state.client.id !== clientId) continue;
        const isChanged = state.client.session_id !== sid;
        state.client = { ...state.client, session_id: sid };
        shown ??= { now: state.client, isChanged };
      }
      return shown;
    },
    /** Whether the client last attached as an observer; also while its stream is away. */
    isObserver: (clientId: string | null): boolean => clientId !== null && observers.get(clientId) === true,
    isAttached: (wid: WorkspaceId, clientId: string): boolean =>
      [...(streams.get(wid)?.readers.values() ?? [])].some(({ client }) => client.id === clientId),
    clientCount: () => [...streams.values()].reduce((sum, stream) => sum + stream.readers.size, 0),

    /** Sends `reader` every event after `since`, once and in order; null: only new events. */
    subscribe(wid: WorkspaceId, client: Client, since: number | null, reader: Subscriber) {
      observers.delete(client.id);
      if (client.kind === "observer") observers.set(client.id, true);
      const stream = streamOf(wid);
      const isKnown = since === null || (since >= stream.floor && since <= stream.seq);
      if (!isKnown) {
        this.reserve(wid);
        const reason =
          since > stream.seq ? "there was no such event" : "it is longer ago than events are kept";
        const seq = next(wid);
        reader.send(encode(seq, "resync", now().toISOString(), undefined, JSON.stringify({ reason })));
      }
      const isReplaying = isKnown && since !== null;
      stream.readers.set(reader, { client, last: isReplaying ? since : stream.seq, isReplaying });
      if (isReplaying) replay(wid, stream, reader);
    },
    /** Returns whether the reader was subscribed. */
    unsubscribe: (wid: WorkspaceId, reader: Subscriber) => streamOf(wid).readers.delete(reader),
    /** Ends every stream of the workspace. `stop` is sent last when the daemon ends. */
    end(wid: WorkspaceId, stop?: DaemonStop) {
      const { readers } = streamOf(wid);
      const all = [...readers.keys()];
      readers.clear();
      const last = stop && Buffer.from(stopComment(stop));
      for (const reader of all) {
        if (last) reader.send(last);
        reader.end();
      }
    },
  };
}
