import type { Services } from "../../services.ts";
import type { Handlers } from "../handler.ts";

type Keys =
  | "PUT /v1/workspaces/{wid}/sessions/{sid}/mcp"
  | "GET /v1/workspaces/{wid}/mcp"
  | "GET /v1/workspaces/{wid}/mcp/arguments"
  | "POST /v1/workspaces/{wid}/mcp/{name}/test"
  | "POST /v1/workspaces/{wid}/mcp/{name}/login"
  | "GET /v1/workspaces/{wid}/mcp/{name}/login"
  | "POST /v1/workspaces/{wid}/mcp/{name}/logout";

export function createMcpHandlers({ mcp, refresh }: Services): Pick<Handlers, Keys> {
  return {
    "PUT /v1/workspaces/{wid}/sessions/{sid}/mcp": async ({ params, body, mustBePerson }) => {
      if (body.servers.length > 0) await mustBePerson();
      mcp.give(params.wid, params.sid, body.servers);
      return { status: 200, body: { servers: body.servers.map(({ name }) => name) } };
    },
    "GET /v1/workspaces/{wid}/mcp": async ({ params }) => {
      await refresh(params.wid);
      return { status: 200, body: { servers: mcp.list(params.wid) } };
    },
    "GET /v1/workspaces/{wid}/mcp/arguments": async ({ params, query, signal }) => ({
      status: 200,
      body: await mcp.arguments(params.wid, query.command, query.typed, signal),
    }),
    "POST /v1/workspaces/{wid}/mcp/{name}/test": async ({ params }) => {
      await refresh(params.wid);
      return { status: 200, body: { server: await mcp.test(params.wid, params.name) } };
    },
    "POST /v1/workspaces/{wid}/mcp/{name}/login": async ({ params, body, mustBePerson }) => {
      await mustBePerson();
      await refresh(params.wid);
      const login = await mcp.beginLogin(params.wid, params.name, body.device === true);
      return { status: 202, body: { login } };
    },
    "GET /v1/workspaces/{wid}/mcp/{name}/login": async ({ params }) => ({
      status: 200,
      body: { login: await mcp.loginState(params.wid, params.name) },
    }),
    "POST /v1/workspaces/{wid}/mcp/{name}/logout": async ({ params, mustBePerson }) => {
      await mustBePerson();
      await refresh(params.wid);
      return { status: 200, body: await mcp.logout(params.wid, params.name) };
    },
  };
}
