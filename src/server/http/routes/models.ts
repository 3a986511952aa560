import type { Services } from "../../services.ts";
import type { Handlers } from "../handler.ts";

type ModelRoutes = "GET /v1/workspaces/{wid}/models" | "POST /v1/workspaces/{wid}/models/refresh";

export const createModelHandlers = ({ models }: Services): Pick<Handlers, ModelRoutes> => ({
  "GET /v1/workspaces/{wid}/models": async ({ params }) => ({
    status: 200,
    body: await models.list(params.wid),
  }),
  "POST /v1/workspaces/{wid}/models/refresh": async ({ params }) => ({
    status: 200,
    body: await models.refresh(params.wid),
  }),
});
