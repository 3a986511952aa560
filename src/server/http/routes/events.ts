import { randomUUID } from "node:crypto";
import type { Handlers } from "../handler.ts";
import { type EventStreams, resumeAfter } from "../sse.ts";

export function createEventHandlers(
  streams: EventStreams,
  now: () => Date,
): Pick<Handlers, "GET /v1/workspaces/{wid}/events"> {
  return {
    "GET /v1/workspaces/{wid}/events": ({ params, query, caller }, { incoming, outgoing }) => {
      const client = {
        id: caller ?? `client-${randomUUID()}`,
        kind: query.kind ?? "other",
        label: query.label ?? "",
        attached_at: now().toISOString(),
        ...(query.session_id !== undefined && { session_id: query.session_id }),
      };
      const lastEventId = incoming.headers["last-event-id"];
      streams.start(params.wid, client, resumeAfter(lastEventId?.toString(), query.since), outgoing);
    },
  };
}
