import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Api, apiOf, createGeminiWire, createResponsesWire, normalized } from "./agent-wires.ts";
import { createHappenings } from "./happenings.ts";
import {
  createAnthropicWire,
  createOpenAiWire,
  type ModelWire,
  type ScriptedFinish,
  type ScriptedUsage,
} from "./model-wire.ts";
import { checkRequest } from "./request-check.ts";
import { tunnelToItself } from "./tunnel.ts";

/** One thing that an answer says or does; pieces follow each other as fast as the connection takes them. */
export type Piece =
  | string
  | { reasoning: string; signature?: string }
  /** A whole tool call. */
  | { call: string; input: unknown; id?: string }
  /** The beginning of a tool call whose arguments follow as `args` pieces. */
  | { call_begin: string; id?: string }
  | { args: string }
  /** The answer goes on when this resolves. */
  | { until: Promise<unknown> }
  /** Bytes that no provider would send. */
  | { raw: string }
  /** No more comes: the connection stays open, is reset, or ends without the answer being complete. */
  | { stop: "hang" | "reset" | "cut" };

export type Reply = {
  pieces?: readonly Piece[];
  /** Not even the headers are sent before this resolves. */
  after?: Promise<unknown>;
  status?: number;
  headers?: Readonly<Record<string, string>>;
  /** Instead of an answer: what a failing server says. A string is sent as it is. */
  body?: unknown;
  finish?: ScriptedFinish;
  usage?: Partial<ScriptedUsage>;
};

/** An answer made of these pieces. */
export const say = (...pieces: Piece[]): Reply => ({ pieces });
/** A refusal in the provider's own words. */
export const refuse = (status: number, message: string, headers: Record<string, string> = {}): Reply => ({
  status,
  headers,
  body: { message },
});
/** Takes the request and never answers. */
export const silence = (): Reply => ({ after: new Promise(() => {}) });

export type ModelRequest = {
  /** 0 for the first one the server got. */
  index: number;
  api: Api;
  path: string;
  headers: IncomingHttpHeaders;
  body: RequestBody;
  /** The body in the provider's own words. */
  asSent: { [field: string]: unknown };
  /** Milliseconds of `performance.now()` of this process. */
  receivedAt: number;
  /** When the first piece was written; undefined while there was none. */
  firstPieceAt: number | undefined;
  /** Resolves when the exchange is over, whoever ended it. */
  closed: Promise<{ at: number; by: "server" | "client" }>;
  isOpen(): boolean;
};
type RequestBody = {
  [field: string]: unknown;
  model: string;
  messages: readonly WireMessage[];
  stream?: boolean;
};
type WireMessage = { [field: string]: unknown; role: string; content?: unknown };

export type Script = (request: ModelRequest, index: number) => Reply;

export type ModelServer = {
  /** Without a version segment. Also a proxy behind which it stands for every provider, under their own names. */
  readonly origin: string;
  /** With it, as `base_url` is written in hearth.jsonc. */
  readonly baseUrl: string;
  readonly requests: readonly ModelRequest[];
  /** What a strict provider would have turned down; a request with such a fault is answered with 400. */
  readonly violations: readonly string[];
  /** Takes the place of the script that answers whatever the queue does not. */
  script(script: Script): void;
  /** Answers to the next requests, one each. */
  enqueue(...replies: (Reply | Script)[]): void;
  /** Refuses requests that carry another key. */
  requireKey(key: string): void;
  /** The request of that index, when it has come. */
  request(index: number): Promise<ModelRequest>;
  /** The next one that nobody has taken yet. */
  nextRequest(): Promise<ModelRequest>;
  /** The first request, past or future, whose last prompt contains `text`. */
  requestSaying(text: string): Promise<ModelRequest>;
  close(): Promise<void>;
};

const defaultUsage: ScriptedUsage = { input: 100, output: 10, reasoning: 0, cache_read: 0, cache_write: 0 };

/**
 * A model provider on loopback that speaks four wire formats and says what its script says. Not strict: for other
 * people's agents, whose requests are theirs to answer for.
 */
