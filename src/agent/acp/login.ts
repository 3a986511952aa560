import { orAborted } from "../../async/wait.ts";
import type { AgentLogin } from "../../protocol/agent.ts";
import { HearthError } from "../../protocol/errors.ts";
import { commandIn, type Launch } from "../registry/resolve-agent.ts";
import type { AcpConnection } from "./connection/connection.ts";
import { requestFailure } from "./failure.ts";

/** The ways to log in that a connected agent names. */
export const loginsOf = ({ info }: AcpConnection, launch: Launch, root: string): AgentLogin[] =>
  info.auth.map(({ terminal, ...method }) => {
    if (terminal === null) return { ...method, terminal };
    const program = terminal.command === null ? commandIn(launch, root) : [terminal.command];
    return { ...method, terminal: { command: [...program, ...terminal.args], env: terminal.env } };
  });

/** Has the agent log in by itself. Throws provider_auth when it refuses, and the signal's reason. */
export async function authenticate(
  connection: AcpConnection,
  agent: string,
  methodId: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    await orAborted(connection.request("authenticate", { methodId }), signal);
  } catch (error) {
    const failure = requestFailure(error);
    if (failure === undefined) throw error;
    throw new HearthError(
      "provider_auth",
      `${agent} refused the login: ${failure.text.replace(/\.$/, "")}.`,
      { cause: error },
    );
  }
}
