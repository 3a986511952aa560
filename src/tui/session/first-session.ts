import type { Replica } from "../../client/replica.ts";
import type { SessionId } from "../../protocol/ids.ts";
import type { Session } from "../../protocol/session.ts";
import type { LeftSession } from "../files/left-sessions.ts";

type Wishes = {
  continueLast: boolean;
  /** With a prompt on the command line a new session is started rather than an idle one continued. */
  hasPrompt: boolean;
  clientId: string;
  /** This terminal, in the form of `LeftSession.terminal`. */
  terminal: string;
  left: readonly LeftSession[];
};

/** Whether a person comes back to a session. One that another terminal showed last and still shows is joined. */
export const isComingBack = (
  { session, terminal }: LeftSession,
  { clients }: Pick<Replica, "clients">,
  here: Pick<Wishes, "terminal" | "clientId">,
): boolean =>
  terminal === here.terminal ||
  !clients.some(
    ({ kind, id, session_id }) => kind === "tui" && id !== here.clientId && session_id === session,
  );

/**
 * Chooses the first session; null for a new one. In this order: a session left on this terminal with active runs, one
 * that another terminal shows, one left on another terminal with active runs, any session that is running. A session
 * that was left idle is opened with `--continue` only. A sub-agent's session is never chosen.
 */
export function chooseSession(
  { sessions: all, clients }: Pick<Replica, "sessions" | "clients">,
  { continueLast, hasPrompt, clientId, terminal, left }: Wishes,
): SessionId | null {
  const sessions = all.filter(({ subagent }) => subagent === undefined);
  const sessionOf = ({ session }: LeftSession) => sessions.find(({ id }) => id === session);
  const newestOf = (entries: readonly LeftSession[], fits: (session: Session) => boolean = () => true) =>
    entries.map(sessionOf).findLast((session) => session !== undefined && fits(session));
  const own = left.filter((entry) => entry.terminal === terminal);
  if (continueLast) return (newestOf(own) ?? newestOf(left) ?? sessions[0])?.id ?? null;

  const isBusy = ({ state }: Session) => state !== "idle";
  const leftAtWork = (entries: readonly LeftSession[]) => {
    const unseen = entries.filter(({ runs }) => runs.length > 0);
    const waiting = newestOf(unseen, ({ state }) => state === "waiting");
    return waiting ?? newestOf(unseen, hasPrompt ? isBusy : undefined);
  };
  const shown = new Set(
    clients.filter(({ kind, id }) => kind === "tui" && id !== clientId).map(({ session_id }) => session_id),
  );
  const open = sessions.filter(({ id }) => shown.has(id));
  const chosen = leftAtWork(own) ?? open.find(isBusy) ?? open[0] ?? leftAtWork(left) ?? sessions.find(isBusy);
  return chosen?.id ?? null;
}
