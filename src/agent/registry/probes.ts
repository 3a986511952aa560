import type { AgentCommand, AgentMode, AgentModel } from "../../protocol/agent.ts";
import { HearthError } from "../../protocol/errors.ts";
import { createBoundedMap } from "../bounded-map.ts";
import { fingerprintOf } from "../children/environment.ts";
import type { Launch, Unusable } from "./resolve-agent.ts";

/** More than a start may take: opencode needs some time more to name its models. */
const PROBE_MS_MAX = 180_000;
/** Every terminal may bring an environment of its own, and each agent is another one in it. */
const KNOWN_MAX = 256;

/** What only an agent itself can say. */
export type AgentFacts = {
  version: string | null;
  /** The model it uses when none is named. */
  model: string | null;
  models: AgentModel[];
  modes: AgentMode[];
  commands: AgentCommand[];
};

export type Probed = { facts: AgentFacts | null; trouble: Unusable | null };

type ProbesDeps = {
  /**
   * Starts the agent and asks it; null when it is at work, and what it says of itself there has to do. Throws
   * HearthError: provider_auth when it wants a login.
   */
  ask(launch: Launch, root: string, signal: AbortSignal): Promise<AgentFacts | null>;
};

export type Probes = ReturnType<typeof createProbes>;

/** What agents said of themselves, remembered by program and environment; asked one after the other. */
export function createProbes({ ask }: ProbesDeps) {
  const known = createBoundedMap<string, Probed>(KNOWN_MAX);
  /** Why its provider turned an agent down when it was at work. */
  const turnedDown = createBoundedMap<string, string>(KNOWN_MAX);
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
    turnedDown.delete(key);
    return probed;
  }

  return {
    /** What it said when it was last asked; undefined when it never was, as it is now. */
    known(launch: Launch): Probed | undefined {
      const key = keyOf(launch);
      const reason = turnedDown.get(key);
      if (reason === undefined) return known.get(key);
      const trouble: Unusable = { status: "needs_login", reason, fix: launch.login };
      return { facts: known.get(key)?.facts ?? null, trouble };
    },
    /** Asks it now; who asks meanwhile gets the same answer. */
    probe(launch: Launch, root: string): Promise<Probed> {
      const key = keyOf(launch);
      const going = running.get(key);
      if (going !== undefined) return going;
      const turn = last.then(() => probe(launch, root, key)).finally(() => running.delete(key));
      last = turn;
      running.set(key, turn);
      return turn;
    },
    /** An agent at work tells what a probe would have asked it. */
    learn(launch: Launch, facts: Partial<AgentFacts>) {
      const before = known.get(keyOf(launch))?.facts ?? noFacts;
      known.set(keyOf(launch), { facts: { ...before, ...facts }, trouble: null });
    },
    /** What became of its login when it was at work; null: nothing is wrong with it. Answers whether that is news. */
    learnLogin(launch: Launch, reason: string | null): boolean {
      const key = keyOf(launch);
      const before = turnedDown.get(key);
      if (reason === null) return turnedDown.delete(key);
      turnedDown.set(key, reason.replace(/\.$/, ""));
      return turnedDown.get(key) !== before;
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
