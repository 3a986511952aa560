/** Where an agent departs from the protocol, or from what one would expect of it. */
export type Quirks = {
  /** Whether it may be offered to read files through us. */
  readsFiles: boolean;
  /** Its conversations can be loaded again after a restart of it, if it says so. */
  loads: boolean;
  /** What the usage in the answer to a prompt is of; `open`: nobody knows yet. */
  usage: "turn" | "open";
  /** It opens a port of its own, which needs a password that nobody else has. */
  passwordVariable: string | null;
  /** It says its version on its command line alone. */
  hidesVersion: boolean;
};

const none: Quirks = {
  ...{ readsFiles: true, loads: true, usage: "open", passwordVariable: null, hidesVersion: false },
};

const known: Readonly<Record<string, Partial<Quirks>>> = {
  goose: { usage: "turn", hidesVersion: true },
  qwen: { usage: "turn" },
  opencode: { usage: "turn", passwordVariable: "OPENCODE_SERVER_PASSWORD" },
  claude: { usage: "turn" },
  codex: { usage: "turn" },
  gemini: {
    usage: "turn",
    // Whatever we answer for a file that is not there yet, it takes for a failure and never makes one.
    readsFiles: false,
    // It tells a loaded conversation again in the middle of the next turn, and destroys one that was begun less than a
    // minute before.
    loads: false,
  },
};

/** By the name in the configuration, or of the program where that has a name of its own. */
export function quirksOf(agent: string, program: string): Quirks {
  const file = program.split("/").at(-1) ?? "";
  const isProgramOf = (kind: string) => file === kind || file.startsWith(`${kind}-`);
  const kind = Object.keys(known).find((name) => agent === name || isProgramOf(name));
  const quirks = { ...none, ...(kind === undefined ? {} : known[kind]) };
  // What starts it may be something else (npx, a relay), with a version of its own.
  return { ...quirks, hidesVersion: quirks.hidesVersion && kind !== undefined && isProgramOf(kind) };
}

/** Modes in which agents that nobody knows ask, by the names that are in use. */
const askingNames = ["default", "ask", "approve", "manual", "read-only"];

/**
 * The mode to set so that the agent asks; undefined when the one it is in will do. `wanted`: what is known to be the
 * right one; `isKnown`: an agent that is left as it was started, when none is wanted.
 */
export function modeToSet(
  wanted: string | null,
  isKnown: boolean,
  modes: readonly string[],
  current: string | null,
): string | undefined {
  if (wanted !== null) return wanted !== current && modes.includes(wanted) ? wanted : undefined;
  if (isKnown || current === null || askingNames.includes(current)) return undefined;
  return askingNames.find((name) => modes.includes(name));
}
