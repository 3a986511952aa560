import type { Services } from "../../services.ts";
import type { Handlers } from "../handler.ts";

export function createAgentHandlers({ agents }: Services): Pick<Handlers, "GET /v1/workspaces/{wid}/agent"> {
  return {
    "GET /v1/workspaces/{wid}/agent": async ({ params, query }) => ({
      status: 200,
      body: { agents: await agents.list(params.wid, query.probe) },
    }),
  };
}
