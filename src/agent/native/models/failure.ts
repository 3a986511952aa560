import type { ErrorCode } from "../../../protocol/errors.ts";
import { retryAfterOf } from "../retry-after.ts";

type FailureFields = {
  code: ErrorCode;
  /** Short cause for a retry notice: "529 overloaded". */
  brief: string;
  isRetryable: boolean;
  /** What the provider told us to wait. */
  retryAfterMs?: number | undefined;
  /** Fewer tries than the limit allows, where trying again seldom helps. */
  triesMax?: number | undefined;
  /** HTTP status, where there was one. */
  status?: number | undefined;
  cause?: unknown;
};

/** What went wrong with one request to a model. `message` is one sentence for a person. */
export class ModelFailure extends Error {
  readonly code: ErrorCode;
  readonly brief: string;
  readonly isRetryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly triesMax: number | undefined;
  readonly status: number | undefined;

  constructor(message: string, fields: FailureFields) {
    super(message, { cause: fields.cause });
    this.name = "ModelFailure";
    this.code = fields.code;
    this.brief = fields.brief;
    this.isRetryable = fields.isRetryable;
    this.retryAfterMs = fields.retryAfterMs;
    this.triesMax = fields.triesMax;
    this.status = fields.status;
  }
}

/** Whose request it was, for messages that name what to mend. */
export type RequestOrigin = {
  label: string;
  /** Where the key came from: "ANTHROPIC_API_KEY", "providers.local.api_key". */
  keyFrom: string | null;
  /** Which setting says where the server is. */
  addressFrom: string;
  baseUrl: string;
  model: string;
  /** What was sent to be known by: a provider that repeats it must not bring it into a transcript. */
  secrets?: readonly string[];
};

/** A refused connection or an unknown host seldom mends itself within minutes. */
const UNREACHABLE_TRIES_MAX = 3;
const BODY_CHARS_MAX = 400;

type Loose = { [key: string]: unknown };
const isRecord = (value: unknown): value is Loose => typeof value === "object" && value !== null;
const stringOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

/** The error object inside a body or an error event, whichever way the provider wraps it. */
function payloadOf(value: unknown): Loose {
  if (!isRecord(value)) return {};
  const inner = value["error"];
  return isRecord(inner) ? inner : value;
}

/** Wording by which providers say that a prompt is too long; collected from their documentation and issues. */
const overflowWording =
  /prompt is too long|context[_ ]length[_ ]exceeded|maximum context length|exceeds? (the |your |this model's )?(maximum )?(model )?context|input token count.*exceeds|maximum prompt length|reduce the length of the (messages|prompt|input)|exceeds the available context size|greater than the context length|context window (exceeds|limit)|exceeded model token limit|too many (input )?tokens|input (is )?too long|request_too_large|prompt too long/i;
const modelWording =
  /model.{0,120}?(not found|does not exist|not exist|not supported|is not available|unknown|invalid|no longer|not_found|decommissioned|deprecated|is not a valid)|(unknown|invalid|unsupported|no such) model|not a valid model|model_not_found|not_found_error.*model/is;
const quotaWording =
  /insufficient_quota|exceeded your current quota|credit balance is too low|insufficient balance|billing/i;

/** Statuses that error events name by a word instead of a number. */
const statusByType: Readonly<Record<string, number>> = {
  overloaded_error: 529,
  overloaded: 529,
  rate_limit_error: 429,
  rate_limit_exceeded: 429,
  api_error: 500,
  server_error: 500,
  internal_server_error: 500,
  timeout_error: 408,
  invalid_request_error: 400,
  authentication_error: 401,
  permission_error: 403,
  not_found_error: 404,
  request_too_large: 413,
  context_length_exceeded: 400,
  insufficient_quota: 429,
};
const briefByStatus: Readonly<Record<number, string>> = {
  408: "timeout",
  409: "conflict",
  429: "rate limited",
  500: "internal error",
  502: "bad gateway",
  503: "unavailable",
  504: "gateway timeout",
  529: "overloaded",
};

const networkCodes: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ENOTFOUND: "unknown host",
  EAI_AGAIN: "name lookup failed",
  ECONNRESET: "connection reset",
  EPIPE: "connection closed",
  ETIMEDOUT: "connection timed out",
  EHOSTUNREACH: "host unreachable",
  ENETUNREACH: "network unreachable",
  UND_ERR_CONNECT_TIMEOUT: "connection timed out",
  UND_ERR_SOCKET: "connection closed",
};
const lastingNetworkCodes = new Set(["ECONNREFUSED", "ENOTFOUND", "EHOSTUNREACH", "ENETUNREACH"]);

