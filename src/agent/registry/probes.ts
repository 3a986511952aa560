import type { AgentCommand, AgentMode, AgentModel } from "../../protocol/agent.ts";
import { HearthError } from "../../protocol/errors.ts";
import { createBoundedMap } from "../bounded-map.ts";
import { fingerprintOf } from "../children/environment.ts";
import type { Launch, Unusable } from "./resolve-agent.ts";

/** Longer than a start: opencode needs more time to list its models. */
const PROBE_MS_MAX = 180_000;
/** Each agent counts once per client environment. */
const KNOWN_MAX = 256;

/** Facts that only the agent itself knows. */
export type AgentFacts = {
  version: string | null;
  /** The model that it uses by default. */
  model: string | null;
  models: AgentModel[];
  modes: AgentMode[];
  commands: AgentCommand[];
};

export type Probed = { facts: AgentFacts | null; trouble: Unusable | null };

type ProbesDeps = {
  /**
   * Starts the agent and reads its facts; null when a session preempted the probe and will report them. Throws
   * HearthError: provider_auth when the agent needs a login.
   */
  ask(launch: Launch, root: string, signal: AbortSignal): Promise<AgentFacts | null>;
};

export type Probes = ReturnType<typeof createProbes>;

/** Caches agents' facts by program and environment. Probes run one after the other. */
export function createProbes({ ask }: ProbesDeps) {
  const known = createBoundedMap<string, Probed>(KNOWN_MAX);
  /** Login errors that occurred during turns. */
  const loginFailures = createBoundedMap<string, string>(KNOWN_MAX);
  const running = new Map<string, Promise<Probed>>();
  const closing = new AbortController();
  let last: Promise<unknown> = Promise.resolve();

  const keyOf = ({ command, env, mtimeMs }: Launch) =>
    fingerprintOf({ command, cwd: "", env, more: [String(mtimeMs)] });

  async function probe(launch: Launch, root: string, key: string): Promise<Probed> {
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(PROBE_MS_MAX)]);
    const probed = await ask(launch, root, signal).then(
      (facts): Probed => ({ facts, trouble: null }),
      (error: unknown): Probed => ({ facts: null, trouble: troubleOf(launch, error) }),
    );
    if (closing.signal.aborted || (probed.facts ?? probed.trouble) === null) return probed;
    known.set(key, probed);
    loginFailures.delete(key);
    return probed;
  }

  return {
    /** The result of the last probe; undefined if this program and environment were never probed. */
    known(launch: Launch): Probed | undefined {
      const key = keyOf(launch);
      const reason = loginFailures.get(key);
      if (reason === undefined) return known.get(key);
      const trouble: Unusable = { status: "needs_login", reason, fix: launch.login };
      return { facts: known.get(key)?.facts ?? null, trouble };
    },
    /** Probes the agent now. Concurrent calls share one probe. */
    probe(launch: Launch, root: string): Promise<Probed> {
      const key = keyOf(launch);
      const pending = running.get(key);
      if (pending !== undefined) return pending;
      const turn = last.then(() => probe(launch, root, key)).finally(() => running.delete(key));
      last = turn;
      running.set(key, turn);
      return turn;
    },
    /** Merges facts that a session's agent reported. */
    update(launch: Launch, facts: Partial<AgentFacts>) {
      const before = known.get(keyOf(launch))?.facts ?? noFacts;
      known.set(keyOf(launch), { facts: { ...before, ...facts }, trouble: null });
    },
    /** Records a login error that occurred during a turn, or its absence (null). Returns whether that is a change. */
    setLoginFailure(launch: Launch, reason: string | null): boolean {
      const key = keyOf(launch);
      const before = loginFailures.get(key);
      if (reason === null) return loginFailures.delete(key);
      loginFailures.set(key, reason.replace(/\.$/, ""));
      return loginFailures.get(key) !== before;
    },
    async close() {
      closing.abort(new Error("The daemon is stopping"));
      await last;
    },
  };
}

const noFacts: AgentFacts = { version: null, model: null, models: [], modes: [], commands: [] };

function troubleOf({ agent, login }: Launch, error: unknown): Unusable {
  const said = error instanceof Error ? error.message : String(error);
  const again = `hearth agents probe ${agent}`;
  const { fix, reason: known } = error instanceof HearthError ? error.details : {};
  const text = typeof known === "string" ? known : said;
  const reason = text.replace(/(:)?\s*\n\s*/g, (_, colon) => (colon ? ": " : "; ")).replace(/[.\s]+$/, "");
  if (error instanceof HearthError && error.code === "provider_auth")
    return { status: "needs_login", reason, fix: login ?? `log in with its own program, then: ${again}` };
  return { status: "error", reason, fix: typeof fix === "string" ? fix : again };
}
