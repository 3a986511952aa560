import { realpath } from "node:fs/promises";
import { isAbsolute } from "node:path";
import { HearthError } from "../protocol/errors.ts";
import type { SessionId, WorkspaceId } from "../protocol/ids.ts";
import type { SessionMcpServer } from "../protocol/mcp.ts";
import type { Session } from "../protocol/session.ts";
import type { Editor } from "./editor.ts";
import type { Link, Links } from "./links.ts";
import { type OpenSession, openSession } from "./session.ts";

const PAGE = 50;

type SessionsDeps = {
  links: Links;
  editor: Editor;
  signal: AbortSignal;
  log(text: string): void;
  cwd(): string;
};
/** A session in a list, in the words of both versions of the protocol. */
type Listed = { sessionId: SessionId; cwd: string; title: string | null; updatedAt: string };

/** The sessions that an editor has open, and those that it can open. */
export function createSessions(deps: SessionsDeps) {
  const { links, signal } = deps;
  const open = new Map<string, OpenSession>();

  async function linkOf(cwd: string): Promise<Link> {
    if (!isAbsolute(cwd)) throw new HearthError("invalid_request", `cwd: "${cwd}" must be an absolute path.`);
    return links.of(cwd);
  }

  async function found(link: Link, sid: SessionId): Promise<Session> {
    const params = { wid: link.connection.workspace.id, sid };
    const reply = await link.connection.request("GET /v1/workspaces/{wid}/sessions/{sid}", {
      params,
      signal,
    });
    return reply.session;
  }

  /** The folder that a session's paths are relative to. */
  async function rootOf(link: Link, { id, isolation }: Session): Promise<string> {
    const { workspace } = link.connection;
    if (isolation !== "worktree") return workspace.path;
    const query = { session_id: id };
    const reply = await link.connection.request("GET /v1/workspaces/{wid}/changes", {
      params: { wid: workspace.id },
      query,
      signal,
    });
    return reply.root ?? workspace.path;
  }

  async function opened(
    cwd: string,
    link: Link,
    session: Session,
    servers: readonly SessionMcpServer[],
  ): Promise<OpenSession> {
    const root = await rootOf(link, session);
    open.get(session.id)?.leave();
    const made = await openSession(deps, cwd, link, session, { root, servers });
    try {
      await made.giveServers();
    } catch (error) {
      made.leave();
      throw error;
    }
    open.set(session.id, made);
    link.shows(session.id);
    return made;
  }

  /** Opens a session that there is already, in the workspace that it belongs to. */
  async function take(cwd: string, sid: string, servers: readonly SessionMcpServer[]): Promise<OpenSession> {
    const link = await linkOf(cwd);
    const session = await found(link, idOf(sid));
    return opened(cwd, link, session, servers);
  }

  return {
    async create(cwd: string, servers: readonly SessionMcpServer[]): Promise<OpenSession> {
      const link = await linkOf(cwd);
      const params = { wid: link.connection.workspace.id };
      const { session } = await link.connection.request("POST /v1/workspaces/{wid}/sessions", {
        params,
        body: {},
        signal,
      });
      const made = await opened(cwd, link, session, servers);
      await made.skip();
      return made;
    },
    async load(cwd: string, sid: string, servers: readonly SessionMcpServer[]): Promise<OpenSession> {
      const session = await take(cwd, sid, servers);
      await session.replay();
      return session;
    },
    async resume(cwd: string, sid: string, servers: readonly SessionMcpServer[]): Promise<OpenSession> {
      const session = await take(cwd, sid, servers);
      await session.skip();
      return session;
    },
    async fork(cwd: string, sid: string, servers: readonly SessionMcpServer[]): Promise<OpenSession> {
      const link = await linkOf(cwd);
      const params = { wid: link.connection.workspace.id, sid: idOf(sid) };
      const { session } = await link.connection.request("POST /v1/workspaces/{wid}/sessions/{sid}/fork", {
        params,
        body: {},
        signal,
      });
      const made = await opened(cwd, link, session, servers);
      await made.skip();
      return made;
    },
    /** Throws session_not_found for one that the editor has not opened. */
    get(sid: string): OpenSession {
      const session = open.get(sid);
      if (session === undefined) throw notOpen(sid);
      return session;
    },
    find: (sid: string): OpenSession | undefined => open.get(sid),
    async close(sid: string): Promise<void> {
      const session = open.get(sid);
      if (session === undefined) throw notOpen(sid);
      open.delete(sid);
      await session.close();
    },
    /** Deleting one that there is not, or no more, is done already. */
    async remove(sid: string): Promise<void> {
      if (!ID.test(sid)) return;
      const link = await links.of(open.get(sid)?.cwd ?? deps.cwd());
      for (const { wid } of await workspaces(link)) {
        try {
          await link.connection.request("DELETE /v1/workspaces/{wid}/sessions/{sid}", {
            params: { wid, sid: sid as SessionId },
            signal,
          });
          break;
        } catch (error) {
          if (!(error instanceof HearthError) || error.code !== "session_not_found") throw error;
        }
      }
      open.get(sid)?.leave();
      open.delete(sid);
    },
    /** Sessions of a directory, or of all of them, the last used first in each. */
    async list(
      cwd: string | undefined,
      cursor: string | undefined,
    ): Promise<{ sessions: Listed[]; nextCursor?: string }> {
      const link = await links.of(deps.cwd());
      const places = await workspaces(link);
      const path = cwd === undefined ? undefined : await realPath(cwd);
      const all =
        cwd === undefined
          ? places
          : places.filter((place) => place.path === path).map(({ wid }) => ({ wid, path: cwd }));
      const { at, before } = readCursor(cursor, all);
      const place = all[at];
      if (place === undefined) return { sessions: [] };
      const reply = await link.connection.request("GET /v1/workspaces/{wid}/sessions", {
        params: { wid: place.wid },
        query: { limit: PAGE, ...(before !== undefined && { before }) },
        signal,
      });
      const sessions = reply.sessions
        .filter(({ subagent }) => subagent === undefined)
        .map(({ id, title, updated_at }) => ({
          ...{ sessionId: id, cwd: place.path, title: title === "" ? null : title, updatedAt: updated_at },
        }));
      const next = all[at + 1];
      const nextCursor =
        reply.next_before !== null
          ? `${place.wid} ${reply.next_before}`
          : next === undefined
            ? undefined
            : `${next.wid} `;
      return { sessions, ...(nextCursor !== undefined && { nextCursor }) };
    },
  };
}
export type Sessions = ReturnType<typeof createSessions>;

