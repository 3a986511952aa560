import { sleep } from "../../async/wait.ts";
import { HearthError } from "../../protocol/errors.ts";
import type { RunId, SessionId } from "../../protocol/ids.ts";
import type { KnownModel } from "../../protocol/known-model.ts";
import type { SubagentKind } from "../../protocol/session.ts";
import type { Backend, OpenedSession, SessionContext, Turn, TurnHost, TurnResult } from "../backend.ts";
import type { FolderGate } from "../files/folder-gate.ts";
import type { GitPlace } from "../git/run-git.ts";
import type { ProcessSupervisor } from "../process/types.ts";
import { withContextUsage } from "../run/context-usage.ts";
import { toolsFor } from "../tools/catalog.ts";
import type { Jobs } from "../tools/command/jobs.ts";
import { createFileLedger } from "../tools/files/file-ledger.ts";
import type { Tool } from "../tools/tool.ts";
import { createWorkerPool, type WorkerPool } from "../worker/pool.ts";
import { compactOnly } from "./compacting/compact-only.ts";
import { createCompactor } from "./compacting/compactor.ts";
import { createModelContext, type TurnExtras } from "./context/conversation.ts";
import { createGitReader } from "./context/git-state.ts";
import { readInstructions } from "./context/user-instructions.ts";
import { createDemoModel } from "./demo/demo.ts";
import type { TurnHooks } from "./execute.ts";
import { createFallbacks } from "./fallbacks.ts";
import { runLoop } from "./loop.ts";
import type { Catalog } from "./models/catalog/catalog.ts";
import { downloadCatalog } from "./models/catalog/download.ts";
import { describeModels, type ModelsDescription } from "./models/choice/describe.ts";
import { listModels } from "./models/choice/list.ts";
import { resolveModel } from "./models/choice/resolve.ts";
import type { NativeSettings } from "./models/choice/settings.ts";
import { withServed } from "./models/choice/with-served.ts";
import { checkKey, type KeyPlace } from "./models/keys/check-key.ts";
import { createKeyCommands } from "./models/keys/key-command.ts";
import { createSpecOpener } from "./models/keys/open-spec.ts";
import { createOllamaProbe } from "./models/local/ollama.ts";
import { createServedModels } from "./models/local/served-models.ts";
import type { Model } from "./models/model.ts";
import { createConnections } from "./models/network/connection.ts";
import { createModelOpener } from "./models/open.ts";
import { createRequestRecorder, type RequestSink } from "./requests/recorder.ts";
import { createTitles } from "./titles.ts";
import {
  createToolSet,
  type MoreTools,
  namedTools,
  onlyNamed,
  type ToolSet,
  withMoreTools,
} from "./tool-set.ts";

type NativeDeps = {
  /** Called for every turn: keys and configuration may have changed. */
  settings(sessionId: SessionId): NativeSettings;
  processes: ProcessSupervisor;
  folders: FolderGate;
  tools: readonly Tool[];
  /** Background commands, which end with a canceled run, and of which a run is told. */
  jobs?: Pick<Jobs, "stopRun" | "news"> | undefined;
  /** Tools, commands and skills that a person or a project adds. */
  extend?: ((session: SessionContext) => SessionExtension) | undefined;
  workers?: WorkerPool | undefined;
  /** The user's instructions for all projects (config/AGENTS.md), if any. */
  instructionsFile?: string | undefined;
  /** Every request to a model, when it is over. */
  onRequest?: RequestSink;
  now(): number;
  /** How long git may hold up the first answer. */
  gitMsMax?: number | undefined;
  random?(): number;
  /** Waits between retries, and between the demo's words; rejects when `signal` aborts. */
  wait?(ms: number, signal: AbortSignal): Promise<unknown>;
};

export type SessionExtension = {
  /** Called at the start of each turn. Rejects only when `signal` aborts. */
  begin(
    turn: Turn,
    isNewConversation: boolean,
    signal: AbortSignal,
  ): Promise<TurnExtras & { blocked?: string | undefined }>;
  /** Hooks of this turn. */
  hooks?(turn: Turn): TurnHooks;
  /** The tools of this turn; the same object while they do not change. */
  tools(): MoreTools;
};

