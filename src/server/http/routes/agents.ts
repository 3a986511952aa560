import type { Services } from "../../services.ts";
import type { Handlers } from "../handler.ts";

type AgentRoutes =
  | "GET /v1/workspaces/{wid}/agent"
  | "GET /v1/workspaces/{wid}/agent/{name}/logins"
  | "POST /v1/workspaces/{wid}/agent/{name}/login";

export const createAgentHandlers = ({ agents }: Services): Pick<Handlers, AgentRoutes> => ({
  "GET /v1/workspaces/{wid}/agent": async ({ params, query }) => ({
    status: 200,
    body: { agents: await agents.list(params.wid, query.probe) },
  }),
  "GET /v1/workspaces/{wid}/agent/{name}/logins": async ({ params }) => ({
    status: 200,
    body: { logins: await agents.logins(params.wid, params.name) },
  }),
  "POST /v1/workspaces/{wid}/agent/{name}/login": async ({ params, body, mustBePerson }) => {
    await mustBePerson();
    return { status: 200, body: { agent: await agents.login(params.wid, params.name, body.id) } };
  },
});
