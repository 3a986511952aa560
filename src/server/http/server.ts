import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { inBackground } from "../../async/in-background.ts";
import { settlesWithin } from "../../async/wait.ts";
import { HearthError } from "../../protocol/errors.ts";
import type { Route } from "../../protocol/routes/shared.ts";
import { type RouteKey, routeKeys, routes } from "../../protocol/routes.ts";
import type { Log } from "../daemon/log.ts";
import { observing, onlyReads } from "../observing.ts";
import type { Services } from "../services.ts";
import { readJsonBody } from "./body.ts";
import { limitConnections } from "./connection-limit.ts";
import { encodeReply } from "./encode-reply.ts";
import { errorReply, invalidRequest, missingByPath } from "./error-reply.ts";
import type { Exchange, Handlers } from "./handler.ts";
import { createPersonCheck, type PersonCheck } from "./person-check.ts";
import { createRouter } from "./router.ts";
import { createAgentHandlers } from "./routes/agents.ts";
import { createChangeHandlers } from "./routes/changes.ts";
import { createDaemonHandlers } from "./routes/daemon.ts";
import { createEventHandlers } from "./routes/events.ts";
import { createJobHandlers } from "./routes/jobs.ts";
import { createKeyHandlers } from "./routes/keys.ts";
import { createMcpHandlers } from "./routes/mcp.ts";
import { createModelHandlers } from "./routes/models.ts";
import { createPermissionHandlers } from "./routes/permissions.ts";
import { createRequestHandlers } from "./routes/requests.ts";
import { createRunHandlers } from "./routes/runs.ts";
import { createSessionHandlers } from "./routes/sessions.ts";
import { createTaskHandlers } from "./routes/tasks.ts";
import { createTransferHandlers } from "./routes/transfer.ts";
import { createTrustHandlers } from "./routes/trust.ts";
import { createUndoHandlers } from "./routes/undo.ts";
import { createUsageHandlers } from "./routes/usage.ts";
import { createWorkspaceHandlers } from "./routes/workspaces.ts";
import { createEventStreams } from "./sse.ts";
import type { Knock, Pass } from "./tcp-gate.ts";

/** Time limits for sending a request, in milliseconds. Replies have no limit. */
const patience = {
  headersTimeout: 10_000,
  requestTimeout: 60_000,
  keepAliveTimeout: 30_000,
  /** How often the limits are checked. */
  connectionsCheckingInterval: 5_000,
};
export type Patience = typeof patience;
/** Time for replies in progress when the server closes. */
const CLOSE_MS_MAX = 500;

/** A13: what comes over TCP gets fewer connections than terminals on the socket. */
const TCP_SOCKETS_MAX = 256;

export type HttpServer = {
  /** The caller makes it listen. */
  server: Server;
  /** Another server of the same routes, behind a gate; the caller makes it listen. At most one. */
  serveTcp(gate: (knock: Knock) => Pass): Server;
  /** Stops listening, ends the streams, finishes replies in progress, closes all connections. */
  close(): Promise<void>;
};

/** Serves every route of the table over HTTP. The caller decides where `server` listens. */
export function createHttpServer(deps: {
  services: Services;
  log: Log;
  now: () => Date;
  patience?: Patience;
}): HttpServer {
  const { services, log, now } = deps;
  const streams = createEventStreams({ attach: services.events.attach, log });
  const answer = createListener(
    {
      ...createDaemonHandlers(services),
      ...createWorkspaceHandlers(services),
      ...createEventHandlers(streams, now),
      ...createSessionHandlers(services),
      ...createTransferHandlers(services),
      ...createRunHandlers(services),
      ...createJobHandlers(services),
      ...createAgentHandlers(services),
      ...createKeyHandlers(services),
      ...createModelHandlers(services),
      ...createPermissionHandlers(services),
      ...createChangeHandlers(services),
      ...createUndoHandlers(services),
      ...createMcpHandlers(services),
      ...createTrustHandlers(services),
      ...createTaskHandlers(services),
      ...createUsageHandlers(services),
      ...createRequestHandlers(services),
    },
    log,
    { person: createPersonCheck(services.children, log), isObserver: services.events.isObserver },
  );
  const open = (gate?: (knock: Knock) => Pass): Server => {
    const server = createServer(deps.patience ?? patience, (incoming, outgoing) =>
      inBackground(
        () => answer(incoming, outgoing, gate),
        (cause) => log.error("a request could not be answered", { cause }),
      ),
    );
    server.on("clientError", refuseMalformed);
    return server;
  };
  const server = open();
  limitConnections(server);
  let tcp: Server | undefined;

  return {
    server,
    serveTcp(gate) {
      tcp = open(gate);
      limitConnections(tcp, TCP_SOCKETS_MAX);
      return tcp;
    },
    async close() {
      const closing = [server, tcp].flatMap((one) =>
        one?.listening ? [{ one, closed: new Promise<void>((resolve) => one.close(() => resolve())) }] : [],
      );
      streams.close();
      for (const { one } of closing) one.closeIdleConnections();
      for (const { one, closed } of closing) {
        if (!(await settlesWithin(closed, CLOSE_MS_MAX))) one.closeAllConnections();
        await closed;
      }
    },
  };
}

