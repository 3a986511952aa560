import type { NativeSettings } from "../agent/native/models/settings.ts";
import { type Config, type Limits, limitDefaults } from "../protocol/config.ts";
import { HearthError } from "../protocol/errors.ts";
import type { SessionId, WorkspaceId } from "../protocol/ids.ts";
import type { Paths } from "../protocol/paths.ts";
import { createConfigLoader } from "./config/load.ts";
import type { Environments } from "./environments.ts";
import type { Caller } from "./services.ts";
import type { Store } from "./store/open.ts";

export type Settings = ReturnType<typeof createSettings>;

/** What counts in a workspace now: its configuration, and what its clients brought along. */
export function createSettings({
  paths,
  store,
  environments,
}: {
  paths: Paths;
  store: Store;
  environments: Environments;
}) {
  const load = createConfigLoader();

  /** What was read in this turn of the event loop: a prompt asks some ten times on its way. */
  const justRead = new Map<WorkspaceId | null, { config: Config; limits: Limits }>();

  /** Null: the user's own configuration, without any project's. Throws config_invalid. */
  function of(wid: WorkspaceId | null): { config: Config; limits: Limits } {
    const known = justRead.get(wid);
    if (known) return known;
    const read = load({ paths, root: wid === null ? null : (store.workspaces.get(wid)?.path ?? null) });
    if (justRead.size === 0) setImmediate(() => justRead.clear());
    justRead.set(wid, read);
    return read;
  }

  /** Throws session_not_found. */
  function workspaceOf(sid: SessionId): WorkspaceId {
    const wid = store.sessions.get(sid)?.workspace_id;
    if (wid === undefined) throw new HearthError("session_not_found", `The session ${sid} is gone.`);
    return wid;
  }

  /** Who sent the prompt that the session is at. */
  const prompterOf = (sid: SessionId): Caller =>
    store.runs.unfinished(sid).find((run) => run.state === "active")?.by ?? null;

  return {
    of,
    /** As `of`; the defaults where the configuration is broken, which the run that needs it tells of. */
    orDefaults(wid: WorkspaceId | null): { config: Config; limits: Limits } {
      try {
        return of(wid);
      } catch (error) {
        if (error instanceof HearthError) return { config: {}, limits: limitDefaults };
        throw error;
      }
    },
    /** What of the configuration is ignored, a sentence each. */
    warnings(wid: WorkspaceId): string[] {
      try {
        return load({ paths, root: store.workspaces.get(wid)?.path ?? null }).warnings;
      } catch (error) {
        if (error instanceof HearthError) return []; // broken: the run that needs it says how
        throw error;
      }
    },
    workspaceOf,
    prompterOf,
    /** For hearth's own agent. Throws config_invalid, session_not_found. */
    ofSession(sid: SessionId): NativeSettings {
      const wid = workspaceOf(sid);
      return { ...of(wid), providerEnv: environments.forProviders(wid, prompterOf(sid)) };
    },
    /** As for a session that nobody has prompted yet. Throws config_invalid. */
    ofWorkspace: (wid: WorkspaceId): NativeSettings => ({
      ...of(wid),
      providerEnv: environments.forProviders(wid, null),
    }),
  };
}
