import type { IncomingMessage, ServerResponse } from "node:http";
import type { RouteKey, RouteParsed, Routes } from "../../protocol/routes.ts";
import type { Caller } from "../services.ts";

type Replies<K extends RouteKey> = Routes[K]["replies"];
type Output<S> = S extends { _zod: { output: infer O } } ? O : never;

/** A status from the route's table entry, with a body of the matching type. */
export type Reply<K extends RouteKey> = {
  [Status in keyof Replies<K> & number]: { status: Status; body: Output<Replies<K>[Status]> };
}[keyof Replies<K> & number];

/** A request parsed by its route's schemas. `signal` aborts when the client has gone. */
export type Request<K extends RouteKey> = RouteParsed<K> & {
  caller: Caller;
  /** Throws forbidden for a program that an agent has started. Call it before anything that widens what agents may do. */
  mustBePerson(): Promise<void>;
  signal: AbortSignal;
};

export type Exchange = { incoming: IncomingMessage; outgoing: ServerResponse };
type StreamKey = { [K in RouteKey]: "stream" extends Replies<K>[keyof Replies<K>] ? K : never }[RouteKey];

/** A stream's handler writes to `outgoing` itself, or throws before it has written anything. */
type Handler<K extends RouteKey> = K extends StreamKey
  ? (request: Request<K>, exchange: Exchange) => void
  : (request: Request<K>) => Reply<K> | Promise<Reply<K>>;

export type Handlers = { [K in RouteKey]: Handler<K> };
