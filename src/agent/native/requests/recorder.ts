import type { RunId, SessionId } from "../../../protocol/ids.ts";
import type { RequestDetail, RequestParts } from "../../../protocol/request.ts";
import { noUsage, type Usage } from "../../../protocol/usage.ts";
import type { Answer } from "../answer.ts";
import type { ExchangeObserver, ModelRequest } from "../models/model.ts";
import { createRedaction } from "./redaction.ts";

/** Of an answer, this much at each end is kept. */
const RESPONSE_CHARS_MAX = 256 * 1024;

/** A finished exchange. Its texts are made when they are asked for: it may be megabytes. */
export type RecordedRequest = {
  session_id: SessionId;
  run_id: RunId;
  n: number;
  /** Call it once, apart from urgent work. */
  detail(): Omit<RequestDetail, "body">;
  /** As it was sent: it may hold secrets. */
  body: Uint8Array;
  secrets: readonly string[];
};

export type RequestSink = (recorded: RecordedRequest) => void;

type What = {
  kind: RequestDetail["kind"];
  model: string;
  parts: RequestParts;
  /** When hearth began to work on it, on the clock that only rises. */
  since: number;
};
type Ended =
  | { outcome: "whole"; usage: Usage; cost: number }
  | { outcome: "failed"; usage: Usage; cost: number; error: string }
  | { outcome: "aborted" };

export type OngoingRequest = { observer: ExchangeObserver; ended(how: Ended): void };

/** Scales estimates to what the provider counted. */
export function scaled(parts: RequestParts, total: number): RequestParts {
  const sum = Object.values(parts).reduce((a, b) => a + b, 0);
  if (sum === 0 || total === 0) return parts;
  const of = (tokens: number) => Math.round((tokens * total) / sum);
  return {
    ...{ system: of(parts.system), tools: of(parts.tools), instructions: of(parts.instructions) },
    ...{ summary: of(parts.summary), messages: of(parts.messages) },
    ...{ tool_results: of(parts.tool_results), files: of(parts.files) },
  };
}

/** Keeps the ends of a text that comes in pieces. */
function createEnds(max: number) {
  const head: string[] = [];
  let headChars = 0;
  let tail = "";
  let left = 0;
  let chars = 0;
  return {
    add(text: string) {
      chars += text.length;
      if (headChars < max) {
        head.push(text);
        headChars += text.length;
        return;
      }
      tail += text;
      if (tail.length <= 2 * max) return;
      left += tail.length - max;
      tail = tail.slice(-max);
    },
    chars: () => chars,
    text: () => head.join("") + (left > 0 ? `\n[… ${left} characters left out …]\n` : "") + tail,
  };
}

const bytesOf = (body: unknown): Uint8Array =>
  body instanceof Uint8Array ? body : Buffer.from(typeof body === "string" ? body : "");

/** Follows one session's requests to its models, for people who want to see what was sent. */
export function createRequestRecorder(
  session_id: SessionId,
  sink: RequestSink,
  { now, monotonicMs }: { now(): number; monotonicMs(): number },
) {
  let run_id: RunId | undefined;
  let count = 0;
  return {
    beginRun(id: RunId) {
      run_id = id;
      count = 0;
    },
    begin({ kind, model, parts, since }: What): OngoingRequest {
      const n = ++count;
      const run = run_id;
      const at = new Date(now()).toISOString();
      const received = createEnds(RESPONSE_CHARS_MAX);
      let sent: Parameters<ExchangeObserver["sent"]>[0] | undefined;
      let sentAt = since;
      let firstAt: number | undefined;
      let answered: { status: number; headers: Readonly<Record<string, string>> } | undefined;
      return {
        observer: {
          sent(request) {
            sent = request;
            sentAt = monotonicMs();
          },
          answered(status, headers) {
            answered = { status, headers };
          },
          received(text) {
            firstAt ??= monotonicMs();
            received.add(text);
          },
        },
        ended(how) {
          if (run === undefined || sent === undefined) return;
          const request = sent;
          const endedAt = monotonicMs();
          const body = bytesOf(request.body);
          const { usage, cost } = how.outcome === "aborted" ? { usage: noUsage, cost: 0 } : how;
          sink({
            session_id,
            run_id: run,
            n,
            body,
            secrets: request.secrets,
            detail() {
              const { plain, url, headers } = createRedaction(request.secrets);
              return {
                ...{ run_id: run, n, kind, model, at, outcome: how.outcome, usage, cost },
                error: how.outcome === "failed" ? plain(how.error) : null,
                status: answered?.status ?? null,
                duration_ms: Math.round(endedAt - sentAt),
                first_ms: firstAt === undefined ? null : Math.round(firstAt - sentAt),
                added_ms: Math.round((sentAt - since) * 10) / 10,
                request_bytes: body.length,
                response_bytes: received.chars(),
                parts: scaled(parts, usage.input_tokens),
                url: url(request.url),
                headers: headers(request.headers),
                response_headers: headers(answered?.headers ?? {}),
                response: plain(received.text()),
              };
            },
          });
        },
      };
    },
  };
}
export type RequestRecorder = ReturnType<typeof createRequestRecorder>;

/** How an answer ended, for the record. */
export function endingOf(answer: Answer): Ended {
  switch (answer.kind) {
    case "whole":
      return { outcome: "whole", usage: answer.usage, cost: answer.cost };
    case "failed":
      return {
        ...{ outcome: "failed", usage: answer.usage, cost: answer.cost },
        error: answer.failure.message,
      };
    case "aborted":
      return { outcome: "aborted" };
  }
}

/** Lets `recorder` follow the request. */
export const observed = (request: ModelRequest, { observer }: OngoingRequest): ModelRequest => ({
  ...request,
  observer,
});
