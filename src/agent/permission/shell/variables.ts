import { forEachChild, type ParsedScript, type SyntaxNode, type Word } from "unbash";

/** Where a variable gets values in a script, wherever in it that is: the order is not looked at. */
export type Assigned = {
  /** The words assigned; of a loop, each word of its list. */
  words: { word: Word; loop: boolean }[];
  /** Something else than a known word may be assigned too. */
  unknown: boolean;
  digits: boolean;
};

export type Variables = {
  assigned: ReadonlyMap<string, Assigned>;
  /** Something sets variables whose names are not known: then nothing is known of any. */
  tainted: boolean;
  /** Commands whose program hangs on variables; one that turns out to set variables taints as well. */
  dynamicPrograms: readonly (readonly Word[])[];
  functions: ReadonlySet<string>;
  /** A `cd` or the like is somewhere in it, and the loops that have one in their own shell. */
  changesFolder: boolean;
  wanderingLoops: ReadonlySet<SyntaxNode>;
};

const declaring = new Set(["declare", "typeset", "local", "export", "readonly"]);
/** They set variables, or run what does. */
export const setsVariables = (program: string): boolean =>
  declaring.has(program) ||
  tainting.has(program) ||
  /^(read|mapfile|readarray|getopts|printf|unset|wait|command|builtin)$/.test(program);
/** They run or set what their arguments say. */
const tainting = new Set([".", "source", "eval", "trap", "let", "alias", "enable", "bind"]);
const looping = new Set<string>(["For", "ArithmeticFor", "Select", "While"]);
const ownShell = new Set<string>(["Subshell", "CommandExpansion", "ProcessSubstitution"]);
export const folderChanging: ReadonlySet<string> = new Set(["cd", "pushd", "popd"]);
const isName = (text: string): boolean => /^[A-Za-z_]\w*$/.test(text);

/** The word as it is when nothing in it depends on the run, wildcards included. */
export function literalText(word: Word): string | undefined {
  const { parts } = word;
  if (parts === undefined) return word.value;
  const isPlain = (part: { type: string }) => /^(Literal|SingleQuoted|AnsiCQuoted)$/.test(part.type);
  for (const part of parts) {
    if (part.type === "DoubleQuoted" ? !part.parts.every(isPlain) : !isPlain(part)) return undefined;
  }
  return word.value;
}

