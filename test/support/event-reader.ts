import { type ClientRequest, request as httpRequest, type IncomingMessage } from "node:http";
import { type EventType, eventSchemas, type HearthEvent } from "../../src/protocol/events.ts";
import { createHappenings, soon } from "./happenings.ts";

export type EventOf<T extends EventType> = Extract<HearthEvent, { type: T }>;

/** One attached event stream, everything it got recorded and checked against the contract. */
export type EventReader = {
  readonly clientId: string;
  readonly events: readonly HearthEvent[];
  /** Comment lines so far: what keeps the stream alive. */
  comments(): number;
  lastSeq(): number | undefined;
  /** The first event of that type that fits, past or future. */
  until<T extends EventType>(type: T, fits?: (event: EventOf<T>) => boolean): Promise<EventOf<T>>;
  /** As `until`, but only what comes after `seq`. */
  untilAfter<T extends EventType>(
    seq: number,
    type: T,
    fits?: (event: EventOf<T>) => boolean,
  ): Promise<EventOf<T>>;
  /** The first event of any type that fits, past or future. */
  untilAny(fits: (event: HearthEvent) => boolean, what: string): Promise<HearthEvent>;
  /** When an event with that seq or a later one is there. */
  untilSeq(seq: number): Promise<void>;
  all<T extends EventType>(type: T): EventOf<T>[];
  /** Resolves when the daemon has ended or cut the stream. */
  closed: Promise<"ended" | "cut">;
  /** Stops taking bytes from the socket. */
  pause(): void;
  resume(): void;
  /** Goes away without a word. */
  drop(): void;
};

export type ReadOptions = {
  since?: number | undefined;
  /** Sent as Last-Event-ID. */
  lastEventId?: string;
  kind?: string;
  label?: string;
  /** Called with each event as it arrives; for measuring. */
  onEvent?: (event: HearthEvent) => void;
  /** Left out only where a stream is too fast for it. */
  validate?: boolean;
};

/** The stream was refused. */
export class StreamRefused extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, text: string) {
    super(`the event stream was refused: ${status} ${text}`);
    this.status = status;
    this.code = (JSON.parse(text) as { error?: { code?: string } }).error?.code ?? "";
  }
}

/** Attaches; resolves when the daemon has answered. */
export async function readEvents(
  socketPath: string,
  workspaceId: string,
  clientId: string,
  options: ReadOptions = {},
): Promise<EventReader> {
  const query = new URLSearchParams({ client_id: clientId, kind: options.kind ?? "other" });
  if (options.label !== undefined) query.set("label", options.label);
  if (options.since !== undefined) query.set("since", String(options.since));
  const headers: Record<string, string> = { accept: "text/event-stream" };
  if (options.lastEventId !== undefined) headers["last-event-id"] = options.lastEventId;
  const path = `/v1/workspaces/${workspaceId}/events?${query}`;
  let request: ClientRequest | undefined;
  const response = await soon(
    new Promise<IncomingMessage>((resolve, reject) => {
      request = httpRequest({ socketPath, agent: false, path, headers }, resolve).once("error", reject).end();
    }),
    "the event stream's headers",
  );
  if (response.statusCode !== 200) {
    let text = "";
    for await (const chunk of response) text += String(chunk);
    throw new StreamRefused(response.statusCode ?? 0, text);
  }
  const type = response.headers["content-type"] ?? "";
  if (!type.startsWith("text/event-stream")) throw new Error(`the event stream is ${type}`);

  const log = createHappenings<HearthEvent>((event) => `${event.seq} ${event.type} ${brief(event)}`);
  const closed = Promise.withResolvers<"ended" | "cut">();
  const validate = options.validate ?? true;
  let comments = 0;
  let last: number | undefined;
  const fail = (error: Error) => {
    log.finish(error.message);
    request?.destroy();
  };
  const parse = createFrameParser({
    onComment: () => {
      comments += 1;
    },
    onFrame({ id, event, data }) {
      const found = JSON.parse(data) as HearthEvent;
      if (validate) assertContract(found, id, event, last);
      last = found.type === "resync" ? found.seq : Math.max(found.seq, last ?? 0);
      options.onEvent?.(found);
      log.add(found);
    },
  });
  response.setEncoding("utf8");
  response.on("data", (chunk: string) => {
    try {
      parse(chunk);
    } catch (error) {
      fail(error instanceof Error ? error : new Error(String(error)));
    }
  });
  response.on("error", () => {}); // 'close' follows
  request?.on("error", () => {});
  response.once("end", () => closed.resolve("ended"));
  response.once("close", () => {
    closed.resolve("cut");
    log.finish("the stream is closed");
  });

  const until = <T extends EventType>(type: T, fits: (event: EventOf<T>) => boolean, from: number) =>
    log.until(
      (event): event is EventOf<T> => event.type === type && event.seq > from && fits(event as EventOf<T>),
      `${type} ${fits.toString().slice(0, 120)}`,
    );
  return {
    clientId,
    events: log.all,
    comments: () => comments,
    lastSeq: () => last,
    until: (type, fits = () => true) => until(type, fits, -1),
    untilAfter: (seq, type, fits = () => true) => until(type, fits, seq),
    untilAny: (fits, what) => log.until(fits, what),
    async untilSeq(seq) {
      if ((last ?? -1) >= seq) return;
      await log.until((event) => event.seq >= seq, `seq ${seq}`);
    },
    all: <T extends EventType>(type: T) =>
      log.all.filter((event): event is EventOf<T> => event.type === type),
    closed: closed.promise,
    pause: () => void response.pause(),
    resume: () => void response.resume(),
    drop: () => void request?.destroy(),
  };
}

type Frame = { id: string; event: string; data: string };

/** The event stream format of the HTML standard, as far as a server of events may use it. */
function createFrameParser(on: { onFrame(frame: Frame): void; onComment(): void }): (chunk: string) => void {
  let rest = "";
  let frame: Partial<Frame> = {};
  return (chunk) => {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const raw of lines) {
      const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
      if (line === "") {
        if (frame.data !== undefined)
          on.onFrame({ id: frame.id ?? "", event: frame.event ?? "", data: frame.data });
        frame = {};
      } else if (line.startsWith(":")) on.onComment();
      else {
        const [, field = "", value = ""] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
        if (field === "id" || field === "event") frame[field] = value;
        else if (field === "data") frame.data = frame.data === undefined ? value : `${frame.data}\n${value}`;
        else throw new Error(`a line that is no event stream: ${line.slice(0, 200)}`);
      }
    }
  };
}

/** design.md §4: id, event and data agree, seq rises, and the payload is what its schema says. */
function assertContract(event: HearthEvent, id: string, name: string, last: number | undefined): void {
  const schema = eventSchemas[event.type];
  if (schema === undefined) throw new Error(`an event of no known type: ${event.type}`);
  const parsed = schema.safeParse(event);
  if (!parsed.success) {
    throw new Error(
      `${event.type} is not what its schema says: ${parsed.error.message}\n${JSON.stringify(event)}`,
    );
  }
  if (id !== String(event.seq)) throw new Error(`id ${id} of the event with seq ${event.seq}`);
  if (name !== event.type) throw new Error(`event ${name} holds a ${event.type}`);
  if (last !== undefined && event.seq <= last && event.type !== "resync") {
    throw new Error(`seq ${event.seq} (${event.type}) after ${last}`);
  }
}

function brief(event: HearthEvent): string {
  return JSON.stringify(event.payload).slice(0, 160);
}
