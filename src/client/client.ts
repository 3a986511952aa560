import { Agent, request as httpRequest, type IncomingMessage, type RequestOptions } from "node:http";
import { sleep } from "../async/wait.ts";
import { HearthError, isErrorCode } from "../protocol/errors.ts";
import type { RouteInput, RouteKey, RouteReply } from "../protocol/routes.ts";

/** Parallel requests of one client: enough that a cancel never waits behind a slow listing. */
const SOCKETS_MAX = 6;
/** The largest reply is a snapshot's page of messages; a larger one is not from hearth. */
const REPLY_BYTES_MAX = 256 * 1024 * 1024;

/** How long, and at what interval, a call is retried while the socket's backlog is full. */
const BACKLOG_WAIT_MS_MAX = 2000;
const BACKLOG_RETRY_MS = 20;

type StreamKey = "GET /v1/workspaces/{wid}/events";
export type RequestKey = Exclude<RouteKey, StreamKey>;

type OptionalIfEmpty<Name extends string, T> = [T] extends [undefined]
  ? unknown
  : undefined extends T
    ? { [N in Name]?: T }
    : Record<never, never> extends T
      ? { [N in Name]?: T }
      : { [N in Name]: T };

/** The input of a call: only what its route has; empty parts may be left out. */
export type RequestInput<K extends RequestKey> = OptionalIfEmpty<"params", RouteInput<K>["params"]> &
  OptionalIfEmpty<"query", RouteInput<K>["query"]> &
  OptionalIfEmpty<"body", RouteInput<K>["body"]> & { signal?: AbortSignal | undefined };

export type RequestArguments<K extends RequestKey> =
  Record<never, never> extends RequestInput<K> ? [input?: RequestInput<K>] : [input: RequestInput<K>];

export type Client = {
  readonly socketPath: string;
  readonly clientId: string;
  /**
   * Throws HearthError: the daemon's error, or daemon_unreachable. An aborted call rejects with the signal's reason.
   */
  request<K extends RequestKey>(key: K, ...args: RequestArguments<K>): Promise<RouteReply<K>>;
  /** Closes the connections; calls in progress fail. */
  close(): void;
};

/** Calls the daemon over its socket, keeping the connection between calls. */
export function createClient({ socketPath, clientId }: { socketPath: string; clientId: string }): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: SOCKETS_MAX, scheduling: "lifo" });

  type Loose = { params?: Values; query?: Values; body?: unknown; signal?: AbortSignal | undefined };
  async function request(key: RequestKey, input: Loose = {}): Promise<unknown> {
    const { method, path } = addressOf(key, input.params ?? {}, { ...input.query, client_id: clientId });
    const sent: Exchange = { socketPath, agent, method, path, body: input.body, signal: input.signal };
    let reply = await exchange(sent);
    let maybeRead = "lost" in reply && !isUnsent(reply.lost);
    // The daemon closed an idle connection just as it was reused: it has read nothing of the call.
    if ("lost" in reply && reply.wasReused) reply = await exchange({ ...sent, agent: false });
    const deadline = performance.now() + BACKLOG_WAIT_MS_MAX;
    while ("lost" in reply && isBacklogFull(reply.lost) && performance.now() < deadline) {
      await sleep(BACKLOG_RETRY_MS);
      reply = await exchange(sent);
    }
    if ("lost" in reply) {
      maybeRead ||= !isUnsent(reply.lost);
      throw unreachable(reply.lost, socketPath, maybeRead);
    }
    return readReply(reply, `${method} ${path}`);
  }
  return {
    socketPath,
    clientId,
    request: request as Client["request"],
    close: () => agent.destroy(),
  };
}

/**
 * The backlog of the daemon's socket is full. The daemon has read nothing of the call, and will accept soon.
 */
export const isBacklogFull = (error: unknown): boolean =>
  error instanceof Error && (error as NodeJS.ErrnoException).code === "EAGAIN";

