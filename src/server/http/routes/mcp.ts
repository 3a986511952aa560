import type { Services } from "../../services.ts";
import type { Handlers } from "../handler.ts";

type Keys = "GET /v1/workspaces/{wid}/mcp" | "POST /v1/workspaces/{wid}/mcp/{name}/test";

export function createMcpHandlers({ mcp, refresh }: Services): Pick<Handlers, Keys> {
  return {
    "GET /v1/workspaces/{wid}/mcp": async ({ params }) => {
      await refresh(params.wid);
      return { status: 200, body: { servers: mcp.list(params.wid) } };
    },
    "POST /v1/workspaces/{wid}/mcp/{name}/test": async ({ params }) => {
      await refresh(params.wid);
      return { status: 200, body: { server: await mcp.test(params.wid, params.name) } };
    },
  };
}
