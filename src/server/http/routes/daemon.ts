import type { Services } from "../../services.ts";
import type { Handlers } from "../handler.ts";
import { createOpenApiDocument } from "../openapi.ts";

type Keys = "GET /v1/health" | "GET /v1/openapi.json" | "POST /v1/daemon/shutdown";

export function createDaemonHandlers(services: Services): Pick<Handlers, Keys> {
  let document: Record<string, unknown> | undefined;
  return {
    "GET /v1/health": async ({ query }) => {
      if (query.checks) await services.checked();
      return { status: 200, body: services.health() };
    },
    "GET /v1/openapi.json": () => {
      document ??= createOpenApiDocument();
      return { status: 200, body: document };
    },
    "POST /v1/daemon/shutdown": ({ body, caller }) => {
      services.shutdown(body, caller);
      return { status: 202, body: {} };
    },
  };
}
