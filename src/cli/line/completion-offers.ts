import { realpathSync } from "node:fs";
import type { Client } from "../../client/client.ts";
import { newClientId } from "../../client/client-id.ts";
import { findDaemon } from "../../client/daemon.ts";
import type { WorkspaceId } from "../../protocol/ids.ts";
import type { Context } from "../context.ts";
import type { Offers } from "./spec.ts";

/** Nobody waits longer for Tab. */
const ANSWER_MS = 1000;
const SESSIONS_MAX = 50;

/**
 * What the running daemon offers in this directory; empty if there is none or it is slow. A Tab starts no daemon and
 * opens no workspace.
 */
export async function offered(what: Offers, { paths, cwd }: Context): Promise<string[]> {
  const signal = AbortSignal.timeout(ANSWER_MS);
  try {
    const found = await findDaemon(
      { paths, clientId: newClientId("completion"), answerMs: ANSWER_MS },
      signal,
    );
    if (found === undefined) return [];
    try {
      return await ask(what, found.client, realpathSync(cwd()), signal);
    } finally {
      found.client.close();
    }
  } catch {
    return []; // completion must not print errors
  }
}

async function ask(what: Offers, client: Client, path: string, signal: AbortSignal): Promise<string[]> {
  const { workspaces } = await client.request("GET /v1/workspaces", { signal });
  const wid: WorkspaceId | undefined = workspaces.find((workspace) => workspace.path === path)?.id;
  if (wid === undefined) return [];
  const params = { wid };
  if (what === "sessions") {
    const query = { limit: SESSIONS_MAX };
    const { sessions } = await client.request("GET /v1/workspaces/{wid}/sessions", { params, query, signal });
    return sessions.map(({ id }) => id);
  }
  const { agents } = await client.request("GET /v1/workspaces/{wid}/agent", { params, signal });
  if (what === "models") return agents.flatMap(({ models }) => models.map(({ id }) => id));
  return agents.flatMap(({ name, status }) => (status === "not_installed" ? [] : [name]));
}