type Place = { wid: WorkspaceId; path: string };
/** A directory that there is not has no sessions. */
const realPath = (cwd: string): Promise<string | undefined> => realpath(cwd).catch(() => undefined);

async function workspaces(link: Link): Promise<Place[]> {
  const reply = await link.connection.request("GET /v1/workspaces", {});
  return reply.workspaces.map(({ id, path }) => ({ wid: id, path }));
}

function readCursor(
  cursor: string | undefined,
  all: readonly Place[],
): { at: number; before: string | undefined } {
  if (cursor === undefined) return { at: 0, before: undefined };
  const [wid, before] = cursor.split(" ");
  const at = all.findIndex((place) => place.wid === wid);
  if (at === -1 || before === undefined)
    throw new HearthError("invalid_request", `cursor: "${cursor}" is not from an earlier page.`);
  return { at, before: before === "" ? undefined : before };
}

const ID = /^ses_[A-Za-z0-9_-]{22,64}$/;
function idOf(sid: string): SessionId {
  if (!ID.test(sid)) throw notFound(sid);
  return sid as SessionId;
}

const notFound = (sid: string): HearthError =>
  new HearthError("session_not_found", `There is no session "${sid}".`, { details: { sessionId: sid } });
const notOpen = (sid: string): HearthError =>
  new HearthError("session_not_found", `The session "${sid}" is not open here: load or resume it first.`, {
    details: { sessionId: sid },
  });
