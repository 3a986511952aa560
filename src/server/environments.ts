import { environmentNamesIn, type SplitEnvironment, splitEnvironment } from "../protocol/environment.ts";
import type { WorkspaceId } from "../protocol/ids.ts";
import { overlayProviders } from "../protocol/provider-variables.ts";
import type { Environment } from "../protocol/workspace.ts";
import { readConfigFile } from "./config/read-file.ts";
import type { Caller } from "./services.ts";

/** Every headless run is a client of its own, and would leave its environment here for as long as the daemon lives. */
const CLIENTS_KEPT_MAX = 64;

/**
 * The environments that clients brought, by workspace and client, newest last. In memory only: what commands run
 * with is kept with each run, keys are kept nowhere.
 */
export function createEnvironments(
  configFile: string,
  daemonEnv: NodeJS.ProcessEnv,
  isAttached: (wid: WorkspaceId, client: string) => boolean,
) {
  const byWorkspace = new Map<WorkspaceId, Map<string, SplitEnvironment>>();

  function keyNames(): Set<string> {
    try {
      return environmentNamesIn(readConfigFile(configFile)?.text ?? "");
    } catch {
      return new Set(); // one that cannot be read is told by whoever loads it
    }
  }
  const split = (env: Readonly<Record<string, string | undefined>>) => splitEnvironment(env, keyNames());
  function withoutKeys(env: Environment): Environment {
    const { provider } = split(env);
    return Object.fromEntries(Object.entries(env).filter(([name]) => !(name in provider)));
  }
  function keep(wid: WorkspaceId, caller: Caller, env: SplitEnvironment) {
    const clients = byWorkspace.get(wid) ?? new Map<string, SplitEnvironment>();
    byWorkspace.set(wid, clients);
    clients.delete(caller ?? "");
    clients.set(caller ?? "", env);
    if (clients.size <= CLIENTS_KEPT_MAX) return;
    const gone = [...clients.keys()].find((id) => id !== caller && !isAttached(wid, id));
    if (gone !== undefined) clients.delete(gone);
  }
  const newest = (wid: WorkspaceId): SplitEnvironment => {
    const all = [...(byWorkspace.get(wid)?.values() ?? [])];
    return all.at(-1) ?? split(daemonEnv);
  };
  /** The client's own; undefined for one that this daemon has not met. */
  const own = (wid: WorkspaceId, caller: Caller) =>
    caller === null ? undefined : byWorkspace.get(wid)?.get(caller);
  /** Who came last of those that are still here. */
  const ofAttached = (wid: WorkspaceId) =>
    [...(byWorkspace.get(wid) ?? [])].findLast(([client]) => isAttached(wid, client))?.[1];

  return {
    split,
    /** A client attached, or came back: what it brings now replaces what it brought before. */
    put(wid: WorkspaceId, caller: Caller, env: Environment) {
      keep(wid, caller, split(env));
    },
    /** The keys that a prompt brings are its client's from now on. */
    takeKeys(wid: WorkspaceId, caller: Caller, promptEnv: Environment) {
      const { provider } = split(promptEnv);
      if (Object.keys(provider).length === 0) return;
      const before = byWorkspace.get(wid)?.get(caller ?? "");
      const env = before ?? newest(wid);
      keep(wid, caller, { ...env, provider: overlayProviders(before?.provider ?? {}, provider) });
    },
    /** What a run's commands get: the prompt's own, else its client's, else the newest, else the daemon's. */
    forTools(wid: WorkspaceId, caller: Caller, promptEnv: Environment | undefined): Record<string, string> {
      // What a prompt names itself was meant for its commands; only hearth's own keys never reach one.
      if (promptEnv) return { ...this.forTools(wid, caller, undefined), ...withoutKeys(promptEnv) };
      return (own(wid, caller) ?? newest(wid)).tool;
    },
    /** What other people's agents have set for themselves: the client's, else the newest, else the daemon's. */
    forAgents: (wid: WorkspaceId, caller: Caller): Record<string, string> =>
      (own(wid, caller) ?? newest(wid)).agent,
    /**
     * Keys and addresses of providers, of one client: whoever asked, also where it brought none. A client that only an
     * earlier daemon has met is stood in for by who is attached. What is missing altogether is the daemon's own.
     */
    forProviders(wid: WorkspaceId, caller: Caller): Record<string, string> {
      const env = own(wid, caller) ?? (caller === null ? undefined : ofAttached(wid)) ?? newest(wid);
      return overlayProviders(split(daemonEnv).provider, env.provider);
    },
  };
}

export type Environments = ReturnType<typeof createEnvironments>;
