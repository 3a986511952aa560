import { stringOf } from "../wire/loose.ts";
import { recordsIn, sentenceOf } from "./sentence.ts";

/** What an error is about. Codes and types count before the status, wording comes last. */
export type ErrorKind =
  | "overflow"
  | "key"
  | "forbidden"
  | "region"
  | "moderation"
  | "credit"
  | "quota_of_day"
  | "rate"
  | "too_large_for_rate"
  | "model"
  | "tool_call"
  | "passing"
  | "other";

const kindByCode: Readonly<Record<string, ErrorKind>> = {
  context_length_exceeded: "overflow",
  context_window_exceeded: "overflow",
  model_max_prompt_tokens_exceeded: "overflow",
  exceed_context_size_error: "overflow",
  invalid_api_key: "key",
  incorrect_api_key: "key",
  api_key_invalid: "key",
  api_key_expired: "key",
  authentication_error: "key",
  invalid_authentication_error: "key",
  unauthenticated: "key",
  account_deactivated: "key",
  unsupported_country_region_territory: "region",
  content_policy_violation: "moderation",
  content_filter: "moderation",
  moderation_blocked: "moderation",
  insufficient_quota: "credit",
  exceeded_current_quota_error: "credit",
  billing_error: "credit",
  billing_not_active: "credit",
  billing_hard_limit_reached: "credit",
  insufficient_balance: "credit",
  payment_required: "credit",
  rate_limit_exceeded: "rate",
  rate_limit_error: "rate",
  rate_limit_reached_error: "rate",
  too_many_requests: "rate",
  model_not_found: "model",
  model_not_available: "model",
  invalid_model: "model",
  model_decommissioned: "model",
  tool_use_failed: "tool_call",
  output_parse_failed: "tool_call",
  overloaded_error: "passing",
  overloaded: "passing",
  server_is_overloaded: "passing",
  engine_overloaded_error: "passing",
  slow_down: "passing",
  unavailable: "passing",
  unavailable_error: "passing",
  server_error: "passing",
  internal_server_error: "passing",
};

/** The statuses for the words that errors inside a stream use. */
const statusByCode: Readonly<Record<string, number>> = {
  overloaded_error: 529,
  overloaded: 529,
  server_is_overloaded: 529,
  engine_overloaded_error: 529,
  slow_down: 503,
  unavailable: 503,
  rate_limit_error: 429,
  rate_limit_exceeded: 429,
  resource_exhausted: 429,
  too_many_requests: 429,
  insufficient_quota: 429,
  exceeded_current_quota_error: 429,
  api_error: 500,
  server_error: 500,
  internal: 500,
  internal_server_error: 500,
  deadline_exceeded: 504,
  timeout_error: 408,
  invalid_request_error: 400,
  invalid_argument: 400,
  failed_precondition: 400,
  invalid_prompt: 400,
  tool_use_failed: 400,
  context_length_exceeded: 400,
  authentication_error: 401,
  unauthenticated: 401,
  billing_error: 402,
  permission_error: 403,
  permission_denied: 403,
  not_found_error: 404,
  not_found: 404,
  request_too_large: 413,
};

