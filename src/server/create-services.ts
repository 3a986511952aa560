// Long because every part of the daemon is made and tied here.

import { rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { withoutHearth } from "../agent/children/environment.ts";
import { createContainers } from "../agent/container/containers.ts";
import { createFileSearch } from "../agent/files/file-search.ts";
import { createFolderGate, type FolderGate } from "../agent/files/folder-gate.ts";
import { completeArgument } from "../agent/mcp/complete.ts";
import { findResources } from "../agent/mcp/find-resources.ts";
import { createDiskJudge } from "../agent/permission/judge-on-disk.ts";
import { createProcessSupervisor } from "../agent/process/supervisor.ts";
import type { SessionChange } from "../agent/run/ledger.ts";
import { createSandbox, mayAskHosts, sandboxUse } from "../agent/sandbox/sandbox.ts";
import { createShellBackend } from "../agent/shell/backend.ts";
import { sharedOutputFolder } from "../agent/tools/command/output-folder.ts";
import { ignoreError, inBackground } from "../async/in-background.ts";
import { settlesWithin } from "../async/wait.ts";
import type { DaemonStop } from "../protocol/daemon-stop.ts";
import { HearthError } from "../protocol/errors.ts";
import type { NewId, SessionId, WorkspaceId } from "../protocol/ids.ts";
import type { Paths } from "../protocol/paths.ts";
import { SHELL_AGENT } from "../protocol/shell-agent.ts";
import { type AgentSource, createAgents } from "./agents.ts";
import { createAway, noteLeaving } from "./away.ts";
import { createBudgets } from "./budgets.ts";
import { createChanges } from "./changes.ts";
import { createCompactions } from "./compactions.ts";
import { createCoordinators } from "./coordinators.ts";
import type { Log } from "./daemon/log.ts";
import { createDaemonServices } from "./daemon/services.ts";
import { createEngineSources } from "./engine-sources.ts";
import { createEnvironments } from "./environments.ts";
import { createEventHub } from "./events/hub.ts";
import { createJournal, type JournalTx } from "./events/journal.ts";
import { createExtensions } from "./extensions.ts";
import { createExternalAgents } from "./external-agents.ts";
import { createInPlaceChanges } from "./in-place-changes.ts";
import { createJobWakes } from "./job-wakes.ts";
import { createJobService } from "./jobs.ts";
import { createKeyService } from "./key-service.ts";
import { createKeyStore } from "./key-store.ts";
import { createMcp } from "./mcp.ts";
import { createMcpLogins } from "./mcp-logins.ts";
import { createModelCatalog } from "./model-catalog.ts";
import { createNativeAgent } from "./native-agent.ts";
import { createNotifier } from "./notify/notifier.ts";
import { send } from "./notify/send.ts";
import { surroundingsOf } from "./notify/surroundings.ts";
import { watchOutside } from "./outside-writes.ts";
import { createPermissions } from "./permissions.ts";
import { createRequestLog } from "./requests/log.ts";
import { createRequests } from "./requests/service.ts";
import { createRuns } from "./runs.ts";
import { createSearch } from "./search.ts";
import type { Caller, Services } from "./services.ts";
import { createSessionContainers } from "./session-containers.ts";
import { createSessionMcp } from "./session-mcp.ts";
import { createSessions } from "./sessions.ts";
import { createSnapshot } from "./snapshot.ts";
import type { Store } from "./store/open.ts";
import { createStoreWatch } from "./store/watch.ts";
import { createSubagents } from "./subagents.ts";
import { runCheck } from "./tasks/check.ts";
import { createTasks } from "./tasks/tasks.ts";
import { createExport } from "./transfer/export.ts";
import { createImports } from "./transfer/import.ts";
import { createPatches } from "./transfer/patches.ts";
import { watchTurns } from "./turn-files.ts";
import { createCheckpointing } from "./undo/create.ts";
import { createUsage } from "./usage.ts";
import { createWorkspaceSettings } from "./workspace-settings.ts";
import { createWorkspaces } from "./workspaces.ts";
import { createWorktreeSetUp } from "./worktree-set-up.ts";
import { createWorktrees } from "./worktrees.ts";

/** Waiting longer for a folder, a request uses the configuration that was read last. */
const REFRESH_MS_MAX = 1_000;
/** Files that a killed daemon was writing are complete by then, or their folder does not answer. */
const RECOVER_MS_MAX = 5_000;
/** Git's answer to a question about a repository. */
const CHECK_MS_MAX = 20_000;
/** A checkout of a large repository on a slow disk. */
const WORKTREE_MS_MAX = 10 * 60_000;

export type ServicesDeps = {
  paths: Paths;
  store: Store;
  log: Log;
  now: () => Date;
  newId: NewId;
  version: string;
  build: string;
  protocol: string;
  env: NodeJS.ProcessEnv;
  /** Called when a client asks the daemon to stop. */
  requestStop(graceMs: number, stop: DaemonStop): void;
  /** Agents besides hearth's own, by name. */
  moreAgents?: ReadonlyMap<string, AgentSource>;
  folders?: FolderGate;
  /** Whether this process is a daemon alone, whose resource limits may be lowered. */
  marksLimit?: boolean;
  /** Everything is allowed, and no step limit holds. */
  isDisposable?: boolean | undefined;
};

/** What keeps the daemon running. `live_runs`: runs that need no client to go on. */
export type Busy = { clients: number; active_runs: number; live_runs: number };

export type RunningServices = Services & {
  busy(): Busy;
  running(): string[];
  onBusyChange(listener: () => void): void;
  idleExitMs(): number;
  /**
   * Refuses new prompts, ends active runs as `interrupted`, and waits at most `graceMs` until everything has exited.
   */
  stop(graceMs: number, why?: DaemonStop): Promise<void>;
};

/** Builds the daemon's services on an open store, and recovers the last daemon's runs. */
export async function createServices(deps: ServicesDeps): Promise<RunningServices> {
  const { paths, store, log, now, newId, folders = createFolderGate() } = deps;
  const startedAt = now().toISOString();
  let stopping: DaemonStop | undefined;
  let busyChanged = () => {};

  const hub = createEventHub(store, now);
  const fileSearch = createFileSearch(() => performance.now());
  const environments = createEnvironments(paths.configFile, deps.env, hub.isAttached);
  const containers = createContainers(
    await createProcessSupervisor({ recordDir: paths.runDir, folders, marksLimit: deps.marksLimit }),
    folders,
  );
  const { processes } = containers;

  const catalog = createModelCatalog(paths.modelsFile);
  const keyStore = createKeyStore(paths.keysFile);
  const mcpLogins = createMcpLogins(paths.mcpLoginsFile);
  await Promise.all([catalog.load(), keyStore.load(), mcpLogins.load()]);
  const settings = createWorkspaceSettings({
    ...{ paths, store, environments, folders, now },
    catalog: catalog.current,
    keys: keyStore.current,
    hasStepLimit: deps.isDisposable !== true,
  });

  const refresh = async (wid: WorkspaceId) => {
    await settlesWithin(settings.refresh(wid), REFRESH_MS_MAX);
  };

  const sessionMcp = createSessionMcp({
    parentOf(sid) {
      const session = store.sessions.get(sid);
      return session?.subagent === undefined ? undefined : (session.parent_id ?? undefined);
    },
    rootOf: (wid, sid) => worktrees.rootOf(wid, sid),
    envOf: (wid) => environments.forTools(wid, null, undefined),
  });
  const mcp = createMcp({
    settings,
    environments,
    rootOf: (wid) => workspaces.rowOf(wid).path,
    processes,
    configFile: paths.configFile,
    version: deps.version,
    logins: mcpLogins,
    given: sessionMcp,
    now,
    onChange: (wid) =>
      void agents.list(wid).catch((cause) => log.error("the agents could not be listed", { cause })),
  });
  const ownPaths = [paths.configDir, paths.dataDir, paths.stateDir, paths.runDir, paths.socket];
  const sandbox = createSandbox({ home: homedir(), ownPaths, platform: process.platform });
  const extensions = createExtensions({
    settings,
    mcp,
    folders,
    configDir: paths.configDir,
    home: homedir(),
    rootOf: (wid) => workspaces.rowOf(wid).path,
    processes,
    sandbox,
  });
  const requestLog = createRequestLog(join(paths.stateDir, "requests"), log);
  const native = createNativeAgent({
    sandbox,
    extend: extensions.ofSession,
    commandsIn: extensions.commands,
    subagentsIn: async (wid) =>
      (await extensions.agents(wid)).map(({ name, description }) => ({ name, description })),
    settings,
    placeOf: (wid) => ({
      root: workspaces.rowOf(wid).path,
      env: environments.forTools(wid, null, undefined),
    }),
    processes,
    folders,
    wakes: {
      of: (...asked) => wakes.permissions.of(...asked),
      answered: (...answer) => wakes.permissions.answered(...answer),
    },
    instructionsFile: join(paths.configDir, "AGENTS.md"),
    version: deps.version,
    isBusy: () => busy().active_runs > 0,
    catalog,
    onRequest: requestLog.add,
    modelsFile: paths.modelsFile,
    now,
  });
  const external = createExternalAgents({
    containerOf: (sid) => sessionContainers.of(sid),
    settings,
    environments,
    rootOf: (wid) => workspaces.rowOf(wid).path,
    processes,
    folders,
    onFactsChanged: (wid) =>
      void agents.list(wid).catch((cause) => log.error("the agents could not be listed", { cause })),
    version: deps.version,
    now,
  });
  const ownSources = new Map<string, AgentSource>([
    ["hearth", native],
    [SHELL_AGENT, { backend: createShellBackend({ processes, bash: native.bash }), describe: null }],
    ...(deps.moreAgents ?? []),
  ]);

  const journal = createJournal({
    store,
    hub,
    now,
    present: (session, runtime) => sessions.present(session, runtime),
    cancelQuestions: (tx, run) => permissions.cancelRun(tx, run),
    onEvent(wid, event) {
      noteLeaving(store, wid, event, now);
      return notifier.note(wid, event);
    },
    onRunEnd(completed) {
      subagents.ended(completed);
      wakes.ended(completed);
      budgets.ended(completed);
      tasks.ended(completed);
    },
    report: (message, cause) => log.error(message, { cause }),
    monotonicMs: () => performance.now(),
  });
  const notifier = createNotifier({
    ...{ store, log, now },
    targets(wid) {
      try {
        return settings.of(wid).config.notify ?? [];
      } catch (error) {
        if (error instanceof HearthError) return undefined;
        throw error;
      }
    },
    around: (wid) => surroundingsOf(wid, { store, hub, now }),
    send: (target, notification, wid, signal) =>
      send(
        target,
        notification,
        withoutHearth(environments.forTools(wid, null, undefined)),
        { processes, fetchFor: mcp.fetchFor, cwd: homedir() },
        signal,
      ),
  });
  const sessionChanged = (tx: JournalTx, sid: SessionId, used?: SessionChange["used"]) =>
    journal.changeSession(tx, sid, {
      ...(coordinators.known(sid)?.runtime() ?? { running: false, queued: 0 }),
      ...(used && { used }),
    });

  /** What was granted to a session holds for its sub-agents, too. */
  function sessionGrants(wid: WorkspaceId, sid: SessionId): ReturnType<typeof store.grants.ofSession> {
    const session = store.sessions.get(sid);
    const own = store.grants.ofSession(wid, sid);
    return session?.subagent === undefined || session.parent_id === null
      ? own
      : [...own, ...store.grants.ofSession(wid, session.parent_id)];
  }

  const permissions = createPermissions({
    store,
    hub,
    journal: () => journal,
    judge: createDiskJudge(),
    policy(wid, sid, mode) {
      const { permissions: rules } = settings.of(wid).config;
      return {
        allowsEverything: deps.isDisposable,
        mode,
        rules: { allow: rules?.allow ?? [], ask: rules?.ask ?? [], deny: rules?.deny ?? [] },
        sandbox: sandboxUse(rules?.sandbox, sandbox.known()),
        asksHosts: mayAskHosts(sandbox.known()),
        harmlessCommands: rules?.harmless_commands ?? "ask",
        grants: { session: sessionGrants(wid, sid), always: store.grants.always(wid) },
        root: worktrees.rootOf(wid, sid),
        home: homedir(),
        tempDirs: [sharedOutputFolder()],
        protectedPaths: ownPaths,
      };
    },
    triedSandbox: sandbox.state,
    modeOf: (run) => run.mode ?? store.sessions.get(run.session_id)?.mode ?? "ask",
    setMode: (wid, sid, mode, by) => void sessions.services.update(wid, sid, { mode }, by),
    sessionChanged,
    newId,
    now,
  });

  const sessionContainers = createSessionContainers({
    ...{ store, containers },
    settingsOf: (wid) => settings.orDefaults(wid).config.containers ?? {},
    lookUp: (wid, name) =>
      environments.forProviders(wid, null)[name] ?? environments.forTools(wid, null, undefined)[name],
    envOf: (wid) => environments.forTools(wid, null, undefined),
  });
  const worktrees = createWorktrees({
    ...{ store, journal, processes, log, newId, now, sessionChanged },
    folder: join(paths.dataDir, "worktrees"),
    envOf: (wid) => environments.forTools(wid, null, undefined),
    prepare: createWorktreeSetUp({
      ...{ settings, environments, processes, log },
      containers: sessionContainers,
      tellAgent: (sid, text) => store.transaction("relaxed", () => store.sessions.addNews(sid, text)),
    }),
  });

  const patches = createPatches({
    ...{ store, worktrees, log },
    folder: join(paths.dataDir, "imported-patches"),
    isolate(wid, sid) {
      const session = store.sessions.get(sid);
      if (session === undefined) return;
      journal.commit(wid, "synced", (tx) => {
        store.sessions.update({ ...session, isolation: "worktree" });
        sessionChanged(tx, sid);
      });
    },
  });

  const engineJobs = join(paths.dataDir, "engine-jobs");
  const agents = createAgents({
    store,
    journal,
    sources: (wid) => new Map([...ownSources, ...external.sources(wid)]),
    onEngine: createEngineSources({
      ...{ processes, folder: engineJobs, log },
      launchers: (wid) => settings.orDefaults(wid).config.launchers ?? {},
      variables: (wid) => environments.forProviders(wid, null),
      home: deps.env["HEARTH_HOME"],
      isStopping: () => stopping !== undefined,
    }),
    updateFacts: external.updateFacts,
    sessionChanged,
    warmth: (sid, agent) => coordinators.known(sid)?.warmth(agent) ?? null,
    busyAgent: (sid) => coordinators.known(sid)?.busyAgent() ?? null,
    onForgotten: requestLog.forget,
    newId,
    now,
  });

  const subagents = createSubagents({
    store,
    journal,
    coordinators: () => coordinators,
    present: (session) => sessions.present(session),
    modeOf: permissions.modeOf,
    modelFor: (wid, kind) => (kind === "explore" ? (settings.of(wid).config.small_model ?? null) : null),
    definitions: (wid) => extensions.agents(wid),
    limits: (wid) => settings.of(wid).limits,
    isWaiting: (sid) => permissions.openCount(sid) > 0,
    newId,
    now,
  });
  const budgets = createBudgets({ store, limits: (wid) => settings.of(wid).limits, now });

  const coordinators = createCoordinators({
    mcpServersOf: sessionMcp.of,
    subagents: () => subagents,
    store,
    journal,
    permissions,
    agents,
    environments,
    folders,
    refresh: settings.refresh,
    worktrees,
    containers: sessionContainers,
    log,
    newId,
    now,
    budget: (wid) => settings.of(wid).limits,
    budgets,
    files: watchTurns([
      worktrees.watch,
      (...turn) => checkpointing.watch(...turn),
      watchOutside({ store, gitFor: worktrees.gitFor, now }),
    ]),
    undone: (wid) => checkpointing.undone(wid),
    onChange: () => busyChanged(),
    onStoreAway: (wid, sid, error) => storeWatch.update(wid, sid, error),
  });

  const wakes = createJobWakes({
    store,
    news: native.jobs.news,
    coordinators: () => coordinators,
    policy: (wid) => settings.orDefaults(wid).config.jobs?.wake ?? "ask",
    mustAccept: (wid) => workspaces.mustBeOpen(wid),
    isNative: agents.isNative,
    report: (message, cause) => log.error(message, { cause }),
    newId,
    now,
  });
  const jobs = createJobService({
    jobs: native.jobs,
    store,
    journal,
    mustExist: (wid, sid) => void sessions.storedOf(wid, sid),
    isStopping: () => stopping !== undefined,
    now,
  });

  const storeWatch = createStoreWatch({
    log,
    tell(wid, trouble) {
      const event = { type: "workspace.updated", payload: { workspace: workspaces.present(wid) } } as const;
      if (trouble === null) return journal.publishIfPossible(wid, (tx) => tx.publish(event));
      journal.publishUnstored(wid, event);
      return true;
    },
  });

  const workspaces = createWorkspaces({
    store,
    hub,
    journal,
    coordinators,
    environments,
    folders,
    refresh: settings.refresh,
    onLastDetach: (wid) => settings.orDefaults(wid).config.on_last_detach ?? "continue",
    onDetach: (wid) =>
      permissions.unattended(wid, (question) => store.runs.get(question.run_id)?.on_question ?? "wait"),
    troubleIn: (wid) => storeWatch.troubleIn(wid),
    async onOpened(wid) {
      await agents.list(wid);
      external.probeConfigured(wid);
      tasks.attend(wid);
    },
    onAttended(wid) {
      native.prepare(wid);
      mcp.prepare(wid);
    },
    onClosed: (wid) => inBackground(() => mcp.closeWorkspace(wid), ignoreError),
    onBusyChange: () => busyChanged(),
    stopping: () => stopping,
    newId,
    now,
  });

  function sessionDefaults(wid: WorkspaceId, caller: Caller) {
    const { config } = settings.orDefaults(wid);
    const env = environments.forProviders(wid, caller);
    return {
      agent: env["HEARTH_AGENT"] ?? config.agent ?? "hearth",
      model: null,
      mode: config.permissions?.mode ?? ("ask" as const),
      isolation: config.isolation ?? ("in_place" as const),
    };
  }
  const sessions = createSessions({
    store,
    journal,
    coordinators,
    agents,
    defaults: sessionDefaults,
    worktrees,
    checkpoints: (wid) => checkpointing.of(wid),
    checkWorktree: (wid) => worktrees.check(wid, AbortSignal.timeout(CHECK_MS_MAX)),
    mustBeSafe: (sid) => worktrees.mustBeSafe(sid),
    mustExist: (wid) => void workspaces.rowOf(wid),
    mustAccept: workspaces.mustBeOpen,
    waiting: (sid) => permissions.openCount(sid) > 0,
    onRemoved(sid) {
      wakes.forget(sid);
      inBackground(() => mcp.closeSession(sid), ignoreError);
      inBackground(
        async () => {
          await native.jobs.stopSession(sid);
          await sessionContainers.end(sid);
          await worktrees.reap(sid);
          await patches.forget(sid);
          await rm(join(engineJobs, sid), { recursive: true, force: true });
        },
        (cause) => log.warn("what a deleted session left could not be removed", { session: sid, cause }),
      );
    },
    onModeChange: (...change) =>
      inBackground(
        () => permissions.reconsider(...change),
        (cause) => log.warn("questions could not be answered by the new mode", { cause }),
      ),
    newId,
    now,
  });

  const stepsMax = (wid: WorkspaceId): number | null =>
    deps.isDisposable ? null : settings.orDefaults(wid).limits.max_steps;
  const runs = createRuns({
    store,
    coordinators,
    agents,
    environments,
    sessionOf: sessions.storedOf,
    mustAccept: workspaces.mustBeOpen,
    stepsMax,
    newId,
    capRun: budgets.cap,
  });

  const checkpointsFolder = join(paths.dataDir, "checkpoints");
  const checkpointing = createCheckpointing({
    ...{ store, journal, agents, processes, folders, log, dir: checkpointsFolder },
    coordinators: () => coordinators,
    rootOf: (wid) => workspaces.rowOf(wid).path,
    envOf: (wid) => environments.forTools(wid, null, undefined),
    bytesMax: (wid) => settings.orDefaults(wid).limits.checkpoint_bytes,
    sessionOf: sessions.storedOf,
    mustAccept: workspaces.mustBeOpen,
    onChanges: (wid, sid) => void journal.publishIfPossible(wid, (tx) => worktrees.tell(tx, sid)),
  });

  const changes = createChanges({
    ...{ store, journal, worktrees, patches, log, now },
    inPlace: createInPlaceChanges({
      ...{ store, checkpoints: checkpointing.of, gitFor: worktrees.gitFor },
      storeOf: (wid) => join(checkpointsFolder, wid),
      rootOf: (wid) => workspaces.rowOf(wid).path,
      log,
    }),
    alone: (wid, work) => checkpointing.of(wid).alone(work),
    isRunning: (sid) => coordinators.known(sid)?.isIdle() === false,
    folder: join(paths.dataDir, "writes"),
    mustBeSession: (wid, sid) => void sessions.storedOf(wid, sid),
    mustExist: (wid) => void workspaces.rowOf(wid),
    newId: () => newId("chg").slice("chg_".length),
  });

  const compactions = createCompactions({
    ...{ store, coordinators, agents, environments, newId },
    sessionOf: sessions.storedOf,
    mustAccept: workspaces.mustBeOpen,
  });

  const tasks = createTasks({
    store,
    journal,
    coordinators,
    async open(input, caller) {
      const { workspace } = await workspaces.services.open(input, caller);
      await refresh(workspace.id);
      return workspace.id;
    },
    mustAccept: workspaces.mustBeOpen,
    mustBeAgent: agents.mustBeChoosable,
    mustBeIsolated: async (wid, isolation) => {
      if (isolation === "worktree") await worktrees.check(wid, AbortSignal.timeout(CHECK_MS_MAX));
    },
    defaultAgent: sessions.defaultAgent,
    defaultMode: (wid, caller) => sessions.services.defaultMode(wid, caller),
    envOf(wid, caller, env) {
      if (env) environments.takeKeys(wid, caller, env);
      return environments.forTools(wid, caller, env);
    },
    stepsMax,
    engines: (wid) => settings.orDefaults(wid).config.launchers ?? {},
    parallelMax: () => settings.orDefaults(null).limits.max_warm,
    capRun: budgets.cap,
    changesOf: worktrees.figures,
    async patchOf({ workspace_id, session_id, state }) {
      if (state !== "completed" || worktrees.open(session_id) === undefined) return null;
      return (await changes.services.patch(workspace_id, session_id)).patch.toString("utf8");
    },
    lookAt: ({ session_id, run_id, agent }) =>
      worktrees.look(session_id, { run_id, agent }).catch((cause) => {
        log.error("a worktree could not be looked at", { session: session_id, cause });
      }),
    prepare: (wid, sid) =>
      worktrees.ready(wid, sid, AbortSignal.timeout(WORKTREE_MS_MAX)).catch((cause) => {
        log.info("a worktree could not be made before its task", { session: sid, cause });
      }),
    async isReady(wid, name) {
      const agent = (await agents.list(wid)).find((candidate) => candidate.name === name);
      return agent?.status === "ready";
    },
    check: ({ wid, session_id, run_id }, { command, env, timeoutMs }, signal) =>
      runCheck(
        {
          ...{ command, env, timeoutMs, run_id },
          root: () => worktrees.rootOf(wid, session_id),
          container: sessionContainers.of(session_id),
        },
        processes,
        signal,
      ),
    present: (session) => sessions.present(session),
    report: (message, cause) => log.error(message, { cause }),
    onChange: () => busyChanged(),
    newId,
    now,
  });

  /** Throws not_found, and invalid_request for hearth's own agent. */
  function mustBeExternal(wid: WorkspaceId, name: string) {
    if (!agents.lastSeen(wid).some((agent) => agent.name === name))
      throw new HearthError("not_found", `There is no agent named ${name} here.`);
    if (agents.isNative(wid, name))
      throw new HearthError("invalid_request", "hearth's own agent takes keys: `hearth login PROVIDER`.");
  }

  const activeRuns = () => coordinators.all().filter((coordinator) => coordinator.runtime().running);
  const busy = (): Busy => ({
    clients: hub.clientCount(),
    active_runs: activeRuns().length,
    live_runs:
      coordinators.all().filter((coordinator) => !coordinator.isIdle()).length -
      permissions.waitingRuns() +
      tasks.waiting(),
  });

  for (const id of store.sessions.hidden()) store.transaction("relaxed", () => store.sessions.remove(id));
  workspaces.recover();
  agents.recover(store.workspaces.list().map(({ id }) => id));
  permissions.recover();
  coordinators.recover();
  jobs.recover();
  tasks.recover();
  notifier.recover();
  // A folder that does not answer must not keep the daemon from starting.
  await settlesWithin(changes.recover(), RECOVER_MS_MAX);
  inBackground(worktrees.reapLeftOver, (cause) => log.warn("old worktrees could not be removed", { cause }));
  await checkpointing.recover();

  return {
    ...createDaemonServices({
      about: { version: deps.version, build: deps.build, protocol: deps.protocol, started_at: startedAt },
      clientCount: hub.clientCount,
      activeRunCount: () => activeRuns().length,
      sandbox,
      movedAside: store.movedAside,
      requestStop: deps.requestStop,
    }),
    refresh,
    children: {
      include: processes.startedHere,
      holdConnection: processes.holdConnection,
      holdTcp: processes.holdTcp,
    },
    warnings: settings.warnings,
    workspaces: workspaces.services,
    sessions: sessions.services,
    search: createSearch({ store, present: sessions.present }),
    imports: createImports({
      ...{ store, journal, patches, newId, now },
      present: sessions.present,
      defaults: sessionDefaults,
      isKnownAgent: (wid, name) => agents.lastSeen(wid).some((agent) => agent.name === name),
      mustExist: (wid) => void workspaces.rowOf(wid),
      mustAccept: workspaces.mustBeOpen,
    }),
    transfer: {
      exportPage: createExport({ store, journal, mustExist: (wid, sid) => void sessions.storedOf(wid, sid) }),
    },
    runs,
    jobs: jobs.services,
    compactions,
    changes: changes.services,
    tasks: tasks.services,
    engines: (wid) => settings.orDefaults(workspaces.rowOf(wid).id).config.launchers ?? {},
    undo: checkpointing.services,
    requests: createRequests({
      requests: requestLog,
      sessionOf: (wid, sid) => sessions.services.get(wid, sid),
      mustBeRun: (wid, sid, rid) => void runs.get(wid, sid, rid),
      isNative: agents.isNative,
    }),
    permissions: {
      list(wid) {
        workspaces.rowOf(wid);
        return permissions.list(wid);
      },
      async answer(wid, pid, answer, caller) {
        workspaces.rowOf(wid);
        return permissions.answer(wid, pid, answer, caller);
      },
      log(wid, limit) {
        workspaces.rowOf(wid);
        return permissions.log(wid, limit);
      },
      grants(wid) {
        return permissions.grants(wid, workspaces.rowOf(wid).path);
      },
      revoke(wid, ids) {
        return permissions.revoke(wid, workspaces.rowOf(wid).path, ids);
      },
    },
    mcp: {
      list(wid) {
        workspaces.rowOf(wid);
        return mcp.services.list(wid);
      },
      async arguments(wid, command, typed, signal) {
        workspaces.rowOf(wid);
        return completeArgument(mcp.connections(wid), command, typed, signal);
      },
      give(wid, sid, servers) {
        sessions.services.get(wid, sid);
        mcp.services.give(wid, sid, servers);
      },
      async test(wid, name) {
        workspaces.rowOf(wid);
        return mcp.services.test(wid, name);
      },
      async beginLogin(wid, name, isDevice) {
        workspaces.rowOf(wid);
        return mcp.logins.begin(wid, name, isDevice);
      },
      async loginState(wid, name) {
        workspaces.rowOf(wid);
        return mcp.logins.state(wid, name);
      },
      async logout(wid, name) {
        workspaces.rowOf(wid);
        return mcp.logins.forget(wid, name);
      },
    },
    trust: {
      of(wid) {
        workspaces.rowOf(wid);
        return settings.trust.of(wid);
      },
      give(wid, hash, caller) {
        workspaces.rowOf(wid);
        return settings.trust.trust(wid, hash, caller);
      },
      revoke(wid) {
        workspaces.rowOf(wid);
        return settings.trust.revoke(wid);
      },
    },
    agents: {
      async list(wid, probe) {
        workspaces.rowOf(wid);
        await refresh(wid);
        if (probe !== undefined) {
          agents.mustBeChoosable(wid, probe);
          await external.probe(wid, probe);
        }
        return agents.list(wid);
      },
      async logins(wid, name) {
        workspaces.rowOf(wid);
        mustBeExternal(wid, name);
        return external.logins(wid, name);
      },
      async login(wid, name, id) {
        workspaces.rowOf(wid);
        mustBeExternal(wid, name);
        await external.login(wid, name, id);
        const agent = (await agents.list(wid)).find((each) => each.name === name);
        if (agent === undefined) throw new HearthError("agent_unavailable", `${name} is gone.`);
        return agent;
      },
    },
    keys: createKeyService({
      store: keyStore,
      file: paths.keysFile,
      settings(wid) {
        workspaces.rowOf(wid);
        return settings.ofWorkspace(wid);
      },
      check: (wid, place, key) => native.checkKey(place, key, environments.forTools(wid, null, undefined)),
      changed: (wid) => agents.list(wid),
    }),
    models: {
      async list(wid) {
        workspaces.rowOf(wid);
        await refresh(wid);
        return native.models.list(wid);
      },
      async refresh(wid) {
        workspaces.rowOf(wid);
        await refresh(wid);
        const found = await native.models.refresh(wid);
        await agents.list(wid); // tells the terminals of the new figures
        return found;
      },
    },
    async files(wid, { query, limit, session_id }, signal) {
      if (session_id !== undefined) sessions.storedOf(wid, session_id);
      const { path } = workspaces.rowOf(wid);
      const root = session_id === undefined ? path : worktrees.rootOf(wid, session_id);
      const [found, resources] = await Promise.all([
        fileSearch.find(root, query, limit, signal),
        // After `@` alone a person looks for a file.
        query === "" ? [] : findResources(mcp.connections(wid), query, signal),
      ]);
      return { ...found, files: [...resources, ...found.files].slice(0, limit) };
    },
    away: createAway({ store, hub, permissions, mustExist: (wid) => void workspaces.rowOf(wid) }),
    usage: createUsage(store, (wid) => void workspaces.rowOf(wid)),
    snapshot: createSnapshot({
      ...{ store, hub, journal, workspaces, sessions, coordinators, permissions, agents },
      jobs: jobs.ofWorkspace,
    }),
    events: { attach: workspaces.services.attach, isObserver: hub.isObserver },
    busy,
    running: () => activeRuns().flatMap((coordinator) => coordinator.runningName() ?? []),
    onBusyChange(listener) {
      busyChanged = listener;
    },
    idleExitMs: () => settings.orDefaults(null).limits.idle_exit_ms,
    async stop(graceMs, why = { reason: "stop", by: null }) {
      stopping = why;
      wakes.close();
      tasks.stop();
      const all = coordinators.all();
      for (const coordinator of all) coordinator.shut();
      await settlesWithin(Promise.all(all.map((coordinator) => coordinator.whenIdle())), graceMs);
      coordinators.publishChangesNow();
      await notifier.close();
      workspaces.endStreams(why);
      checkpointing.close();
      await Promise.allSettled([
        external.close(),
        mcp.close(),
        ...[...ownSources.values()].map((source) => source.backend.close()),
      ]);
      fileSearch.close();
      await requestLog.close();
      await processes.close();
      for (const coordinator of all) coordinator.abandon();
      coordinators.close();
      storeWatch.close();
      journal.close();
    },
  };
}
