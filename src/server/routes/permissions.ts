import type { Handlers } from "../handler.ts";
import type { Services } from "../services.ts";

type Keys = "GET /v1/workspaces/{wid}/permissions" | "POST /v1/workspaces/{wid}/permissions/{pid}";

export function createPermissionHandlers({ permissions }: Services): Pick<Handlers, Keys> {
  return {
    "GET /v1/workspaces/{wid}/permissions": ({ params }) => ({
      status: 200,
      body: { permissions: permissions.list(params.wid) },
    }),
    "POST /v1/workspaces/{wid}/permissions/{pid}": ({ params, body, caller }) => ({
      status: 200,
      body: { permission: permissions.answer(params.wid, params.pid, body, caller) },
    }),
  };
}