/** Providers' wording for these errors, from their documentation and public issues. */
const overflowWording =
  /prompt is too long|context[_ ]length[_ ]exceeded|maximum context length|exceeds? (the |your |this model's )?(maximum )?(model )?context|exceed context limit|input token count.*exceeds|maximum prompt length|reduce the length of the (messages|prompt|input)|exceeds the available context size|greater than the context length|context window (exceeds|limit)|exceeded model token limit|too many (input )?tokens|input (is )?too long|prompt too long|context the overflows|larger context length|context (window|size|length) (is )?(too small|overflow|exceeded)/i;
const keyWording =
  /(api|access|x-api)[_ -]?key[^.]{0,40}(not valid|invalid|incorrect|expired|missing|not found|not provided)|(invalid|incorrect|wrong|missing|no) (x-)?(api|access)[_ -]?key|unregistered callers|invalid (bearer |auth(entication|orization)? )?token/i;
const modelWording =
  /(^|\W)model(s\/[\w.-]+)?\b.{0,120}?(not found|does not exist|not exist|not supported|is not available|unknown|invalid|no longer|not_found|decommissioned|deprecated|is not a valid|have access)|(unknown|invalid|unsupported|no such) model|access to (the )?model|not a valid model|model_not_found|^model: /is;
const creditWording =
  /insufficient[_ ](quota|balance|credit|funds)|exceeded your current quota|credit balance is too low|out of credits|(doesn't|does not|don't) have any credits|more credits|billing|payment required/i;
const regionWording =
  /(country|region|territory|location)[^.]{0,40}(not (supported|available|allowed)|unsupported)|not available in your (country|region)/i;
const moderationWording = /moderation|flagged|content policy|violat/i;
const rateWording =
  /rate.?limit|per (min|minute|second|hour)|too many requests|try again in|retry in|\b[TR]P[MDS]\b/i;

export type ErrorFacts = {
  kind: ErrorKind;
  /** The HTTP status, or the one that the error names. */
  status: number | undefined;
  sentence: string;
};

const statusIn = (value: unknown): number | undefined => {
  const number = typeof value === "string" && /^\d{3}$/.test(value) ? Number(value) : value;
  return typeof number === "number" && number >= 400 && number < 600 ? number : undefined;
};

/** "Limit 8000, Requested 12815": waiting does not make it fit. */
function isLargerThanLimit(sentence: string): boolean {
  const found = /Limit:?\s*([\d,]+).{0,40}?Requested:?\s*([\d,]+)/i.exec(sentence);
  if (found === null) return /request too large/i.test(sentence) && rateWording.test(sentence);
  const [limit = 0, requested = 0] = found.slice(1).map((text) => Number(text.replaceAll(",", "")));
  return requested > limit;
}

function kindOf(
  codes: readonly string[],
  status: number | undefined,
  sentence: string,
  hasRetryAfter: boolean,
): ErrorKind {
  const named = codes.map((code) => kindByCode[code]).find((kind) => kind !== undefined);
  const isDaily = codes.some((code) => /perday|daily/.test(code));
  if (isDaily && (status === 429 || named === "rate")) return "quota_of_day";
  if (named === "rate" || ((status === 429 || status === 413) && rateWording.test(sentence)))
    return isLargerThanLimit(sentence) ? "too_large_for_rate" : "rate";
  if (named !== undefined && named !== "passing") return named;
  if (overflowWording.test(sentence)) return "overflow";
  if (status === 429) return creditWording.test(sentence) && !hasRetryAfter ? "credit" : "rate";
  if (named !== undefined) return named;
  if (status === 401) return "key";
  if (status === 402) return "credit";
  if (status === 413) return "overflow";
  if (status === undefined || status >= 500) return "other";
  if (keyWording.test(sentence)) return "key";
  if (regionWording.test(sentence)) return "region";
  if ((status === 404 || status === 400 || status === 403) && modelWording.test(sentence)) return "model";
  if ((status === 400 || status === 403) && creditWording.test(sentence)) return "credit";
  if (status === 403) return moderationWording.test(sentence) ? "moderation" : "forbidden";
  return "other";
}

/** Reads an error in any provider's format. `hasRetryAfter`: it says how long to wait. */
export function readError(
  value: unknown,
  httpStatus: number | undefined,
  hasRetryAfter: boolean,
): ErrorFacts {
  const records = recordsIn(value);
  const codes = records.flatMap((record) =>
    ["code", "type", "status", "reason", "quotaId", "error_type", "error"]
      .map((field) => stringOf(record[field])?.toLowerCase())
      .filter((code) => code !== undefined),
  );
  const statusInBody = records
    .flatMap((record) =>
      [record["statusCode"], record["status_code"], record["code"], record["status"]].map(statusIn),
    )
    .find((status) => status !== undefined);
  const byCode = codes.map((code) => statusByCode[code]).find((status) => status !== undefined);
  const status = httpStatus ?? statusInBody ?? byCode;
  const sentence = sentenceOf(value);
  return { kind: kindOf(codes, status, sentence, hasRetryAfter), status, sentence };
}
