import { HearthError } from "../../protocol/errors.ts";
import type { RunError } from "../../protocol/run.ts";
import type { ModelError } from "./wire.ts";

const SAID_CHARS_MAX = 300;

/** The first line: providers answer with whole pages, or with the request. */
function firstOf(text: string): string {
  const line = text.trim().split("\n")[0] ?? "";
  return line.length > SAID_CHARS_MAX ? `${line.slice(0, SAID_CHARS_MAX)}…` : line;
}

/** Some errors come as UnknownError, with their own name at the beginning of the message. */
function unwrapped({ name, data }: ModelError): { name: string; said: string } {
  const said = firstOf(data?.message ?? "");
  const inner = name === "UnknownError" ? /^(\w+Error): (.+)$/.exec(said) : null;
  return { name: inner?.[1] ?? name, said: (inner?.[2] ?? said) || name };
}

/** An error that opencode reports, with hearth's error code. */
export function runError(agent: string, failed: ModelError): RunError {
  const { data } = failed;
  const { name, said } = unwrapped(failed);
  const error = (code: RunError["code"], message: string, retryable = false): RunError => ({
    code,
    message,
    retryable,
  });
  switch (name) {
    case "ProviderAuthError":
      return error("provider_auth", `${agent} is not logged in at its provider: ${said}`);
    case "ContextOverflowError":
      return error("context_overflow", `The conversation no longer fits the model of ${agent}: ${said}`);
    case "ProviderModelNotFoundError":
      return error("model_unavailable", `${agent} does not know that model: ${said}`);
    case "MessageAbortedError":
      return error("provider_error", `${agent} stopped the turn by itself.`, true);
  }
  const status = data?.statusCode;
  if (status === 401 || status === 403)
    return error("provider_auth", `The provider of ${agent} refused its key: ${said}`);
  if (status === 429)
    return error("provider_rate_limited", `The provider of ${agent} is busy: ${said}`, true);
  return error("provider_error", `${agent} failed: ${said}`, true);
}

/** An error on the way to opencode. */
export function asRunFailure(agent: string, error: unknown): RunError {
  if (error instanceof HearthError) {
    const { code, message } = error;
    return { code, message, retryable: code !== "model_unavailable" };
  }
  const said = error instanceof Error ? error.message : String(error);
  return { code: "agent_unavailable", message: `${agent} could not run the turn: ${said}.`, retryable: true };
}
