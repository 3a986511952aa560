import { HearthError } from "../protocol/errors.ts";
import type { RunId, SessionId } from "../protocol/ids.ts";
import type { Connection } from "./connect.ts";

/** `started`: it runs, and cancelActive stops it; `over`: it has ended, or never was. */
export type Withdrawn = "withdrawn" | "started" | "over";

/** Takes a prompt back that has not started. */
export async function withdrawRun(
  { request, workspace }: Pick<Connection, "request" | "workspace">,
  sid: SessionId,
  rid: RunId,
): Promise<Withdrawn> {
  try {
    await request("DELETE /v1/workspaces/{wid}/sessions/{sid}/queue/{rid}", {
      params: { wid: workspace.id, sid, rid },
    });
    return "withdrawn";
  } catch (error) {
    if (!(error instanceof HearthError)) throw error;
    if (error.code === "run_not_found") return "over";
    if (error.code !== "run_started") throw error;
    return error.details["state"] === "completed" ? "over" : "started";
  }
}

/**
 * Ends one run, wherever it stands, and nothing else: what others have asked for goes on. A daemon that does not know
 * `run_id` goes by the scope.
 */
export const cancelRun = (
  { request, workspace }: Pick<Connection, "request" | "workspace">,
  sid: SessionId,
  rid: RunId,
): Promise<unknown> =>
  request("POST /v1/workspaces/{wid}/agent/sessions/{sid}/cancel", {
    params: { wid: workspace.id, sid },
    body: { scope: "active", run_id: rid },
  });

/** Stops the active run of a session, and nothing that waits behind it. */
export const cancelActive = (
  { request, workspace }: Pick<Connection, "request" | "workspace">,
  sid: SessionId,
): Promise<unknown> =>
  request("POST /v1/workspaces/{wid}/agent/sessions/{sid}/cancel", {
    params: { wid: workspace.id, sid },
    body: { scope: "active" },
  });
