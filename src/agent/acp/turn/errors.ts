import { isTimeout } from "../../../async/wait.ts";
import { HearthError } from "../../../protocol/errors.ts";
import type { RunError } from "../../../protocol/run.ts";
import type { SessionContext } from "../../backend.ts";
import type { Child } from "../../children/child.ts";
import type { AcpConnection } from "../connection/connection.ts";
import { requestFailure, runErrorOf, withoutLoginHint } from "../failure.ts";

type TurnErrorsDeps = {
  agent: string;
  child: Child<AcpConnection>;
  /** The command to log in to the agent. */
  login: string | null;
  onEvent: SessionContext["onEvent"];
};

/** Why a turn failed, as a person reads it. */
export function createTurnErrors({ agent, child, login, onEvent }: TurnErrorsDeps) {
  /** The connection ended. The child's exit says more than the connection's error. */
  async function ofCrash(): Promise<RunError> {
    const { message } = await child.gone;
    return { code: "agent_crashed", message: `${message}.`, retryable: true };
  }

  return {
    ofCrash,
    async ofRefusal(): Promise<RunError> {
      if (!child.isUsable) return ofCrash();
      const message = `${agent} cannot take a prompt in this session now.`;
      return { code: "agent_crashed", message, retryable: true };
    },
    async of(error: unknown): Promise<RunError> {
      if (error instanceof HearthError) return { code: error.code, message: error.message, retryable: false };
      const failure = requestFailure(error);
      if (failure !== undefined) {
        child.markHealthy();
        const found = runErrorOf(agent, login, failure);
        if (found.code === "provider_auth")
          onEvent({ type: "login", reason: withoutLoginHint(found.message, login) });
        return found;
      }
      if (!isTimeout(error)) return ofCrash();
      // The child has stopped answering. Kill it, unless other sessions have turns in it.
      if (child.activeTurns > 1) child.retire();
      else await child.kill();
      return { code: "agent_crashed", message: `${agent}: ${error.message}.`, retryable: true };
    },
  };
}
