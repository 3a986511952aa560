import { noUsage } from "../../protocol/usage.ts";
import type { Backend, SessionContext, Turn, TurnHost, TurnResult } from "../backend.ts";
import type { ProcessSupervisor } from "../process/types.ts";
import { createFileLedger } from "../tools/files/file-ledger.ts";
import { noSession, type Tool } from "../tools/tool.ts";

type ShellDeps = {
  processes: ProcessSupervisor;
  /** The native agent's bash tool, with the same limits, environment and process handling. */
  bash: Tool;
};

/**
 * Runs a command that a person typed (`!npm test`) as a normal run: queued, canceled, recorded, and in the transcript
 * that the next agent reads. It asks for no permission, because a person typed it.
 */
export function createShellBackend({ processes, bash }: ShellDeps): Backend {
  async function runTurn(
    { root, session_id, container }: Pick<SessionContext, "root" | "session_id" | "container">,
    turn: Turn,
    host: TurnHost,
    signal: AbortSignal,
  ): Promise<TurnResult> {
    const id = `shell_${turn.run_id}`;
    const input = { command: turn.prompt };
    host.emit({ type: "step_started", model: null });
    host.emit({
      ...{ type: "tool_call", tool_call_id: id, name: "bash", kind: "execute" },
      ...{ title: turn.prompt, input, status: "running" },
    });
    try {
      const prepared = await bash.prepare(bash.input.parse(input), {
        root,
        session_id,
        container,
        run_id: turn.run_id,
        tool_call_id: id,
        env: turn.env,
        files: createFileLedger(),
        processes,
        session: noSession,
        onOutput: (text) => host.emit({ type: "tool_output", tool_call_id: id, text }),
        signal,
      });
      const result = "text" in prepared ? prepared : await prepared.run();
      host.emit({
        ...{ type: "tool_call_updated", tool_call_id: id, output: result.text },
        status: result.isError ? "failed" : "completed",
        ...(result.view === undefined ? {} : { view: result.view }),
      });
      host.emit({ type: "step_finished", finish_reason: "end_turn", usage: noUsage, cost: 0 });
      return { outcome: signal.aborted ? "canceled" : "end_turn" };
    } catch (error) {
      if (signal.aborted) return { outcome: "canceled" };
      const message = error instanceof Error ? error.message : String(error);
      return { outcome: "error", error: { code: "internal", message, retryable: false } };
    } finally {
      await processes.stopOwner(turn.run_id);
    }
  }

  return {
    kind: "native",
    open: async (session) => ({
      kind: "resumed",
      isUsable: async ({ root }) => root === session.root,
      runTurn: (turn, host, signal) => runTurn(session, turn, host, signal),
      kill: async () => {},
      close: async () => {},
    }),
    close: async () => {},
  };
}
