import { isTimeout } from "../../async/wait.ts";
import { HearthError } from "../../protocol/errors.ts";
import type { RunError } from "../../protocol/run.ts";
import type { SessionContext } from "../backend.ts";
import type { Child } from "../children/child.ts";
import type { AcpConnection } from "./connection.ts";
import { requestFailure, runErrorOf, withoutMend } from "./failure.ts";

type TurnErrorsDeps = {
  agent: string;
  child: Child<AcpConnection>;
  /** How a person logs in to it. */
  login: string | null;
  onEvent: SessionContext["onEvent"];
};

/** Why a turn of an agent ended in an error, as the person is told. */
export function createTurnErrors({ agent, child, login, onEvent }: TurnErrorsDeps) {
  /** Its connection ended, and how the child did says more. */
  async function ofCrash(): Promise<RunError> {
    const { message } = await child.gone;
    return { code: "agent_crashed", message: `${message}.`, retryable: true };
  }

  return {
    ofCrash,
    async ofRefusal(): Promise<RunError> {
      if (!child.isUsable) return ofCrash();
      const message = `${agent} takes no prompt in this session now.`;
      return { code: "agent_crashed", message, retryable: true };
    },
    async of(error: unknown): Promise<RunError> {
      if (error instanceof HearthError) return { code: error.code, message: error.message, retryable: false };
      const failure = requestFailure(error);
      if (failure !== undefined) {
        child.proved();
        const found = runErrorOf(agent, login, failure);
        if (found.code === "provider_auth")
          onEvent({ type: "login", reason: withoutMend(found.message, login) });
        return found;
      }
      if (!isTimeout(error)) return ofCrash();
      // It answers nobody any more, unless others' turns still run there.
      if (child.activeTurns > 1) child.retire();
      else await child.kill();
      return { code: "agent_crashed", message: `${agent}: ${error.message}.`, retryable: true };
    },
  };
}
