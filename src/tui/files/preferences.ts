import { join } from "node:path";
import { HearthError } from "../../protocol/errors.ts";
import type { Paths } from "../../protocol/paths.ts";
import { type KeyOverrides, parseKeyOverrides } from "../keys.ts";
import { parseTheme, type Theme, themes } from "../theme.ts";
import { readOwnFile } from "./read-own-file.ts";

/** `terminal.jsonc` in the config folder: the settings of the screen, which the daemon does not need. */
export type Preferences = {
  keys: KeyOverrides;
  /** Undefined: chosen by the terminal's background. */
  theme: Theme | undefined;
  notifications: boolean;
  screenReader: boolean;
  animations: boolean;
  /** The mistakes in the file, a sentence each; the rest of the file is used. */
  problems: readonly string[];
};

const usual: Preferences = {
  keys: {},
  theme: undefined,
  notifications: true,
  screenReader: false,
  animations: true,
  problems: [],
};
const switches = ["notifications", "screen_reader", "animations"];
const knownKeys = ["keys", "theme", ...switches];

export async function loadPreferences(paths: Pick<Paths, "configDir">): Promise<Preferences> {
  let text: string;
  try {
    text = readOwnFile(join(paths.configDir, "terminal.jsonc"));
  } catch {
    return usual; // no such file
  }
  // The parser is loaded only if there is a file.
  const { readJsonc } = await import("./read-jsonc.ts");
  return parsePreferences(readJsonc(text));
}

export function parsePreferences(value: unknown): Preferences {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return { ...usual, problems: ["terminal.jsonc must hold an object."] };
  }
  const given = value as Record<string, unknown>;
  const problems = Object.keys(given)
    .filter((key) => !knownKeys.includes(key))
    .map((key) => `terminal.jsonc: there is no "${key}"; there are ${knownKeys.join(", ")}.`);
  const keys = parseKeyOverrides(given["keys"] ?? {});
  for (const name of switches) {
    if (given[name] !== undefined && typeof given[name] !== "boolean")
      problems.push(`terminal.jsonc: "${name}" is true or false.`);
  }
  const theme = readTheme(given["theme"]);
  if (typeof theme === "string") problems.push(theme);
  return {
    keys: keys.overrides,
    theme: typeof theme === "string" ? undefined : theme,
    notifications: given["notifications"] !== false,
    screenReader: given["screen_reader"] === true,
    animations: given["animations"] !== false,
    problems: [...problems, ...keys.problems],
  };
}

/** A built-in theme by its name, or the user's own; a sentence if it is neither. */
function readTheme(value: unknown): Theme | string | undefined {
  if (value === undefined || value === "auto") return undefined;
  if (typeof value === "string") {
    const name = (Object.keys(themes) as (keyof typeof themes)[]).find((known) => known === value);
    return name === undefined
      ? `terminal.jsonc: there is no theme "${value}"; there are ${Object.keys(themes).join(", ")}.`
      : themes[name];
  }
  try {
    return parseTheme("own", value);
  } catch (error) {
    if (error instanceof HearthError) return `terminal.jsonc: ${error.message}`;
    throw error;
  }
}
