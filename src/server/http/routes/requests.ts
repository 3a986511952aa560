import type { Services } from "../../services.ts";
import type { Handlers } from "../handler.ts";

type Keys =
  | "GET /v1/workspaces/{wid}/sessions/{sid}/runs/{rid}/requests"
  | "GET /v1/workspaces/{wid}/sessions/{sid}/runs/{rid}/request"
  | "GET /v1/workspaces/{wid}/sessions/{sid}/context";

export const createRequestHandlers = ({ requests }: Services): Pick<Handlers, Keys> => ({
  "GET /v1/workspaces/{wid}/sessions/{sid}/runs/{rid}/requests": async ({ params }) => ({
    status: 200,
    body: { requests: await requests.list(params.wid, params.sid, params.rid) },
  }),
  "GET /v1/workspaces/{wid}/sessions/{sid}/runs/{rid}/request": async ({ params, query }) => ({
    status: 200,
    body: { request: await requests.detail(params.wid, params.sid, params.rid, query.n) },
  }),
  "GET /v1/workspaces/{wid}/sessions/{sid}/context": async ({ params }) => ({
    status: 200,
    body: { context: await requests.context(params.wid, params.sid) },
  }),
});
