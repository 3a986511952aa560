import { allowsMore } from "../../../protocol/choices.ts";
import type { Services } from "../../services.ts";
import type { Handlers } from "../handler.ts";

type Keys =
  | "POST /v1/workspaces/{wid}/sessions"
  | "GET /v1/workspaces/{wid}/sessions"
  | "GET /v1/sessions/search"
  | "GET /v1/workspaces/{wid}/sessions/{sid}"
  | "PATCH /v1/workspaces/{wid}/sessions/{sid}"
  | "DELETE /v1/workspaces/{wid}/sessions/{sid}"
  | "POST /v1/workspaces/{wid}/sessions/{sid}/fork"
  | "GET /v1/workspaces/{wid}/sessions/{sid}/messages"
  | "GET /v1/workspaces/{wid}/sessions/{sid}/agent-sessions";

export function createSessionHandlers({ sessions, search, refresh }: Services): Pick<Handlers, Keys> {
  return {
    "POST /v1/workspaces/{wid}/sessions": async ({ params, body, caller, mustBePerson }) => {
      await refresh(params.wid);
      const widens =
        body.mode !== undefined && allowsMore(body.mode, sessions.defaultMode(params.wid, caller));
      if (widens || body.agent_mode || body.isolation === "in_place") await mustBePerson();
      await sessions.checkIsolation(params.wid, body.isolation, caller);
      return { status: 201, body: { session: sessions.create(params.wid, body, caller) } };
    },
    "GET /v1/workspaces/{wid}/sessions": ({ params, query }) => ({
      status: 200,
      body: sessions.list(params.wid, query),
    }),
    "GET /v1/sessions/search": async ({ query, signal }) => ({
      status: 200,
      body: await search(query, signal),
    }),
    "GET /v1/workspaces/{wid}/sessions/{sid}": ({ params }) => ({
      status: 200,
      body: { session: sessions.get(params.wid, params.sid) },
    }),
    "PATCH /v1/workspaces/{wid}/sessions/{sid}": async ({ params, body, caller, mustBePerson }) => {
      const widens =
        body.mode !== undefined && allowsMore(body.mode, sessions.get(params.wid, params.sid).mode);
      if (widens || body.agent_mode || body.isolation === "in_place") await mustBePerson();
      if (body.isolation !== undefined) await sessions.checkIsolation(params.wid, body.isolation, caller);
      return { status: 200, body: { session: sessions.update(params.wid, params.sid, body, caller) } };
    },
    "DELETE /v1/workspaces/{wid}/sessions/{sid}": async ({ params, query, caller, mustBePerson }) => {
      const { force = false } = query;
      if (force) await mustBePerson();
      const session = await sessions.remove(params.wid, params.sid, { force }, caller);
      return { status: 200, body: { session } };
    },
    "POST /v1/workspaces/{wid}/sessions/{sid}/fork": async ({ params, body }) => ({
      status: 201,
      body: await sessions.fork(params.wid, params.sid, body ?? {}),
    }),
    "GET /v1/workspaces/{wid}/sessions/{sid}/messages": async ({ params, query }) => ({
      status: 200,
      body: await sessions.messages(params.wid, params.sid, query),
    }),
    "GET /v1/workspaces/{wid}/sessions/{sid}/agent-sessions": ({ params }) => ({
      status: 200,
      body: { agent_sessions: sessions.agentSessions(params.wid, params.sid) },
    }),
  };
}
