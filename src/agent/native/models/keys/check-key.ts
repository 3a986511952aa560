import type { ProviderType } from "../../../../protocol/config.ts";
import { HearthError } from "../../../../protocol/errors.ts";
import { failureOf, failureOfAnswer, ModelFailure, type RequestOrigin } from "../errors/failure.ts";
import type { ModelFetch } from "../network/model-fetch.ts";
import { traitsOf } from "../traits.ts";

const CHECK_MS_MAX = 20_000;
/** An error's body; a list of models is not read. */
const BODY_CHARS_MAX = 100_000;

export type KeyPlace = {
  name: string;
  label: string;
  type: ProviderType;
  baseUrl: string;
  addressFrom: string;
};

const headersOf = (type: ProviderType, key: string): Record<string, string> => {
  switch (type) {
    case "anthropic":
      return { "x-api-key": key, "anthropic-version": "2023-06-01" };
    case "google":
      return { "x-goog-api-key": key };
    default:
      return { authorization: `Bearer ${key}` };
  }
};

/**
 * Asks the provider one question that costs nothing. Returns whether it could judge the key: some servers list no
 * models. Throws HearthError for a key that it refuses, or if it cannot be reached.
 */
export async function checkKey(fetch: ModelFetch, place: KeyPlace, key: string): Promise<boolean> {
  const { type, baseUrl, label, name, addressFrom } = place;
  const about: RequestOrigin = {
    ...{ label, addressFrom, baseUrl, keyFrom: null, model: `${name}/` },
    secrets: [key],
  };
  const path = traitsOf({ type, baseUrl, model: "" }).keyPath;
  try {
    const response = await fetch(`${baseUrl}${path}`, {
      headers: headersOf(type, key),
      signal: AbortSignal.timeout(CHECK_MS_MAX),
    });
    if (response.ok) {
      await response.body?.cancel();
      return true;
    }
    const body = (await response.text()).slice(0, BODY_CHARS_MAX);
    const failure = failureOfAnswer({ status: response.status, headers: {}, body }, about);
    // It knows the key, but not the question, or has no time now.
    if (failure.code !== "provider_auth") return false;
    const reason = /\((.*?)\)[;.]/.exec(failure.message)?.[1] ?? `${response.status}`;
    throw new HearthError("provider_auth", `${label} refuses this key (${reason}); it was not kept.`);
  } catch (error) {
    if (error instanceof HearthError) throw error;
    const failure = error instanceof ModelFailure ? error : failureOf(error, about);
    throw new HearthError("provider_unreachable", `${failure.message} The key was not kept.`, {
      cause: error,
    });
  }
}
