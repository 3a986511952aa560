import type { ErrorCode } from "../../protocol/errors.ts";
import type { RunError } from "../../protocol/run.ts";
import { at, numberOf, textOf, wireOf } from "./wire.ts";

/** A JSON-RPC error that an agent answered with. */
export type RequestFailure = { code: number; text: string };

/** undefined for errors that are no answer of the agent: a closed connection, a bug. */
export function requestFailure(error: unknown): RequestFailure | undefined {
  if (!(error instanceof Error) || error.name !== "RequestError") return undefined;
  const { code, data } = wireOf(error);
  const details = textOf(at(data, "details")) ?? textOf(at(data, "message")) ?? textOf(data);
  const message = providerMessage(error.message.replace(/^Internal error(: |$)/, ""));
  const parts = [message, details].filter((part) => part !== undefined && part !== "");
  return { code: numberOf(code) ?? 0, text: [...new Set(parts)].join(": ") || error.message };
}

/** gemini passes on its provider's JSON error unchanged. */
function providerMessage(text: string): string {
  if (!text.startsWith("{")) return text;
  try {
    return textOf(at(JSON.parse(text), "error", "message")) ?? text;
  } catch {
    return text; // not JSON
  }
}

const AUTH_REQUIRED = -32000;
const TEXT_CHARS_MAX = 600;

const isAuthText =
  /\b(401|403)\b|api.?key|unauthori[sz]ed|not logged in|log ?in\b|authenticat|credential|forbidden|(missing|resolve) provider/i;
const kinds: readonly { code: ErrorCode; retryable: boolean; fits(text: string, code: number): boolean }[] = [
  {
    code: "provider_rate_limited",
    retryable: true,
    fits: (text, code) =>
      code === 429 || /\b429\b|rate.?limit|too many requests|quota|overloaded/i.test(text),
  },
  {
    code: "provider_auth",
    retryable: false,
    fits: (text, code) => code === AUTH_REQUIRED || code === 401 || code === 403 || isAuthText.test(text),
  },
  {
    code: "context_overflow",
    retryable: false,
    fits: (text) => /context (window|length|limit)|prompt is too long|maximum.*tokens/i.test(text),
  },
  {
    code: "model_unavailable",
    retryable: false,
    fits: (text) =>
      /model.*(not found|not exist|unknown|unsupported|invalid)|(unknown|invalid) model/i.test(text),
  },
  {
    code: "provider_unreachable",
    retryable: true,
    fits: (text) =>
      /ECONNREFUSED|ENOTFOUND|ECONNRESET|ETIMEDOUT|fetch failed|network|timed? ?out/i.test(text),
  },
];

/** The error that ended a turn, for a person. `login`: the command that logs in to this agent. */
export function runErrorOf(
  agent: string,
  login: string | null,
  { code, text }: RequestFailure,
): RunError & { code: ErrorCode } {
  const kind = kinds.find((candidate) => candidate.fits(text, code));
  const message = text
    .slice(0, TEXT_CHARS_MAX)
    .trim()
    .replace(/[.\s]+$/, "");
  if (kind === undefined)
    return { code: "provider_error", message: `${agent} failed: ${message}.`, retryable: true };
  switch (kind.code) {
    case "provider_auth":
      return {
        code: "provider_auth",
        message: `${agent} is not logged in, or its provider refused it: ${message}.${login === null ? "" : ` To log in: ${login}.`}`,
        retryable: false,
      };
    default:
      return { code: kind.code, message: `${agent} failed: ${message}.`, retryable: kind.retryable };
  }
}

/** The message without its login hint, for places that show the hint separately. */
export const withoutLoginHint = (message: string, login: string | null): string =>
  login === null ? message : message.replace(` To log in: ${login}.`, "");

export const isAuthRequired = ({ code, text }: RequestFailure): boolean =>
  code === AUTH_REQUIRED || /authentication required/i.test(text);
