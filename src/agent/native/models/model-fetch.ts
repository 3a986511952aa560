import type { Dispatcher } from "undici";
import { type NamedProxy, ProxyError } from "./proxy.ts";

/** The part of fetch that the provider packages use. */
export type ModelFetch = typeof globalThis.fetch;

type Undici = typeof import("./undici.ts");

/** How a request goes; asking for the dispatcher throws where the proxy's address is none. */
export type Route = { proxy: NamedProxy | undefined; dispatcher(): Dispatcher };

/**
 * A fetch for the provider packages, made of undici's `request`: that sends head and body in one write, a
 * millisecond earlier than its fetch, which also refuses ports that the web must not use and a person may. A
 * redirect is an answer like any other: a key must not follow it to another host.
 */
export function createModelFetch({ request, Response }: Undici, route: (url: string) => Route): ModelFetch {
  const fetch = async (url: string, init: RequestInit = {}) => {
    const { method = "GET", headers = {}, body, signal } = init;
    if (typeof body !== "string" && !(body instanceof Uint8Array) && body !== undefined && body !== null)
      throw new Error("a model is asked with a text or nothing");
    const { proxy, dispatcher } = route(url);
    const ask = async () =>
      request(url, {
        method: method as Dispatcher.HttpMethod,
        headers: { accept: "*/*", ...(headers as Record<string, string>) },
        body: body ?? null,
        signal: signal ?? null,
        dispatcher: dispatcher(),
      });
    const answer = await ask().catch((error: unknown) => {
      if (signal?.aborted) throw error;
      const cause = proxy === undefined ? error : new ProxyError(proxy, error);
      throw new TypeError("fetch failed", { cause }); // what the packages know a failed connection by
    });
    return new Response(hasNoBody(answer.statusCode) ? null : webStream(answer.body), {
      status: answer.statusCode,
      statusText: answer.statusText,
      headers: Object.entries(answer.headers).flatMap(([name, value]) =>
        [value ?? []].flat().map((each): [string, string] => [name, each]),
      ),
    });
  };
  // The declarations differ in names only; both are the web's.
  return fetch as unknown as ModelFetch;
}

const hasNoBody = (status: number): boolean => status === 204 || status === 205 || status === 304;

/** No more is read than is asked for; whoever lets go of the stream closes the connection. */
function webStream(body: Dispatcher.ResponseData["body"]): ReadableStream<Uint8Array> {
  let isCanceled = false;
  return new ReadableStream<Uint8Array>({
    start(controller) {
      body.on("data", (chunk: Buffer) => {
        if (isCanceled) return; // what was read before
        controller.enqueue(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
        if ((controller.desiredSize ?? 0) <= 0) body.pause();
      });
      body.once("end", () => isCanceled || controller.close());
      // Also what the end of a canceled one is called: nobody listens to that.
      body.on("error", (error) => controller.error(error));
    },
    pull: () => void body.resume(),
    cancel() {
      isCanceled = true;
      body.destroy();
    },
  });
}