/** Who may ask. */
type Checks = { person: PersonCheck; isObserver(clientId: string | null): boolean };

/** Answers each request by its route's handler, or with an error. Never throws. */
function createListener(handlers: Handlers, log: Log, checks: Checks) {
  const find = createRouter(routeKeys);
  return async (
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    gate?: (knock: Knock) => Pass,
  ): Promise<void> => {
    const { method = "", url = "/", headers, rawHeaders } = incoming;
    const [path = "", query = ""] = url.split("?", 2);
    try {
      const address = incoming.socket.remoteAddress ?? "";
      const pass = gate?.({ url, method, headers, rawHeaders, address }) ?? "all";
      if (pass === "liveness") return await send(outgoing, { status: 200, body: { status: "ok" } });
      const found = find(path);
      if (found === undefined) {
        throw new HearthError("not_found", `There is no ${method} ${path} in this hearth.`);
      }
      const key = found.keys.get(method);
      if (key === undefined) {
        const allow = [...found.keys.keys()].join(", ");
        outgoing.setHeader("allow", allow);
        throw new HearthError("method_not_allowed", `${path} answers ${allow}, not ${method}.`);
      }
      const exchange = { incoming, outgoing };
      const said = { params: found.params, query };
      const reply = await handleRequest(key, handlers, said, exchange, checks);
      if (reply !== undefined) await send(outgoing, reply);
    } catch (error) {
      await send(outgoing, errorReply(error, log, `${method} ${path}`));
      // Reads the rest of a refused body: a client that is still sending only reads the reply afterwards.
      incoming.resume();
    }
  };
}

type AnyHandle = (request: object, exchange: Exchange) => Promise<AnyReply> | AnyReply | undefined;
type AnyReply = { status: number; body: unknown };

/** Parses the request by its route's schemas and calls the handler. A stream returns no reply. Throws any failure. */
async function handleRequest(
  key: RouteKey,
  handlers: Handlers,
  said: { params: Readonly<Record<string, string>>; query: string },
  exchange: Exchange,
  checks: Checks,
): Promise<AnyReply | undefined> {
  const schemas: Route = routes[key];
  const search = new URLSearchParams(said.query);
  // Before anything is looked at: an observer learns nothing from what it may not ask.
  if (checks.isObserver(search.get("client_id")) && !onlyReads(key, search)) throw observing();
  const takesBody = /^(POST|PATCH|PUT) /.test(key);
  const sent = takesBody ? await readJsonBody(exchange.incoming) : undefined;
  const params = schemas.params?.safeParse(said.params);
  if (params?.error) throw missingByPath(params.error, said.params);
  const query = schemas.query?.safeParse(Object.fromEntries(search));
  if (query?.error) throw invalidRequest("query", query.error);
  const body = schemas.body?.safeParse(sent ?? {});
  if (body?.error) throw invalidRequest("body", body.error);
  const caller = query?.data["client_id"] ?? null;
  const gone = new AbortController();
  exchange.outgoing.once("close", () => gone.abort());
  const { signal } = gone;
  const mustBePerson = () => checks.person(exchange.incoming.socket);
  const request = {
    params: params?.data,
    query: query?.data,
    body: body?.data,
    caller,
    mustBePerson,
    signal,
  };
  // `Handlers` types each key on its own; a key known only at run time needs this cast.
  const handle = handlers[key] as AnyHandle;
  return handle(request, exchange);
}

async function send(outgoing: ServerResponse, { status, body }: AnyReply): Promise<void> {
  if (outgoing.headersSent) return;
  const pieces = await encodeReply(body);
  outgoing.writeHead(status, {
    "content-type": "application/json",
    "content-length": pieces.reduce((sum, piece) => sum + piece.length, 0),
  });
  for (const piece of pieces.slice(0, -1)) outgoing.write(piece);
  outgoing.end(pieces.at(-1));
}

/** For input that Node's parser refused: there is no request to reply to. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  const status =
    error.code === "HPE_HEADER_OVERFLOW"
      ? "431 Request Header Fields Too Large"
      : error.code === "ERR_HTTP_REQUEST_TIMEOUT"
        ? "408 Request Timeout"
        : error.code?.startsWith("HPE_") && "400 Bad Request";
  // The connection is broken or in the middle of a reply, perhaps a stream.
  if (!status || !socket.writable || socket.bytesWritten > 0) return void socket.destroy();
  const message = `The request was not understood: ${status.slice(4)}.`;
  const body = JSON.stringify({ error: { code: "invalid_request", message, details: {} } });
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
