import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { type IncomingMessage, type RequestOptions, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Log, LogFields } from "../../src/server/daemon/log.ts";
import { createHttpServer, type Patience } from "../../src/server/http/server.ts";
import type { Services } from "../../src/server/services.ts";

export type LogLine = { level: keyof Log; message: string; fields: LogFields };

/** The HTTP layer alone, on a socket of its own, and what it wrote to its log. */
export async function bareHttp(services: Services, patience?: Patience) {
  const dir = mkdtempSync(join(tmpdir(), "hearth-http-"));
  const socketPath = join(dir, "s");
  const logged: LogLine[] = [];
  const level =
    (name: keyof Log) =>
    (message: string, fields: LogFields = {}) =>
      void logged.push({ level: name, message, fields });
  const log: Log = { info: level("info"), warn: level("warn"), error: level("error") };
  const http = createHttpServer({
    services,
    log,
    now: () => new Date("2026-01-02T03:04:05.006Z"),
    ...(patience && { patience }),
  });
  http.server.listen(socketPath);
  await once(http.server, "listening");
  return {
    socketPath,
    logged,
    server: http.server,
    close: async () => {
      await http.close();
      rmSync(dir, { recursive: true });
    },
    call: (key: string, more: Call = {}) => call(socketPath, key, more),
    open: (key: string, headers: RequestOptions["headers"] = {}) => open(socketPath, key, headers),
  };
}

type Call = { body?: unknown; raw?: string | Buffer; headers?: Record<string, string> };

/** One request, "METHOD path", and its whole reply. */
export async function call(socketPath: string, key: string, { body, raw, headers = {} }: Call = {}) {
  const payload = body === undefined ? raw : JSON.stringify(body);
  const type = body === undefined ? {} : { "content-type": "application/json" };
  const response = await open(socketPath, key, { ...type, ...headers }, payload);
  let text = "";
  for await (const chunk of response.setEncoding("utf8")) text += chunk;
  return { status: response.statusCode, headers: response.headers, text, json: parsed(text) };
}

function parsed(text: string) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a reply that is no JSON: the test looks at its text
  }
}

/** One request, and its reply as soon as it begins. */
export async function open(
  socketPath: string,
  key: string,
  headers: RequestOptions["headers"] = {},
  payload?: string | Buffer,
): Promise<IncomingMessage> {
  const [method = "", path = ""] = key.split(" ");
  return new Promise((resolve, reject) => {
    request({ socketPath, method, path, headers: headers ?? {}, agent: false }, resolve)
      .on("error", reject)
      .end(payload);
  });
}