/** There was no connection, so the daemon cannot have read the call. */
const isUnsent = (error: unknown): boolean =>
  error instanceof Error &&
  ["ENOENT", "ECONNREFUSED", "EACCES", "EPERM", "EAGAIN"].includes(
    (error as NodeJS.ErrnoException).code ?? "",
  );

type Values = Readonly<Record<string, unknown>>;

/** The method, and the path with its query, for a route key and its input. */
export function addressOf(key: RouteKey, params: Values, query: Values): { method: string; path: string } {
  const [method = "", template = ""] = key.split(" ");
  const path = template.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(params[name])));
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null) search.set(name, String(value));
  }
  const text = search.toString();
  return { method, path: text === "" ? path : `${path}?${text}` };
}

type Exchange = {
  socketPath: string;
  agent: Agent | false;
  method: string;
  path: string;
  body: unknown;
  signal: AbortSignal | undefined;
};
type Reply = { status: number; text: string };
/** The connection failed before the whole reply had arrived. */
type Lost = { lost: unknown; wasReused: boolean };

async function exchange(sent: Exchange): Promise<Reply | Lost> {
  const { socketPath, agent, method, path, body, signal } = sent;
  signal?.throwIfAborted();
  const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
  const headers: Record<string, string | number> = { accept: "application/json" };
  if (payload !== undefined) {
    headers["content-type"] = "application/json";
    headers["content-length"] = payload.length;
  }
  const call = httpRequest(onSocket(agent, { socketPath, method, path, headers, ...(signal && { signal }) }));
  try {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      call.once("response", resolve).on("error", reject).end(payload);
    });
    return { status: response.statusCode ?? 0, text: await readText(response) };
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (error instanceof HearthError) throw error;
    return { lost: error, wasReused: call.reusedSocket };
  }
}

/**
 * Skips work in node:http that only TCP needs: checking whether the host is an address (its pattern takes 2 ms to
 * compile), and creating a global agent.
 */
export const onSocket = (agent: Agent | false, options: RequestOptions): RequestOptions => {
  const lean: RequestOptions & { servername: string } = { ...options, agent, servername: "" };
  return agent === false ? lean : { ...lean, _defaultAgent: agent };
};

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > REPLY_BYTES_MAX)
      throw new HearthError("internal", "The daemon's answer is larger than 256 MiB.");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function readReply({ status, text }: Reply, what: string): unknown {
  let value: unknown;
  try {
    value = text === "" ? {} : JSON.parse(text);
  } catch (cause) {
    throw new HearthError("internal", `The daemon answered ${what} with something that is not JSON.`, {
      cause,
    });
  }
  if (status >= 200 && status < 300) return value;
  throw errorOfReply(value, status, what);
}

/** The HearthError in an error reply; `internal` if it has none that this client knows. */
export function errorOfReply(value: unknown, status: number, what: string): HearthError {
  const error = isRecord(value) && isRecord(value["error"]) ? value["error"] : {};
  const message =
    typeof error["message"] === "string" ? error["message"] : `The daemon answered ${what} with ${status}.`;
  const details = isRecord(error["details"]) ? error["details"] : {};
  const code = error["code"];
  // A newer daemon may know codes that this client does not.
  if (!isErrorCode(code))
    return new HearthError("internal", message, { details: { ...details, code, status } });
  return new HearthError(code, message, { details });
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** The error for a failed connection. `maybeRead`: the daemon may have carried out the call. */
export function unreachable(error: unknown, socketPath: string, maybeRead = false): HearthError {
  const cause = error instanceof Error ? error : new Error(String(error));
  const code = (cause as NodeJS.ErrnoException).code ?? "";
  const sentence =
    code === "ENOENT" || code === "ECONNREFUSED"
      ? `No daemon listens on ${socketPath}.`
      : code === "EACCES" || code === "EPERM"
        ? `This user may not use the socket ${socketPath}: it belongs to somebody else.`
        : `The connection to the daemon on ${socketPath} was lost (${code || cause.message}).`;
  return new HearthError("daemon_unreachable", sentence, {
    cause,
    details: { reason: code, maybe_read: maybeRead },
  });
}
