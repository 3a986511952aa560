import type { Services } from "../../services.ts";
import type { Handlers } from "../handler.ts";

export const createUsageHandlers = (services: Services): Pick<Handlers, "GET /v1/usage"> => ({
  "GET /v1/usage": async ({ query }) => ({
    status: 200,
    body: await services.usage(query.by, query.workspace_id),
  }),
});
