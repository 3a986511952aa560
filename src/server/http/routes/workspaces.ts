import type { Services } from "../../services.ts";
import type { Handlers } from "../handler.ts";

type Keys =
  | "POST /v1/workspaces"
  | "GET /v1/workspaces"
  | "GET /v1/workspaces/{wid}"
  | "DELETE /v1/workspaces/{wid}"
  | "PATCH /v1/workspaces/{wid}/clients/{cid}"
  | "GET /v1/workspaces/{wid}/files"
  | "GET /v1/workspaces/{wid}/snapshot";

export function createWorkspaceHandlers({
  workspaces,
  warnings,
  trust,
  snapshot,
  files,
}: Services): Pick<Handlers, Keys> {
  return {
    "POST /v1/workspaces": async ({ body, caller }) => {
      const { workspace, created } = await workspaces.open(body, body.client_id ?? caller);
      const { id } = workspace;
      const offered = trust.of(id);
      return {
        status: created ? 201 : 200,
        body: { workspace, warnings: warnings(id), ...(offered !== undefined && { trust: offered }) },
      };
    },
    "GET /v1/workspaces": async () => ({ status: 200, body: { workspaces: await workspaces.list() } }),
    "GET /v1/workspaces/{wid}": async ({ params }) => ({
      status: 200,
      body: { workspace: await workspaces.get(params.wid) },
    }),
    "DELETE /v1/workspaces/{wid}": ({ params, caller }) => ({
      status: 202,
      body: { workspace: workspaces.close(params.wid, caller) },
    }),
    "PATCH /v1/workspaces/{wid}/clients/{cid}": ({ params, body }) => ({
      status: 200,
      body: { client: workspaces.showSession(params.wid, params.cid, body.session_id) },
    }),
    "GET /v1/workspaces/{wid}/files": async ({ params, query, signal }) => ({
      status: 200,
      body: await files(params.wid, query, signal),
    }),
    "GET /v1/workspaces/{wid}/snapshot": async ({ params, query }) => ({
      status: 200,
      body: await snapshot(params.wid, query),
    }),
  };
}