/** The network error code somewhere down the chain of causes. */
function networkCodeOf(error: unknown): string | undefined {
  for (let at: unknown = error, depth = 0; isRecord(at) && depth < 8; at = at["cause"], depth += 1) {
    const code = stringOf(at["code"]);
    if (
      code !== undefined &&
      (code in networkCodes || /^(CERT_|ERR_TLS|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO)/.test(code))
    )
      return code;
    const nested = at["errors"]; // AggregateError of happy eyeballs
    if (Array.isArray(nested)) {
      const found = nested.map(networkCodeOf).find((candidate) => candidate !== undefined);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

const oneLine = (text: string): string => {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > BODY_CHARS_MAX ? `${line.slice(0, BODY_CHARS_MAX)}…` : line;
};
const withoutSecrets = (text: string, { secrets = [] }: RequestOrigin): string =>
  secrets.reduce((rest, secret) => rest.replaceAll(secret, "[redacted]"), text);
/** A reason without its closing full stop, to be put into a sentence of ours. */
const reasonOf = (text: string): string => oneLine(text).replace(/\.$/, "");

function failureOfStatus(
  status: number,
  said: string,
  about: RequestOrigin,
  retryAfterMs: number | undefined,
  cause: unknown,
): ModelFailure {
  const brief = `${status} ${briefByStatus[status] ?? "error"}`;
  const fields = { brief, status, retryAfterMs, cause };
  const reason = said === "" ? brief : `${status}: ${reasonOf(said)}`;
  const key = about.keyFrom === null ? "no key was sent" : `the key came from ${about.keyFrom}`;
  if (overflowWording.test(said) || (status === 413 && said !== ""))
    return new ModelFailure(
      `The conversation no longer fits the context window of ${about.model} (${reason}). Compact it, start a new session, or choose a model with a larger window.`,
      { ...fields, code: "context_overflow", isRetryable: false },
    );
  if (status === 401 || status === 403)
    return new ModelFailure(
      `${about.label} refused the request (${reason}); ${key}. Set a valid key${about.keyFrom === null ? "" : ` in ${about.keyFrom}`}.`,
      { ...fields, code: "provider_auth", isRetryable: false },
    );
  if (status === 402 || (status === 429 && quotaWording.test(said)))
    return new ModelFailure(`${about.label} has no credit left for this key (${reason}); ${key}.`, {
      ...fields,
      code: status === 402 ? "provider_error" : "provider_rate_limited",
      isRetryable: false,
    });
  if (status === 429)
    return new ModelFailure(`${about.label} limits the rate of requests (${reason}). Try again later.`, {
      ...fields,
      code: "provider_rate_limited",
      isRetryable: true,
    });
  if ((status === 404 || status === 400) && modelWording.test(said))
    return new ModelFailure(
      `${about.label} does not serve the model ${about.model} (${reason}). Choose another one.`,
      {
        ...fields,
        code: "model_unavailable",
        isRetryable: false,
      },
    );
  if (status < 400)
    return new ModelFailure(
      `${about.label} answers ${status} at ${about.baseUrl}: it is somewhere else. Set ${about.addressFrom} to its address; keys are not sent after a redirect.`,
      { ...fields, code: "provider_error", isRetryable: false },
    );
  if (status === 404)
    return new ModelFailure(
      `${about.label} answered 404 at ${about.baseUrl}${said === "" ? "" : ` (${reasonOf(said)})`}. Check ${about.addressFrom} and the model's name, ${about.model}.`,
      { ...fields, code: "provider_error", isRetryable: false },
    );
  return new ModelFailure(`${about.label} answered ${reason}.`, {
    ...fields,
    code: "provider_error",
    isRetryable: status === 408 || status === 409 || status >= 500,
  });
}

function failureOfNetwork(code: string, about: RequestOrigin, cause: unknown): ModelFailure {
  const isCertificate = !(code in networkCodes);
  const brief = networkCodes[code] ?? `certificate refused (${code})`;
  const isLasting = lastingNetworkCodes.has(code);
  const advice = isCertificate
    ? "Set NODE_EXTRA_CA_CERTS for the daemon if the server uses a certificate of your own."
    : `Check the network, that the server runs, and ${about.addressFrom}.`;
  return new ModelFailure(`${about.label} cannot be reached at ${about.baseUrl}: ${brief}. ${advice}`, {
    code: "provider_unreachable",
    brief,
    isRetryable: !isCertificate,
    triesMax: isLasting ? UNREACHABLE_TRIES_MAX : undefined,
    cause,
  });
}

const cutOff = (about: RequestOrigin, brief: string, cause: unknown): ModelFailure =>
  new ModelFailure(`${about.label} ended the answer of ${about.model} before it was complete: ${brief}.`, {
    code: "provider_error",
    brief,
    isRetryable: true,
    cause,
  });

/** The answer ended without the provider saying that it is complete. */
export const failureOfCut = (about: RequestOrigin, cause?: unknown): ModelFailure =>
  cutOff(about, "the answer was cut off", cause);

/** An error that came inside a stream that began well. */
export function failureOfEvent(event: unknown, about: RequestOrigin): ModelFailure {
  if (event instanceof Error) return failureOf(event, about);
  const payload = payloadOf(event);
  const words = stringOf(payload["message"]) ?? stringOf(event) ?? oneLine(JSON.stringify(event) ?? "");
  const said = withoutSecrets(words, about);
  const named = [payload["statusCode"], payload["code"], payload["status"]].find(
    (value): value is number => typeof value === "number" && value >= 400 && value < 600,
  );
  const types = [stringOf(payload["type"]), stringOf(payload["code"])];
  const status = named ?? types.map((word) => statusByType[word ?? ""]).find((found) => found !== undefined);
  if (status !== undefined)
    return failureOfStatus(status, said, about, retryAfterOf({}, JSON.stringify(payload), Date.now()), event);
  if (overflowWording.test(said)) return failureOfStatus(400, said, about, undefined, event);
  return cutOff(about, said === "" ? "an error without a message" : reasonOf(said), event);
}

/** Errors of the provider packages that say that the request itself cannot be made. */
const unmakeable =
  /^AI_(UnsupportedFunctionality|InvalidArgument|InvalidPrompt|LoadAPIKey|LoadSetting|NoSuchModel)/;

/** Whatever a provider package throws, as what it means. */
export function failureOf(error: unknown, about: RequestOrigin): ModelFailure {
  if (error instanceof ModelFailure) return error;
  const fields: Loose = isRecord(error) ? error : {};
  const status = fields["statusCode"];
  const body = withoutSecrets(stringOf(fields["responseBody"]) ?? "", about);
  if (typeof status === "number" && status >= 300) {
    const headers = isRecord(fields["responseHeaders"]) ? fields["responseHeaders"] : {};
    // An HTML page of a proxy says nothing that the status does not.
    const said = /^\s*</.test(body) ? "" : (stringOf(payloadOf(parsed(body))["message"]) ?? body);
    return failureOfStatus(status, said, about, retryAfterOf(headers, body, Date.now()), error);
  }
  const code = networkCodeOf(error);
  if (code !== undefined)
    return typeof status === "number"
      ? cutOff(about, networkCodes[code] ?? code, error)
      : failureOfNetwork(code, about, error);
  if (typeof status === "number") return failureOfCut(about, error);
  const message = withoutSecrets(error instanceof Error ? error.message : String(error), about);
  if (error instanceof Error && unmakeable.test(error.name))
    return new ModelFailure(`${about.label} cannot be asked this: ${reasonOf(message)}.`, {
      code: "provider_error",
      brief: "the request cannot be made",
      isRetryable: false,
      cause: error,
    });
  if (/without a finish reason/.test(message)) return failureOfCut(about, error);
  return cutOff(about, reasonOf(message), error);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a body that is not JSON is quoted as it is
  }
}
