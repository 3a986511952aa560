import { createServer, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { getRequestListener, type HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { type Context, Hono } from "hono";
import { settlesWithin } from "../async/wait.ts";
import { HearthError } from "../protocol/errors.ts";
import { type Route, type RouteKey, routeKeys, routes } from "../protocol/routes.ts";
import { readJsonBody } from "./body.ts";
import { limitConnections } from "./connection-limit.ts";
import { encodeReply } from "./encode-reply.ts";
import { errorReply, invalidRequest, missingByPath } from "./error-reply.ts";
import type { Handlers } from "./handler.ts";
import type { Log } from "./log.ts";
import { limitRequests } from "./request-limit.ts";
import { createAgentHandlers } from "./routes/agents.ts";
import { createDaemonHandlers } from "./routes/daemon.ts";
import { createEventHandlers } from "./routes/events.ts";
import { createPermissionHandlers } from "./routes/permissions.ts";
import { createRunHandlers } from "./routes/runs.ts";
import { createSessionHandlers } from "./routes/sessions.ts";
import { createUsageHandlers } from "./routes/usage.ts";
import { createWorkspaceHandlers } from "./routes/workspaces.ts";
import type { Services } from "./services.ts";
import { createEventStreams } from "./sse.ts";

const HEADERS_MS_MAX = 10_000;
const REQUEST_MS_MAX = 60_000;
const KEEP_ALIVE_MS = 30_000;
const TIMER_MS_MAX = 2 ** 31 - 1;
/** Answers that are being written when the server closes may take so long. */
const CLOSE_MS_MAX = 500;

type Bindings = { Bindings: HttpBindings };
type Answer = (context: Context<Bindings>) => Promise<void>;

export type HttpServer = {
  /** For whoever makes it listen. */
  server: Server;
  /** Stops listening, cuts off the streams, lets answers under way go out, closes every connection. */
  close(): Promise<void>;
};

/** Serves every route of the table over HTTP, on whatever `server` is told to listen. */
export function createHttpServer(deps: { services: Services; log: Log; now: () => Date }): HttpServer {
  const { services, log, now } = deps;
  const streams = createEventStreams({ attach: services.events.attach, log });
  const app = createApp(
    {
      ...createDaemonHandlers(services),
      ...createWorkspaceHandlers(services),
      ...createEventHandlers(streams, now),
      ...createSessionHandlers(services),
      ...createRunHandlers(services),
      ...createAgentHandlers(services),
      ...createPermissionHandlers(services),
      ...createUsageHandlers(services),
    },
    log,
  );
  const listener = getRequestListener(app.fetch, { hostname: "localhost", overrideGlobalObjects: false });
  const server = createServer(
    {
      // `limitRequests` does what these would: they need a timer that never ends.
      headersTimeout: 0,
      requestTimeout: 0,
      connectionsCheckingInterval: TIMER_MS_MAX,
      keepAliveTimeout: KEEP_ALIVE_MS,
    },
    (incoming, outgoing) => void listener(incoming, outgoing),
  );
  limitConnections(server);
  const limits = { headersMs: HEADERS_MS_MAX, requestMs: REQUEST_MS_MAX, keepAliveMs: KEEP_ALIVE_MS };
  limitRequests(server, limits);
  server.on("clientError", refuseMalformed);

  return {
    server,
    async close() {
      const closed = server.listening && new Promise<void>((resolve) => server.close(() => resolve()));
      streams.close();
      server.closeIdleConnections();
      if (closed && !(await settlesWithin(closed, CLOSE_MS_MAX))) server.closeAllConnections();
      await closed;
    },
  };
}

/** One Hono path per path of the table, so that a known path can say which methods it answers. */
function createApp(handlers: Handlers, log: Log): Hono<Bindings> {
  const app = new Hono<Bindings>();
  const methodsByPath = new Map<string, Map<string, Answer>>();
  for (const key of routeKeys) {
    const [method = "", path = ""] = key.split(" ");
    const methods = methodsByPath.get(path) ?? new Map<string, Answer>();
    methodsByPath.set(path, methods.set(method, createAnswer(key, handlers)));
  }
  const fail = (context: Context<Bindings>, error: unknown, headers = {}) => {
    const { status, body } = errorReply(error, log, `${context.req.method} ${context.req.path}`);
    return send(context.env.outgoing, status, body, headers);
  };
  // "{" sorts after every letter: a fixed segment is tried before a parameter.
  for (const [path, methods] of [...methodsByPath].sort(([a], [b]) => (a < b ? -1 : 1))) {
    app.all(path.replace(/\{(\w+)\}/g, ":$1"), async (context) => {
      // Not Hono's notion of it, which answers HEAD by GET: a HEAD of the event stream would attach a client.
      const method = context.env.incoming.method ?? "";
      const answer = methods.get(method);
      if (answer === undefined) {
        const allow = [...methods.keys()].join(", ");
        const message = `${context.req.path} answers ${allow}, not ${method}.`;
        return fail(context, new HearthError("method_not_allowed", message), { allow });
      }
      try {
        await answer(context);
        return RESPONSE_ALREADY_SENT;
      } catch (error) {
        return fail(context, error);
      }
    });
  }
  app.notFound((context) => {
    const { method, path } = context.req;
    return fail(context, new HearthError("not_found", `There is no ${method} ${path} in this hearth.`));
  });
  app.onError((error, context) => fail(context, error));
  return app;
}

type AnyHandle = (request: object, exchange: HttpBindings) => Promise<AnyReply> | AnyReply | undefined;
type AnyReply = { status: number; body: unknown };

/** Parse by the route's schemas, call its handler, reply. Throws whatever went wrong. */
function createAnswer(key: RouteKey, handlers: Handlers): Answer {
  const schemas: Route = routes[key];
  const takesBody = /^(POST|PATCH|PUT) /.test(key);
  // `Handlers` ties each key to its own types; for a key that is only known to be one of them, nothing is left.
  const handle = handlers[key] as AnyHandle;

  return async ({ req, env }) => {
    const sent = takesBody ? await readJsonBody(env.incoming) : undefined;
    const params = schemas.params?.safeParse(req.param());
    if (params?.error) throw missingByPath(params.error, req.param());
    const query = schemas.query?.safeParse(req.query());
    if (query?.error) throw invalidRequest("query", query.error);
    const body = schemas.body?.safeParse(sent ?? {});
    if (body?.error) throw invalidRequest("body", body.error);
    const caller = query?.data["client_id"] ?? null;
    const gone = new AbortController();
    env.outgoing.once("close", () => gone.abort());
    const { signal } = gone;
    const request = { params: params?.data, query: query?.data, body: body?.data, caller, signal };
    const reply = await handle(request, env);
    if (reply !== undefined) await send(env.outgoing, reply.status, reply.body);
  };
}

/** Writes to Node's own response: Hono's would be made into that again, at twice the cost. */
async function send(
  outgoing: ServerResponse,
  status: number,
  body: unknown,
  headers = {},
): Promise<Response> {
  if (!outgoing.headersSent) {
    const pieces = await encodeReply(body);
    outgoing.writeHead(status, {
      "content-type": "application/json",
      "content-length": pieces.reduce((sum, piece) => sum + piece.length, 0),
      ...headers,
    });
    for (const piece of pieces.slice(0, -1)) outgoing.write(piece);
    outgoing.end(pieces.at(-1));
  }
  return RESPONSE_ALREADY_SENT;
}

/** What Node's parser turned down has no request to answer. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  const status =
    error.code === "HPE_HEADER_OVERFLOW"
      ? "431 Request Header Fields Too Large"
      : error.code === "ERR_HTTP_REQUEST_TIMEOUT"
        ? "408 Request Timeout"
        : error.code?.startsWith("HPE_") && "400 Bad Request";
  // A broken connection, or one that is in the middle of an answer, a stream perhaps.
  if (!status || !socket.writable || socket.bytesWritten > 0) return void socket.destroy();
  const message = `The request was not understood: ${status.slice(4)}.`;
  const body = JSON.stringify({ error: { code: "invalid_request", message, details: {} } });
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
