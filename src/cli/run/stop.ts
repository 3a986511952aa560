import type { Connection } from "../../client/connect.ts";
import { HearthError } from "../../protocol/errors.ts";
import type { RunId, SessionId } from "../../protocol/ids.ts";
import { exitCodes } from "../exit.ts";

/** How long to wait for the end of a canceled run. */
const CANCELED_END_MS = 10_000;

/** Why this process ends the run early. */
type StopReason = "signal" | "timeout";

/** Ctrl+C, SIGTERM, and --timeout once the run is accepted. A second Ctrl+C exits without waiting. */
export function createStop(timeoutMs: number | undefined) {
  const asked = new AbortController();
  let reason: StopReason | undefined;
  const stop = (why: StopReason) => {
    if (reason !== undefined && why === "signal") process.exit(exitCodes.canceled);
    reason ??= why;
    asked.abort();
  };
  const onSignal = () => stop("signal");
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  let timer: NodeJS.Timeout | undefined;
  return {
    signal: asked.signal,
    reason: () => reason,
    startTimeout() {
      if (timeoutMs !== undefined) timer = setTimeout(() => stop("timeout"), timeoutMs);
    },
    close() {
      process.off("SIGINT", onSignal).off("SIGTERM", onSignal);
      clearTimeout(timer);
    },
  };
}
export type Stop = ReturnType<typeof createStop>;

/** Cancels the run only: other clients may share the session. */
export async function cancelRun(
  connection: Connection,
  session: { id: SessionId; isNew: boolean },
  runId: RunId,
  stop: Stop,
  giveUp: () => void,
  printNote: (text: string) => Promise<void>,
): Promise<void> {
  const patience = setTimeout(giveUp, CANCELED_END_MS);
  patience.unref();
  const params = { wid: connection.workspace.id, sid: session.id };
  try {
    if (!session.isNew && (await withdraw(connection, session.id, runId))) return;
    const scope = session.isNew ? "all" : "active";
    const { held } = await connection.request("POST /v1/workspaces/{wid}/agent/sessions/{sid}/cancel", {
      params,
      body: { scope },
    });
    if (held.length > 0) await printNote(`Prompts behind it in the queue are held: ${held.length}.`);
  } catch (error) {
    await printNote(
      `The run could not be canceled: ${error instanceof Error ? error.message : String(error)}`,
    );
    if (stop.reason() !== undefined) giveUp();
  }
}

/** Withdraws a queued prompt; false if it has started. */
async function withdraw(connection: Connection, sid: SessionId, rid: RunId): Promise<boolean> {
  try {
    const params = { wid: connection.workspace.id, sid, rid };
    await connection.request("DELETE /v1/workspaces/{wid}/sessions/{sid}/queue/{rid}", { params });
    return true;
  } catch (error) {
    if (error instanceof HearthError && (error.code === "run_started" || error.code === "run_not_found"))
      return false;
    throw error;
  }
}
