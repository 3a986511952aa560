import type { SessionId } from "../../protocol/ids.ts";
import type { Message } from "../../protocol/message.ts";
import type { Grant } from "../../protocol/permission.ts";
import type { Session } from "../../protocol/session.ts";
import type { Trust } from "../../protocol/trust.ts";
import type { ArenaOverlay } from "./arena.ts";
import type { ReviewOverlay } from "./review.ts";
import type { RewindOverlay } from "./rewind.ts";

/** A list with a filter and the id of the marked row, since rows may move; without an id the first row is marked. */
export type ListOverlay = { query: string; marked: string | undefined };

/** `loses`: what would be lost with the session, in a sentence; it was refused for that and is asked once more. */
export type DeleteTask = { do: "delete"; id: SessionId; loses?: string };

export type SessionsOverlay = ListOverlay & {
  kind: "sessions";
  isArchive: boolean;
  /** Only the sub-agents of this session. */
  parent?: SessionId | undefined;
  /** Undefined until the daemon has answered. */
  found: readonly Session[] | undefined;
  /** Sessions that changed since the list was opened, null for deleted ones: newer than `found`, whenever that comes. */
  changed: ReadonlyMap<SessionId, Session | null>;
  /** Sessions whose messages hold the text of `query`, with a piece of it; newer queries have others. */
  texts?: { query: string; found: readonly { session: Session; snippet: string }[] } | undefined;
  /** What the keys do: choose, write a new title, or confirm a deletion. */
  task: { do: "choose" } | { do: "rename"; id: SessionId; title: string } | DeleteTask;
};

/** The list of grants, to revoke them. */
export type GrantsOverlay = ListOverlay & {
  kind: "grants";
  /** Undefined until the daemon has answered. */
  found: readonly Grant[] | undefined;
};

/** The providers, then the key for the chosen one. */
export type LoginOverlay = ListOverlay & { kind: "login"; provider: string | undefined; key: string };

/** The session's background commands, or the output of one of them. */
export type JobsOverlay = ListOverlay & {
  kind: "jobs";
  /** The job whose output is shown; `lines` are undefined until the daemon has answered. */
  shown: { id: string; lines: readonly string[] | undefined } | undefined;
};

/** What the project's own files would start, and the question whether it may. */
export type TrustOverlay = ListOverlay & { kind: "trust"; trust: Trust };

/** The whole conversation, unfolded, for scrolling and searching. */
export type TranscriptOverlay = {
  kind: "transcript";
  /** Oldest first; undefined until the daemon has answered. */
  messages: readonly Message[] | undefined;
  /** The cursor of the previous page; null at the conversation's beginning. */
  before: string | null;
  isLoading: boolean;
  /** Rows between the window's end and the end of the conversation. */
  up: number;
  query: string;
  isSearching: boolean;
};

/** An overlay that is a list with a filter. */
export type AnyListOverlay =
  | SessionsOverlay
  | GrantsOverlay
  | JobsOverlay
  | ArenaOverlay
  | LoginOverlay
  | TrustOverlay
  | RewindOverlay
  | (ListOverlay & { kind: "models" | "efforts" | "agents" | "modes" | "themes" | "help" });

export type Overlay = AnyListOverlay | TranscriptOverlay | ReviewOverlay;

export const newSessionsOverlay: SessionsOverlay = {
  kind: "sessions",
  query: "",
  marked: undefined,
  isArchive: false,
  found: undefined,
  changed: new Map(),
  task: { do: "choose" },
};

export const newGrantsOverlay: GrantsOverlay = {
  kind: "grants",
  query: "",
  marked: undefined,
  found: undefined,
};

export const newLoginOverlay = (provider: string | undefined): LoginOverlay => ({
  ...{ kind: "login", query: "", marked: undefined, provider, key: "" },
});

export const newJobsOverlay: JobsOverlay = { kind: "jobs", query: "", marked: undefined, shown: undefined };

/** "close", the answer that trusts nothing, is marked first. */
export const newTrustOverlay = (trust: Trust): TrustOverlay => ({
  kind: "trust",
  query: "",
  marked: "close",
  trust,
});

export const newTranscriptOverlay: TranscriptOverlay = {
  kind: "transcript",
  messages: undefined,
  before: null,
  isLoading: true,
  up: 0,
  query: "",
  isSearching: false,
};

export const newListOverlay = <K extends "models" | "efforts" | "agents" | "modes" | "themes" | "help">(
  kind: K,
  marked?: string,
): ListOverlay & { kind: K } => ({
  kind,
  query: "",
  marked,
});
