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
  /** Program and arguments; none for a line that only sets variables or only redirects. */
  words: readonly ShellWord[];
  /** The variables that are set before it. */
  assigns: readonly string[];
  redirects: readonly FileRedirect[];
  folders: Folders;
  input: Input;
  /** What a script within its words would know. */
  outer: Outer;
};

export type ShellScript = {
  commands: readonly SimpleCommand[];
  /** Every variable that it may set, in whichever way. */
  sets: readonly string[];
  /** Why some of it cannot be told before it runs. */
  problems: readonly string[];
  /** Why nothing can be said of the whole; the commands are those that were read all the same. */
  broken: string | undefined;
  /** A function that starts itself again and again. */
  forkBomb: boolean;
};

/** Beyond these a line is no longer something a person judges, and judging it would take noticeable time. */
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
    // The shell runs what stands before a mistake.
    return { ...walked, broken: script.errors?.[0]?.message ?? walked.broken };
  } catch (error) {
    // A parser that throws has met what it does not know; a stack that is full has met what nobody should read.
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