export async function startModelServer({ isStrict = true } = {}): Promise<ModelServer> {
  const requests = createHappenings<ModelRequest>((request) => `${request.path}: ${lastPrompt(request)}`);
  const queue: (Reply | Script)[] = [];
  let script: Script = () => say("Done.");
  let key: string | undefined;
  let taken = 0;
  const violations: string[] = [];

  const server = createServer((incoming, outgoing) => {
    void serve(incoming, outgoing).catch((error: unknown) => {
      // The one who asked is gone, or the script is wrong: the test that waits for more shows it.
      outgoing.destroy(error instanceof Error ? error : undefined);
    });
  });
  server.keepAliveTimeout = 60_000;

  const endTunnels = tunnelToItself(server);

  async function serve(incoming: IncomingMessage, outgoing: ServerResponse) {
    const path = (incoming.url ?? "").split("?")[0] ?? "";
    const api = apiOf(path);
    if (incoming.method !== "POST" || api === null) return answerOther(path, outgoing);
    const receivedAt = performance.now();
    const chunks: Buffer[] = [];
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
    const asSent = JSON.parse(Buffer.concat(chunks).toString("utf8")) as ModelRequest["asSent"];
    const body = normalized(api, path, asSent) as RequestBody;
    const closed = Promise.withResolvers<{ at: number; by: "server" | "client" }>();
    let isOpen = true;
    outgoing.once("close", () => {
      isOpen = false;
      closed.resolve({ at: performance.now(), by: outgoing.writableEnded ? "server" : "client" });
    });
    const request: ModelRequest = {
      index: requests.all.length,
      api,
      path,
      headers: incoming.headers,
      ...{ body, asSent },
      receivedAt,
      firstPieceAt: undefined,
      closed: closed.promise,
      isOpen: () => isOpen,
    };
    const options = body["stream_options"] as { include_usage?: boolean } | undefined;
    const wire = wireOf(api, body.model, options?.include_usage === true);
    // The others' rules are those of strict-provider.ts.
    const isKnown = api === "openai" || api === "anthropic";
    const wrong = isStrict && isKnown ? checkRequest(request) : [];
    violations.push(...wrong);
    const scripted =
      wrong.length > 0
        ? refuse(400, wrong.join("; "))
        : (wrongKey(incoming.headers) ?? queue.shift() ?? script);
    requests.add(request);
    await answer(
      request,
      outgoing,
      wire,
      typeof scripted === "function" ? scripted(request, request.index) : scripted,
    );
  }

  function wrongKey(headers: IncomingHttpHeaders): Reply | undefined {
    if (key === undefined || headers.authorization === `Bearer ${key}` || headers["x-api-key"] === key)
      return undefined;
    return refuse(401, "Incorrect API key provided.");
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const request = (index: number) =>
    requests.until((found) => found.index === index, `request ${index} at the model`);
  return {
    origin,
    baseUrl: `${origin}/v1`,
    requests: requests.all,
    violations,
    script(next) {
      script = next;
    },
    enqueue: (...replies) => void queue.push(...replies),
    requireKey(required) {
      key = required;
    },
    request,
    nextRequest: () => request(taken++),
    requestSaying: (text) =>
      requests.until((found) => lastPrompt(found).includes(text), `a request to the model saying "${text}"`),
    async close() {
      endTunnels();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

function wireOf(api: Api, model: string, wantsUsage: boolean): ModelWire {
  switch (api) {
    case "openai":
      return createOpenAiWire(model, wantsUsage);
    case "anthropic":
      return createAnthropicWire(model);
    case "responses":
      return createResponsesWire(model);
    case "gemini":
      return createGeminiWire(model);
  }
}

function answerOther(path: string, outgoing: ServerResponse): void {
  const isModels = path.endsWith("/models");
  const data = [{ id: "big", object: "model", created: 0, owned_by: "scripted" }];
  outgoing.writeHead(isModels ? 200 : 404, { "content-type": "application/json" });
  outgoing.end(JSON.stringify(isModels ? { object: "list", data } : { error: { message: `no ${path}` } }));
}

async function answer(
  request: ModelRequest,
  outgoing: ServerResponse,
  wire: ModelWire,
  reply: Reply,
): Promise<void> {
  const { after, status = 200, headers = {}, body, pieces = [], finish = "stop" } = reply;
  const usage = { ...defaultUsage, ...reply.usage };
  if (after !== undefined) await Promise.race([after, request.closed]);
  if (outgoing.destroyed) return;
  if (body !== undefined || status >= 400) {
    const isText = typeof body === "string";
    const message = (body as { message?: string } | undefined)?.message ?? `scripted ${status}`;
    outgoing.writeHead(status, { "content-type": isText ? "text/html" : "application/json", ...headers });
    outgoing.end(isText ? body : JSON.stringify(wire.error(status, message)));
    return;
  }
  if (request.body.stream !== true) {
    outgoing.writeHead(status, { "content-type": "application/json", ...headers });
    outgoing.end(JSON.stringify(wire.whole({ ...collect(pieces), finish, usage })));
    return;
  }
  outgoing.writeHead(status, {
    "content-type": "text/event-stream",
    "cache-control": "no-cache",
    ...headers,
  });
  outgoing.flushHeaders();
  outgoing.socket?.setNoDelay(true);
  let hasBegun = false;
  let calls = 0;
  for (const piece of pieces) {
    if (typeof piece === "object" && "until" in piece) {
      await Promise.race([piece.until, request.closed]);
      if (outgoing.destroyed) return;
      continue;
    }
    if (typeof piece === "object" && "stop" in piece) {
      await stop(piece.stop, request, outgoing);
      return;
    }
    const text = encode(piece, wire, `call_${request.index}_${calls}`);
    if (typeof piece === "object" && ("call" in piece || "call_begin" in piece)) calls += 1;
    request.firstPieceAt ??= performance.now();
    const isRaw = typeof piece === "object" && "raw" in piece;
    const begun: string = hasBegun || isRaw ? "" : wire.begin(usage);
    hasBegun ||= begun !== "";
    if (!outgoing.write(begun + text)) await drained(request, outgoing);
    if (outgoing.destroyed) return;
  }
  outgoing.end((hasBegun ? "" : wire.begin(usage)) + wire.finish(finish, usage));
}

const drained = (request: ModelRequest, outgoing: ServerResponse): Promise<unknown> =>
  Promise.race([new Promise((resolve) => outgoing.once("drain", resolve)), request.closed]);

function encode(
  piece: Exclude<Piece, { until: unknown } | { stop: unknown }>,
  wire: ModelWire,
  id: string,
): string {
  if (typeof piece === "string") return wire.text(piece);
  if ("raw" in piece) return piece.raw;
  if ("reasoning" in piece) return wire.reasoning(piece.reasoning, piece.signature ?? "scripted");
  if ("args" in piece) return wire.callArguments(piece.args);
  if ("call_begin" in piece) return wire.callBegin(piece.id ?? id, piece.call_begin);
  return wire.callBegin(piece.id ?? id, piece.call) + wire.callArguments(JSON.stringify(piece.input));
}

function stop(
  how: "hang" | "reset" | "cut",
  request: ModelRequest,
  outgoing: ServerResponse,
): Promise<unknown> | undefined {
  if (how === "hang") return request.closed;
  if (how === "reset") outgoing.socket?.resetAndDestroy();
  else outgoing.destroy();
  return undefined;
}

function collect(pieces: readonly Piece[]) {
  const found = { text: "", reasoning: "", calls: [] as { id: string; name: string; arguments: string }[] };
  for (const piece of pieces) {
    if (typeof piece === "string") found.text += piece;
    else if ("reasoning" in piece) found.reasoning += piece.reasoning;
    else if ("call" in piece) {
      const id = piece.id ?? `call_${found.calls.length}`;
      found.calls.push({ id, name: piece.call, arguments: JSON.stringify(piece.input) });
    }
  }
  return found;
}

/** What a person wrote last, without the block that describes the machine, whichever provider's form it has. */
export function lastPrompt(request: ModelRequest): string {
  const last = request.body.messages.findLast((message) => message.role === "user");
  return contentText(last?.content).replace(/^<environment[\s\S]*?<\/environment>\s*/, "");
}

/** Everything that was sent as one text, for "is it in there" questions. */
export const sentText = (request: ModelRequest): string => JSON.stringify(request.body.messages);

/** The results of tool calls in a request, by the id of the call, in order. */
export function toolResults(request: ModelRequest): { id: string; text: string }[] {
  return request.body.messages.flatMap((message) => {
    if (message.role === "tool") {
      return [{ id: String(message["tool_call_id"]), text: contentText(message.content) }];
    }
    if (message.role !== "user" || !Array.isArray(message.content)) return [];
    return (message.content as Record<string, unknown>[])
      .filter((block) => block["type"] === "tool_result")
      .map((block) => ({ id: String(block["tool_use_id"]), text: contentText(block["content"]) }));
  });
}

function contentText(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return (content as Record<string, unknown>[])
    .map((block) => (block["type"] === "text" ? String(block["text"]) : ""))
    .filter((text) => text !== "")
    .join("\n");
}
