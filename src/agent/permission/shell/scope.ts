import type { Word, WordPart } from "unbash";
import type { Flow } from "./flow.ts";
import { literalText, setsVariables, type Variables } from "./variables.ts";
import { expandWord, isKnown, type Known, type Scope, type ShellWord } from "./words.ts";

/** What may be said of a variable: its values, that it is a number, or nothing. */
export type Possible = readonly string[] | "digits" | "unknown";

/** What a script inside the words of another inherits. */
export type Outer = { depth: number; possible(name: string): Possible };

export type ScriptScope = ReturnType<typeof createScope>;

/** More values than this are not told apart. */
const VALUES_MAX = 8;
/** As many ways to read one command. */
const VARIANTS_MAX = 16;

export function createScope(
  variables: Variables,
  place: { home: string; cwds: readonly string[] | undefined; tempDir: string },
  outer: Outer | undefined,
  depth: number,
) {
  const problems = new Set<string>();
  const evaluated = new Map<string, Possible>();
  const evaluating = new Set<string>();
  const nowhere: Flow = { cwds: undefined, assigned: new Set() };
  let { tainted } = variables;

  function possible(name: string, flow: Flow): Possible {
    if (tainted) return "unknown";
    const entry = variables.assigned.get(name);
    if (entry === undefined) {
      if (name === "HOME") return [place.home];
      if (name === "PWD") return flow.cwds ?? "unknown";
      return outer?.possible(name) ?? "unknown";
    }
    const values = evaluate(name);
    if (flow.assigned.has(name) || typeof values === "string") {
      return values === "digits" && !flow.assigned.has(name) ? "unknown" : values;
    }
    // Perhaps not assigned yet. What the environment holds is nobody's guess; a name in small letters is not in it.
    return /[A-Z]|_proxy$/.test(name) || outer !== undefined ? "unknown" : [...new Set([...values, ""])];
  }

  /** The values that a script assigns, wherever it does. */
  function evaluate(name: string): Possible {
    const known = evaluated.get(name);
    if (known !== undefined) return known;
    const entry = variables.assigned.get(name);
    if (entry === undefined || entry.unknown || evaluating.has(name)) return "unknown";
    evaluating.add(name);
    const values = new Set<string>();
    let told = true;
    for (const { word, loop } of entry.words) {
      for (const words of variants(nowhere, (scope) =>
        expandWord(word, scope, loop ? "argument" : "value"),
      )) {
        for (const value of words) {
          told &&= isKnown(value) && value.pieces.every((piece) => piece.kind === "text");
          values.add(value.text);
        }
      }
      if (!told || values.size > VALUES_MAX) break;
    }
    evaluating.delete(name);
    const numeric = [...values].every((value) => /^\d+$/.test(value));
    const result =
      !told || values.size > VALUES_MAX
        ? "unknown"
        : !entry.digits
          ? [...values]
          : numeric
            ? "digits"
            : "unknown";
    evaluated.set(name, result);
    return result;
  }

  /** What `build` makes of each way to read it, one for each choice of the values of its variables. */
  function variants<T>(flow: Flow, build: (scope: Scope) => T): T[] {
    const several = new Map<string, readonly string[]>();
    const first = build(scopeAt(flow, new Map(), several));
    if (several.size === 0) return [first];
    let choices: Map<string, string>[] = [new Map()];
    for (const [name, values] of several) {
      choices = choices.flatMap((choice) => values.map((value) => new Map(choice).set(name, value)));
      if (choices.length > VARIANTS_MAX) return [first];
    }
    return choices.map((choice) => build(scopeAt(flow, choice, new Map())));
  }

  function scopeAt(
    flow: Flow,
    chosen: ReadonlyMap<string, string>,
    several: Map<string, readonly string[]>,
  ): Scope {
    return {
      variable(name): Known {
        const text = chosen.get(name);
        if (text !== undefined) return { text };
        const values = possible(name, flow);
        if (typeof values === "string") return values;
        if (values.length > 1) several.set(name, values);
        return values.length === 1 ? { text: values[0] ?? "" } : "unknown";
      },
      substitution: (part) => outputOf(part, flow),
      problem: (reason) => void problems.add(reason),
    };
  }

  /** The few commands whose output is plain from their words. */
  function outputOf(part: WordPart & { type: "CommandExpansion" }, flow: Flow): Known {
    const statement = part.script?.commands.length === 1 ? part.script.commands[0] : undefined;
    const command = statement?.command;
    if (command?.type !== "Command" || command.prefix.length > 0 || command.name === undefined)
      return "unknown";
    const words = [command.name, ...command.suffix].map((word) =>
      word.type === "Word" && !hasWildcards(word) ? literalText(word) : undefined,
    );
    const [program, ...args] = words;
    if (program === undefined || args.includes(undefined) || variables.functions.has(program))
      return "unknown";
    const line = args.join(" ");
    if (program === "pwd" && line === "" && flow.cwds?.length === 1) return { text: flow.cwds[0] ?? "" };
    if (program === "mktemp" && /^(-d)?$/.test(line) && !variables.assigned.has("TMPDIR")) {
      return { text: `${place.tempDir}/tmp.XXXXXXXXXX` };
    }
    return program === "echo" && !/^-[neE]+\b|\\/.test(line) ? { text: line.trimEnd() } : "unknown";
  }

  // A word that turns out to be nothing makes the next one the program.
  const programOf = (words: readonly Word[], scope: Scope): ShellWord | undefined => {
    for (const word of words) {
      const [first] = expandWord(word, scope, "argument");
      if (first !== undefined) return first;
    }
    return undefined;
  };
  tainted ||= variables.dynamicPrograms.some((words) =>
    variants(nowhere, (scope) => programOf(words, scope)).some(
      (program) => program !== undefined && (!isKnown(program) || setsVariables(program.text)),
    ),
  );

  return {
    variables,
    tainted,
    home: place.home,
    start: { cwds: place.cwds, assigned: new Set() } as Flow,
    problems,
    possible,
    /** What the script itself gives a variable, wherever it does. */
    assignedValues: evaluate,
    variants,
    outerAt: (flow: Flow): Outer => ({ depth, possible: (name) => possible(name, flow) }),
  };
}

const hasWildcards = (word: Word): boolean =>
  /^~/.test(word.text) || (word.parts?.some((part) => part.type === "Glob") ?? false);
