import { HearthError } from "../../protocol/errors.ts";
import type { Launch } from "../registry/resolve-agent.ts";
import { requestFailure, runErrorOf } from "./failure.ts";

/** The agent refused the request, for another reason than a missing login. */
export const isRefusal = (error: unknown): boolean =>
  error instanceof HearthError && error.code !== "provider_auth" && requestFailure(error.cause) !== undefined;

/** Turns an agent's refusal into a HearthError; rethrows any other error. */
export const rejectRefusal =
  ({ agent, login }: Launch) =>
  (error: unknown): never => {
    const failure = requestFailure(error);
    if (failure === undefined) throw error;
    const { code, message } = runErrorOf(agent, login, failure);
    throw new HearthError(code, message, { cause: error });
  };
