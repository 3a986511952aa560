import { type ParsedScript, parse } from "unbash";
import type { Folders } from "./folders.ts";
import type { FileRedirect, Input } from "./redirects.ts";
import { createScope, type Outer } from "./scope.ts";
import { whyUnreadable } from "./size.ts";
import { collectVariables } from "./variables.ts";
import { walkScript } from "./walk.ts";
import type { ShellWord } from "./words.ts";

/** One program that a command line starts, with its words expanded as far as they are known. */
export type SimpleCommand = {
  /** Program and arguments; empty for a command that only sets variables or only redirects. */
  words: readonly ShellWord[];
  /** The variables that are set before it. */
  assigns: readonly string[];
  redirects: readonly FileRedirect[];
  folders: Folders;
  input: Input;
  /** What a script in its words inherits. */
  outer: Outer;
};

export type ShellScript = {
  commands: readonly SimpleCommand[];
  /** Every variable that it sets by name. */
  sets: readonly string[];
  /** Why parts of it are known only as it runs. */
  problems: readonly string[];
  /** Why it cannot be judged as a whole; `commands` holds those before the fault. */
  broken: string | undefined;
  /** A function that starts itself without end. */
  forkBomb: boolean;
};

/** Longer lines are too long to read in a question, and judging them would take noticeable time. */
const SOURCE_LENGTH_MAX = 256 * 1024;
const COMMANDS_MAX = 1_000;
/** `sh -c` within `sh -c`. */
const DEPTH_MAX = 6;

/** Every command of a line, chains, substitutions, functions and branches included, in the order of the text. */
export function readShell(source: string, home: string, folders: Folders, outer?: Outer): ShellScript {
  const depth = (outer?.depth ?? 0) + 1;
  if (source.length > SOURCE_LENGTH_MAX) return brokenScript("it is too long");
  if (depth > DEPTH_MAX) return brokenScript("shells within shells");
  const excess = whyUnreadable(source);
  if (excess !== undefined) return brokenScript(excess);
  let script: ParsedScript;
  try {
    script = parse(source);
    const scope = createScope(collectVariables(script), home, outer);
    const walked = walkScript(script, scope, folders, depth, COMMANDS_MAX);
    // The shell runs what is before a syntax error.
    return { ...walked, broken: script.errors?.[0]?.message ?? walked.broken };
  } catch (error) {
    // The parser throws at what it does not know, and overflows the stack at deep nesting.
    return brokenScript(
      error instanceof RangeError ? "it is nested too deeply" : "the grammar does not cover it",
    );
  }
}

const brokenScript = (reason: string): ShellScript => ({
  commands: [],
  sets: [],
  problems: [],
  broken: reason,
  forkBomb: false,
});