export type NativeBackend = Backend & {
  /** The models for the agent registry. Waits for a local server at most 150 ms. */
  describe(settings: NativeSettings): Promise<ModelsDescription>;
  /**
   * Loads what the first prompt needs: undici and the provider's package (150 ms of CPU), and the git state of the
   * folder. Harmless to call again.
   */
  prepare(settings: NativeSettings, place?: GitPlace): Promise<void>;
  /** All models that are known by name. Waits for a local server at most 150 ms. */
  models(settings: NativeSettings): Promise<KnownModel[]>;
  /** Downloads the list of models again. `env`: for its proxy settings. Throws provider_unreachable. */
  /** Tests a provider's key. Returns whether the provider could judge it. Throws provider_auth, provider_unreachable. */
  checkKey(place: KeyPlace, key: string, env: Readonly<Record<string, string>>): Promise<boolean>;
  downloadModels(url: string, env: Readonly<Record<string, string>>): Promise<Catalog>;
};

/** A list for the screen waits no longer for local servers. */
const LIST_WAIT_MS_MAX = 150;

/** hearth's own agent: its loop over model providers, with the given tools. */
export function createNativeBackend(deps: NativeDeps): NativeBackend {
  const { settings, processes, folders, workers = createWorkerPool(), now } = deps;
  const random = deps.random ?? Math.random;
  const wait = deps.wait ?? sleep;
  const toolSets = new Map<SubagentKind | undefined, ToolSet>();
  function ownToolsOf({ subagent, subagentTools }: SessionContext): ToolSet {
    const all = toolsFor(deps.tools, subagent);
    if (subagentTools !== undefined) return createToolSet(namedTools(all, subagentTools));
    const known = toolSets.get(subagent);
    if (known !== undefined) return known;
    const made = createToolSet(all);
    toolSets.set(subagent, made);
    return made;
  }
  const connections = createConnections();
  const opener = createModelOpener(connections);
  const openSpec = createSpecOpener(opener, createKeyCommands(now));
  const probe = createOllamaProbe(now);
  const served = createServedModels(now);
  const demo = createDemoModel(wait);
  const reader = createGitReader(processes, now, deps.gitMsMax);
  const closing = new AbortController();

  /** With what local servers say of themselves. */
  const asServed = (current: NativeSettings, env: Turn["env"], waitMsMax?: number) =>
    withServed(current, served, () => connections.fetchFor(env), waitMsMax);

  async function modelFor(asked: string | null, current: NativeSettings, env: Turn["env"]): Promise<Model> {
    const resolved = await resolveModel(asked, await asServed(current, env), probe);
    return resolved.kind === "demo" ? demo : openSpec(resolved.spec, env);
  }

  async function prepare(current: NativeSettings, place?: GitPlace): Promise<void> {
    const git = place === undefined ? undefined : reader.begin(place, "environment", closing.signal)();
    try {
      const resolved = await resolveModel(null, await asServed(current, place?.env ?? {}), probe);
      // A key's command may ask a person something: it is run for a prompt, not for a look.
      if (resolved.kind !== "demo" && resolved.spec.keyCommand == null)
        await opener.open(resolved.spec, place?.env ?? {});
    } catch (error) {
      // The next prompt reports a wrong configuration.
      if (!(error instanceof HearthError)) throw error;
    } finally {
      await git;
    }
  }

  function openSession(session: SessionContext): OpenedSession {
    const own = ownToolsOf(session);
    const more = deps.extend?.(session);
    // One that explores has only what changes nothing, and of other tools that is not known.
    const tools =
      more === undefined || session.subagent === "explore"
        ? own
        : withMoreTools(own, onlyNamed(more.tools, session.subagentTools));
    const told = new Set<string>();
    const conversation = createModelContext({
      session,
      tools,
      git: reader,
      folders,
      userInstructions: () => readInstructions(deps.instructionsFile),
      workers,
      now,
    });
    const requests = createRequestRecorder(session.session_id, deps.onRequest ?? (() => {}), {
      now,
      monotonicMs: () => performance.now(),
    });
    const compactor = createCompactor({ session, conversation, tools, requests });
    const titles = createTitles({
      ...{ session, tools, requests, modelFor },
      settings: () => settings(session.session_id),
    });
    const files = createFileLedger();
    let running: { run_id: RunId; abort: AbortController; done: Promise<unknown> } | undefined;

    async function run(turn: Turn, host: TurnHost, signal: AbortSignal): Promise<TurnResult> {
      const current = settings(session.session_id);
      const model = await modelFor(turn.model, current, turn.env);
      const extras =
        turn.compact === undefined ? await more?.begin(turn, conversation.isNew(), signal) : undefined;
      for (const text of extras?.problems ?? []) {
        if (told.has(text)) continue;
        told.add(text);
        host.emit({ type: "notice", level: "warning", code: "left_out", text });
      }
      signal.throwIfAborted();
      if (extras?.blocked !== undefined) throw new HearthError("hook_blocked", extras.blocked);
      await conversation.begin(turn, host.transcript(), signal, extras);
      requests.beginRun(turn.run_id);
      compactor.begins(host);
      if (turn.compact !== undefined)
        return compactOnly({ compactor, model, host, limits: current.limits }, turn.compact.keep, signal);
      const context = {
        root: session.root,
        session_id: session.session_id,
        run_id: turn.run_id,
        env: turn.env,
        files,
        processes,
        container: session.container,
      };
      const stepsMax = turn.max_steps ?? current.config.limits?.max_steps ?? null;
      const { limits } = current;
      return runLoop(
        {
          ...{ model, tools, conversation, compactor, requests, context, limits, stepsMax, random, wait },
          hooks: more?.hooks?.(turn),
          news: () => deps.jobs?.news.take(session.session_id) ?? [],
          nextModel: createFallbacks(current.config.fallback_models ?? [], (name) =>
            modelFor(name, current, turn.env),
          ),
        },
        turn,
        withContextUsage(host, session),
        signal,
      );
    }

    async function runTurn(turn: Turn, host: TurnHost, signal: AbortSignal): Promise<TurnResult> {
      const abort = new AbortController();
      const combined = AbortSignal.any([signal, abort.signal]);
      const work = run(turn, host, combined);
      running = { run_id: turn.run_id, abort, done: work.catch(() => {}) };
      try {
        const result = await work;
        titles.after(turn, host.transcript(), result);
        return result;
      } catch (error) {
        if (combined.aborted) return { outcome: "canceled" };
        if (!(error instanceof HearthError)) throw error;
        return { outcome: "error", error: { code: error.code, message: error.message, retryable: false } };
      } finally {
        // Jobs of a run that nobody watches end with it; others outlive it, unless it was canceled.
        const endsJobs = combined.aborted || turn.max_steps !== null;
        await Promise.all([
          processes.stopOwner(turn.run_id),
          endsJobs ? deps.jobs?.stopRun(turn.run_id) : undefined,
        ]);
        compactor.ends();
        running = undefined;
      }
    }

    return {
      kind: "resumed",
      isUsable: async ({ root }) => root === session.root,
      runTurn,
      async kill() {
        const current = running;
        if (current === undefined) return;
        current.abort.abort();
        await processes.stopOwner(current.run_id);
        await current.done;
      },
      async close() {
        titles.close();
        compactor.close();
        conversation.close();
      },
    };
  }

  return {
    kind: "native",
    describe: async (current) => describeModels(await asServed(current, {}, LIST_WAIT_MS_MAX), probe),
    prepare,
    models: async (current) => listModels(await asServed(current, {}), probe),
    checkKey: async (place, key, env) => checkKey(await connections.fetchFor(env), place, key),
    downloadModels: async (url, env) =>
      downloadCatalog(await connections.fetchFor(env), url, new Date(now())),
    async open(session) {
      const opened = openSession(session);
      // The first turn waits for the same modules if it comes first, and reports what is wrong with them.
      prepare(settings(session.session_id)).catch(() => {});
      return opened;
    },
    async close() {
      closing.abort();
      await connections.close();
    },
  };
}
