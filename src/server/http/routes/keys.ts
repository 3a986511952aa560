import type { Services } from "../../services.ts";
import type { Handlers } from "../handler.ts";

type KeyRoutes = "POST /v1/workspaces/{wid}/login" | "POST /v1/workspaces/{wid}/logout";

export const createKeyHandlers = ({ keys }: Services): Pick<Handlers, KeyRoutes> => ({
  "POST /v1/workspaces/{wid}/login": async ({ params, body }) => ({
    status: 200,
    body: await keys.keep(params.wid, body.provider, body.key),
  }),
  "POST /v1/workspaces/{wid}/logout": async ({ params, body }) => ({
    status: 200,
    body: await keys.forget(params.wid, body.provider),
  }),
});
