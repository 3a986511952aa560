import type { Handlers } from "../handler.ts";
import type { Services } from "../services.ts";

export const createUsageHandlers = (services: Services): Pick<Handlers, "GET /v1/usage"> => ({
  "GET /v1/usage": ({ query }) => ({ status: 200, body: services.usage(query.by, query.workspace_id) }),
});
