import { type DaemonStop, stopComment } from "../../protocol/daemon-stop.ts";
import { HearthError } from "../../protocol/errors.ts";
import type { HearthEvent, NewEvent } from "../../protocol/events.ts";
import type { MessageId, SessionId, WorkspaceId } from "../../protocol/ids.ts";
import type { Client } from "../../protocol/workspace.ts";
import type { Subscriber } from "../services.ts";
import type { Store } from "../store/open.ts";

/** Numbers are reserved in the store in blocks, so that a streamed delta costs no write of its own. */
const SEQ_BLOCK = 10_000;
const SEQ_RESERVE_MIN = 2_000;

/** What is kept for clients that come back (design §4). */
const WINDOW_EVENTS = 50_000;
const WINDOW_BYTES = 64 * 1024 * 1024;
const WINDOW_MS = 24 * 60 * 60_000;
const PRUNE_EVERY = 2_000;
/** Replayed in one turn of the event loop; what comes behind waits until the reader has read. */
const REPLAY_PAGE = { events: 100, bytes: 256 * 1024 };

/** An event with its number, encoded once for every reader. */
type Frame = { seq: number; bytes: Buffer };

type Stream = {
  seq: number;
  reserved: number;
  floor: number;
  storedSincePrune: number;
  /** `last`: the last event it was sent. One that is still replayed to gets what happens from the replay. */
  readers: Map<Subscriber, { client: Client; last: number; isReplaying: boolean }>;
  /** What was told and is in no stored event yet, oldest first: deltas by message, and how the workspace is. */
  unstored: Map<MessageId | "workspace", Frame[]>;
};

export type EventHub = ReturnType<typeof createEventHub>;

/**
 * Numbers and fans out the events of every workspace. Stored events are the buffer for late readers; of streamed
 * text only what no stored event holds yet is kept, in memory.
 */
export function createEventHub(store: Store, now: () => Date) {
  const streams = new Map<WorkspaceId, Stream>();

  function streamOf(wid: WorkspaceId): Stream {
    const known = streams.get(wid);
    if (known) return known;
    const row = store.workspaces.get(wid);
    if (row === undefined) throw new HearthError("workspace_not_found", `There is no workspace ${wid}.`);
    const stream: Stream = {
      // Whatever was reserved before a restart may have been seen.
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

  /** Sends the events after `state.last` in pages, each when the one before has been read; then it is live. */
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
    /** Makes sure that numbers can be given out in the transaction that follows. Throws store_unavailable. */
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
      const payloadJson = JSON.stringify(event.payload);
      store.events.insert(wid, numbered, payloadJson);
      return { seq, bytes: encode(seq, event.type, time, event.session_id, payloadJson), event: numbered };
    },

    /** After the transaction that stored it has committed, in the order of the numbers. */
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
     * Streams an event that is not stored: a delta, which the message that settles it replaces, or that the store
     * cannot be written, which the next stored event of the workspace replaces.
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

    /** Drops what is outside the window; a failure only means that it is tried again later. */
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

    /** The number that a snapshot taken now is true of. */
    seq: (wid: WorkspaceId) => streamOf(wid).seq,
    /** One that is attached by several streams counts once. */
    clients(wid: WorkspaceId): Client[] {
      const byId = new Map<string, Client>();
      for (const { client } of streamOf(wid).readers.values())
        if (!byId.has(client.id)) byId.set(client.id, client);
      return [...byId.values()];
    },
    /** What an attached client shows from now on; undefined for one that is not attached. */
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
    isAttached: (wid: WorkspaceId, clientId: string): boolean =>
      [...(streams.get(wid)?.readers.values() ?? [])].some(({ client }) => client.id === clientId),
    clientCount: () => [...streams.values()].reduce((sum, stream) => sum + stream.readers.size, 0),

    /** From here on `reader` gets every event after `since`, once, in order; null: from now on. */
    subscribe(wid: WorkspaceId, client: Client, since: number | null, reader: Subscriber) {
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
    /** Whether it was subscribed. */
    unsubscribe: (wid: WorkspaceId, reader: Subscriber) => streamOf(wid).readers.delete(reader),
    /** Ends every stream of the workspace; `stop`: because the daemon ends, which is the last that they say. */
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
