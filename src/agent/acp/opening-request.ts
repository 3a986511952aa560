import { isTimeout } from "../../async/wait.ts";
import { HearthError } from "../../protocol/errors.ts";
import type { Child } from "../children/child.ts";
import type { Launch } from "../registry/resolve-agent.ts";
import type { AcpConnection } from "./connection/connection.ts";
import { isAuthRequired, requestFailure } from "./failure.ts";
import { rejectRefusal } from "./refusal.ts";

/**
 * Asks an agent for what opens a conversation. Rejects with its own refusal, or with a HearthError when the child is gone
 * or was killed for not answering.
 */
export const createOpeningRequest =
  (timeoutMs: number) =>
  async (child: Child<AcpConnection>, launch: Launch, method: string, params: unknown): Promise<unknown> => {
    const { agent } = launch;
    try {
      return await child.connection.request(method, params, timeoutMs);
    } catch (error) {
      const failure = requestFailure(error);
      if (failure !== undefined) {
        if (isAuthRequired(failure)) rejectRefusal(launch)(error);
        throw error;
      }
      if (isTimeout(error)) {
        // One of them is our own turn.
        if (child.activeTurns > 1) child.retire();
        else await child.kill();
        throw new HearthError(
          "agent_unavailable",
          `${agent} did not answer ${method} within ${Math.round(timeoutMs / 1000)} s and was ended.`,
        );
      }
      const { message } = await child.gone;
      throw new HearthError("agent_crashed", `${message}.`, { cause: error });
    }
  };
