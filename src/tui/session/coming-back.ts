import type { Connection } from "../../client/connect.ts";
import { HearthError } from "../../protocol/errors.ts";
import type { SessionId } from "../../protocol/ids.ts";
import type { Run } from "../../protocol/run.ts";
import type { Session } from "../../protocol/session.ts";
import type { Snapshot } from "../../protocol/snapshot.ts";
import type { LeftSession } from "../files/left-sessions.ts";
import { formatAgo } from "../text/figures.ts";
import { awaySummary, endOf } from "../view/away.ts";
import { chooseSession, isComingBack } from "./first-session.ts";

type Wishes = {
  /** A session's id or its beginning. */
  session: string | undefined;
  continueLast: boolean;
  hasPrompt: boolean;
  /** No session that is there. */
  isNew: boolean;
  clientId: string;
  terminal: string;
  left: readonly LeftSession[];
  now: number;
};

export type ComingBack = {
  sessionId: SessionId | null;
  /** Runs that were active when the person left. */
  away: readonly Run[];
  /** How the runs of other sessions ended meanwhile, a sentence for each session. */
  hints: readonly string[];
};

/** The most sessions mentioned. */
const HINTS_MAX = 3;

/** Chooses the first session, and finds out what has happened since the person left. Throws session_not_found. */
export async function comeBack(
  connection: Connection,
  snapshot: Snapshot,
  wishes: Wishes,
  signal: AbortSignal,
): Promise<ComingBack> {
  const { left, now } = wishes;
  const sessionId =
    wishes.session !== undefined
      ? sessionByName(snapshot, wishes.session)
      : wishes.isNew
        ? null
        : chooseSession(snapshot, wishes);
  const runsOf = (entry: LeftSession | undefined) =>
    entry === undefined || entry.runs.length === 0
      ? []
      : ledgerOf(connection, entry.session as SessionId, entry.runs, signal);
  const entry = left.find(({ session }) => session === sessionId);
  const away = entry !== undefined && isComingBack(entry, snapshot, wishes) ? await runsOf(entry) : [];

  const hints: string[] = [];
  const known = left.flatMap((entry) => {
    const session = snapshot.sessions.find(({ id }) => id === entry.session);
    return session === undefined || session.id === sessionId ? [] : [{ entry, session }];
  });
  for (const { entry, session } of known.toReversed()) {
    if (hints.length === HINTS_MAX) break;
    if (entry.runs.length === 0 || session.state !== "idle") continue;
    const end = (await runsOf(entry)).at(-1);
    const how = end && endOf(end);
    if (how !== undefined) hints.push(`${titleOf(session)}: ${how} · /sessions opens it`);
  }
  const meanwhile = await awayHere(connection, sessionId, signal);
  if (meanwhile !== undefined) hints.unshift(meanwhile);
  const last = known.at(-1)?.session;
  if (sessionId === null && hints.length === 0 && last !== undefined) {
    const ago = formatAgo(now - Date.parse(last.updated_at));
    hints.push(`last here: ${titleOf(last)}, ${ago} · /sessions or \`hearth -c\` resumes it`);
  }
  return { sessionId, away, hints };
}

/** The whole directory in one line. */
async function awayHere(
  { request, workspace }: Connection,
  shown: SessionId | null,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const away = await request("GET /v1/workspaces/{wid}/away", { params: { wid: workspace.id }, signal });
    const text = awaySummary(away, shown);
    return text === undefined ? undefined : `while you were away here: ${text} · /sessions`;
  } catch (error) {
    if (error instanceof HearthError) return undefined; // an older daemon does not know
    throw error;
  }
}

const titleOf = ({ title }: Session): string => `"${title || "untitled"}"`;

/** Loads these runs; none if their session was deleted. */
async function ledgerOf(
  connection: Connection,
  sid: SessionId,
  runs: readonly string[],
  signal: AbortSignal,
): Promise<readonly Run[]> {
  try {
    const params = { wid: connection.workspace.id, sid };
    const ledger = await connection.request("GET /v1/workspaces/{wid}/sessions/{sid}/runs", {
      params,
      signal,
    });
    return ledger.runs.filter(({ id }) => runs.includes(id));
  } catch (error) {
    if (error instanceof HearthError) return []; // the session was deleted
    throw error;
  }
}

/** The session with this id or prefix. A whole id may be an archived session's, which the snapshot does not list. */
function sessionByName(snapshot: Snapshot, wanted: string): SessionId {
  if (/^ses_[A-Za-z0-9_-]{22,64}$/.test(wanted)) return wanted as SessionId;
  const prefix = wanted.startsWith("ses_") ? wanted : `ses_${wanted}`;
  const found = snapshot.sessions.filter(({ id }) => id.startsWith(prefix));
  const [session] = found;
  if (session !== undefined && found.length === 1) return session.id;
  throw new HearthError(
    "session_not_found",
    found.length > 1
      ? `Several sessions begin with ${wanted}: give more of the id.`
      : `There is no session ${wanted} in ${snapshot.workspace.path}: \`hearth sessions list\` shows what there is.`,
  );
}