export function collectVariables(script: ParsedScript): Variables {
  const assigned = new Map<string, Assigned>();
  const functions = new Set<string>();
  let tainted = false;
  let changesFolder = false;
  const wanderingLoops = new Set<SyntaxNode>();
  const dynamicPrograms: Word[][] = [];
  let loops: SyntaxNode[] = [];
  const readPrefixes = new Set<SyntaxNode>();

  const entry = (name: string): Assigned => {
    const known = assigned.get(name) ?? { words: [], unknown: false, digits: false };
    assigned.set(name, known);
    // Splitting at other characters than blanks is not modelled.
    if (name === "IFS") tainted = true;
    return known;
  };
  const setUnknown = (word: Word | undefined) => {
    const name = word && literalText(word);
    if (name !== undefined && isName(name)) entry(name).unknown = true;
    else tainted = true;
  };

  const visitCommand = (name: Word, args: readonly Word[]): void => {
    const program = literalText(name);
    if (program === undefined || folderChanging.has(program) || tainting.has(program)) {
      changesFolder = true;
      for (const loop of loops) wanderingLoops.add(loop);
    }
    if (program === undefined) dynamicPrograms.push([name, ...args]);
    else if (tainting.has(program)) tainted = true;
    else if (program === "command" || program === "builtin") {
      const at = args.findIndex((word) => !word.text.startsWith("-"));
      const inner = args[at];
      if (inner !== undefined) visitCommand(inner, args.slice(at + 1));
    } else if (declaring.has(program)) visitDeclaration(args);
    else if (program === "read" || program === "unset" || program === "mapfile" || program === "readarray") {
      visitNames(args);
      entry("REPLY").unknown = entry("MAPFILE").unknown = true;
    } else if (program === "getopts") {
      setUnknown(args[1]);
      entry("OPTARG").unknown = true;
    } else if (program === "printf" || program === "wait") {
      const option = args[0]?.text;
      if (option === "-v" || option === "-p") setUnknown(args[1]);
      else if (option !== undefined && /^(-[vp]|\$)/.test(option)) tainted = true;
    }
  };
  const visitNames = (args: readonly Word[]): void => {
    for (let at = 0; at < args.length; at += 1) {
      const option = /^-\w*?([ptnNduisOCc])?$/.exec(args[at]?.text ?? "");
      if (option === null) setUnknown(args[at]);
      else if (option[1] !== undefined && option[1] !== "s") at += 1;
    }
  };
  /** `declare "name=value"`: a word, since it is quoted. */
  const visitDeclaration = (args: readonly Word[]): void => {
    for (const word of args) {
      const text = literalText(word);
      if (text === undefined || /^[-+]\w*[ni]/.test(text)) tainted = true;
      else if (text.includes("=")) {
        const name = text.slice(0, text.indexOf("=")).replace(/\+$/, "");
        if (isName(name)) entry(name).unknown = true;
        else tainted = true;
      }
    }
  };
  const visitArithmetic = (text: string): void => {
    if (!/=|\+\+|--/.test(text)) return;
    for (const [name] of text.matchAll(/[A-Za-z_]\w*/g)) entry(name).digits = true;
  };

  const visit = (node: SyntaxNode): void => {
    switch (node.type) {
      case "Assignment": {
        // `IFS= read` is about that one line.
        if (readPrefixes.has(node)) break;
        const known = entry(node.name);
        const { value } = node;
        if (node.index !== undefined || node.append || value.type === "ArrayValue") known.unknown = true;
        else known.words.push({ word: value, loop: false });
        break;
      }
      case "Command": {
        const words = node.args.filter((arg) => arg.type === "Word");
        if (node.name?.text === "read") {
          for (const item of node.prefix)
            if (item.type === "Assignment" && item.name === "IFS") readPrefixes.add(item);
        }
        if (node.name !== undefined) visitCommand(node.name, words);
        break;
      }
      case "For":
      case "Select": {
        const known = entry(literalText(node.name) ?? "");
        if (node.wordlist === undefined || node.type === "Select") known.unknown = true;
        for (const word of node.wordlist ?? []) known.words.push({ word, loop: true });
        if (node.type === "Select") entry("REPLY").unknown = true;
        break;
      }
      case "Function":
        functions.add(literalText(node.name) ?? "");
        break;
      case "Coproc":
        entry((node.name && literalText(node.name)) ?? "COPROC").unknown = true;
        break;
      case "ParameterExpansion":
        if (node.operation?.type === "Default" && /=/.test(node.operation.operator)) {
          entry(node.parameter).words.push({ word: node.operation.operand, loop: false });
        }
        break;
      case "FileDescriptorVariable":
        entry(node.name).digits = true;
        break;
      case "ArithmeticExpansion":
        visitArithmetic(node.text);
        break;
      case "ArithmeticCommand":
        visitArithmetic(node.body);
        break;
      case "ArithmeticBinary":
      case "ArithmeticUnary":
        // Those of a `for ((…))`; the others were seen as text.
        if (/=$|\+\+|--/.test(node.operator))
          forEachChild(
            node,
            (child) => child.type === "ArithmeticWord" && visitArithmetic(`${child.value}=`),
          );
        break;
      default:
    }
    const around = loops;
    if (ownShell.has(node.type)) loops = [];
    else if (looping.has(node.type)) loops = [...loops, node];
    forEachChild(node, visit);
    loops = around;
  };
  visit(script);
  return { assigned, tainted, dynamicPrograms, functions, changesFolder, wanderingLoops };
}
