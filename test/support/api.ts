import { Agent, request as httpRequest, type IncomingHttpHeaders } from "node:http";

export type ApiReply = { status: number; headers: IncomingHttpHeaders; text: string; json: unknown };
export type ApiOptions = {
  body?: unknown;
  /** Sent as it is instead of `body`. */
  raw?: string | Buffer;
  headers?: Record<string, string>;
  query?: Record<string, string | number | boolean | undefined>;
  signal?: AbortSignal;
};

/** HTTP over the daemon's socket, written apart from src/client so that it can judge both sides. */
export type Api = {
  readonly clientId: string;
  call(method: string, path: string, options?: ApiOptions): Promise<ApiReply>;
  /** As `call`; throws unless the status is `status`. Returns the body. */
  expect<T = Record<string, unknown>>(
    status: number,
    method: string,
    path: string,
    options?: ApiOptions,
  ): Promise<T>;
  close(): void;
};

export function createApi(socketPath: string, clientId: string): Api {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });

  function call(method: string, path: string, options: ApiOptions = {}): Promise<ApiReply> {
    const query = new URLSearchParams({ client_id: clientId });
    for (const [name, value] of Object.entries(options.query ?? {})) {
      if (value !== undefined) query.set(name, String(value));
    }
    const payload = options.raw ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
    const headers: Record<string, string> = {
      ...(payload === undefined
        ? {}
        : { "content-type": "application/json", "content-length": String(Buffer.byteLength(payload)) }),
      ...options.headers,
    };
    return new Promise((resolve, reject) => {
      let isAnswered = false;
      const request = httpRequest(
        {
          socketPath,
          agent,
          method,
          path: `${path}${path.includes("?") ? "&" : "?"}${query}`,
          headers,
          ...(options.signal ? { signal: options.signal } : {}),
        },
        (response) => {
          isAnswered = true;
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("error", reject);
          response.once("end", () => {
            const text = Buffer.concat(chunks).toString("utf8");
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              text,
              json: parsed(text),
            });
          });
        },
      );
      // Not `once`: who is refused while it still sends may hear of it twice, by its write and by its read.
      request.on("error", (error: NodeJS.ErrnoException) => {
        // A kept connection may be closed, to make room, before it is used again: nothing of the request was read.
        if (error.code === "EPIPE" && request.reusedSocket && !isAnswered)
          resolve(call(method, path, options));
        else reject(error);
      });
      request.end(payload);
    });
  }
  return {
    clientId,
    call,
    async expect<T>(status: number, method: string, path: string, options?: ApiOptions): Promise<T> {
      const reply = await call(method, path, options);
      if (reply.status !== status) {
        throw new Error(`${method} ${path} answered ${reply.status} instead of ${status}: ${reply.text}`);
      }
      return reply.json as T;
    },
    close: () => agent.destroy(),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a test that needs JSON fails on it
  }
}
