/** How an agent deviates from the protocol, or from what clients expect. */
export type Quirks = {
  /** It may be offered to read files through hearth. */
  readsFiles: boolean;
  /** Its `loadSession` capability works. */
  canLoad: boolean;
  /** What the usage in a prompt's response covers. */
  usage: "turn" | "unknown";
  /** It opens a port; this variable sets the password for it. */
  passwordVariable: string | null;
  /** It reports its version only with `--version`. */
  hidesVersion: boolean;
};

const defaults: Quirks = {
  ...{ readsFiles: true, canLoad: true, usage: "unknown", passwordVariable: null, hidesVersion: false },
};

const known: Readonly<Record<string, Partial<Quirks>>> = {
  goose: { usage: "turn", hidesVersion: true },
  qwen: { usage: "turn" },
  opencode: { usage: "turn", passwordVariable: "OPENCODE_SERVER_PASSWORD" },
  claude: { usage: "turn" },
  codex: { usage: "turn" },
  gemini: {
    usage: "turn",
    // It takes any answer for a missing file as a failure, and then never creates the file.
    readsFiles: false,
    // It replays a loaded conversation in the middle of the next turn, and destroys one that is less than a minute old.
    canLoad: false,
  },
};

/** Looked up by the agent's name in the configuration, or by its program's name. */
export function quirksOf(agent: string, program: string): Quirks {
  const file = program.split("/").at(-1) ?? "";
  const isProgramOf = (kind: string) => file === kind || file.startsWith(`${kind}-`);
  const kind = Object.keys(known).find((name) => agent === name || isProgramOf(name));
  const quirks = { ...defaults, ...(kind === undefined ? {} : known[kind]) };
  // The program may be a launcher (npx, a relay) with a version of its own.
  return { ...quirks, hidesVersion: quirks.hidesVersion && kind !== undefined && isProgramOf(kind) };
}

/** Common names for a mode that asks first, for unknown agents. */
const askingNames = ["default", "ask", "approve", "manual", "read-only"];

/**
 * The mode to set so that the agent asks; undefined when its current mode is fine. `wanted`: the right mode, if known.
 * `isKnownAgent`: a known agent keeps its mode when `wanted` is null.
 */
export function modeToSet(
  wanted: string | null,
  isKnownAgent: boolean,
  modes: readonly string[],
  current: string | null,
): string | undefined {
  if (wanted !== null) return wanted !== current && modes.includes(wanted) ? wanted : undefined;
  if (isKnownAgent || current === null || askingNames.includes(current)) return undefined;
  return askingNames.find((name) => modes.includes(name));
}
