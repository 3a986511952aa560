import { isAbsolute, join, normalize } from "node:path";
import {
  type AndOr,
  type Command,
  type CompoundList,
  forEachChild,
  type HereDoc,
  type ParsedScript,
  type Pipeline,
  type Redirection,
  type Statement,
  type SyntaxNode,
} from "unbash";
import { arithmeticProblem, builtinProblem } from "./evaluation.ts";
import type { Flow, ScriptScope } from "./scope.ts";
import type { FileRedirect, ShellScript, SimpleCommand } from "./shell.ts";
import { folderChanging, literalText } from "./variables.ts";
import { expandQuoted, expandWord, isKnown, type ShellWord, textWord, unknownWord } from "./words.ts";

/** How a command leaves things: after success, and after failure. Undefined: it does not come back that way. */
type Ends = { ok: Flow | undefined; fail: Flow | undefined };
type Input = SimpleCommand["input"];

const FOLDERS_MAX = 8;
/** Keeping track of more variables than this is not worth its time. */
const ASSIGNED_MAX = 200;

/** Goes through a script as the shell would, on every way at once. */
export function walkScript(script: ParsedScript, scope: ScriptScope, commandsMax: number): ShellScript {
  const commands: SimpleCommand[] = [];
  const { variables, problems } = scope;
  let broken: string | undefined;
  let forkBomb = false;
  /** The input of the compound command that is being walked; its commands inherit it. */
  let ambient: Input = { from: "terminal" };

  const both = (flow: Flow): Ends => ({ ok: flow, fail: flow });
  const after = (ends: Ends, entry: Flow): Flow => merge(ends.ok, ends.fail) ?? entry;

  function emit(command: SimpleCommand) {
    if (commands.length >= commandsMax) broken ??= "it has too many commands";
    else commands.push(command);
  }

  function inner(nested: ParsedScript | undefined, flow: Flow) {
    if (nested === undefined) broken ??= "a substitution is not closed";
    else if (nested.errors?.[0] !== undefined) broken ??= nested.errors[0].message;
    else walkStatements(nested.commands, flow);
  }

  /** Looks through words and the like for what runs inside them; each of these in a shell of its own. */
  function visit(node: SyntaxNode, flow: Flow): void {
    switch (node.type) {
      case "CommandExpansion":
        if (node.text.startsWith("${")) problems.add("a substitution that changes this shell");
        inner(node.script, flow);
        return;
      case "ProcessSubstitution":
      case "ArithmeticCommandExpansion":
        inner(node.script, flow);
        return;
      default: {
        const problem = arithmeticProblem(node, scope);
        if (problem !== undefined) problems.add(problem);
        forEachChild(node, (child) => visit(child, flow));
      }
    }
  }

  function walkStatements(statements: readonly Statement[], entry: Flow): Ends {
    let ends: Ends = both(entry);
    let flow = entry;
    for (const statement of statements) {
      if (broken !== undefined) return ends;
      ends = walkStatement(statement, flow);
      if (statement.background) ends = both(flow);
      flow = after(ends, flow);
    }
    return ends;
  }

  const walkStatement = (statement: Statement, flow: Flow): Ends =>
    statement.command.type === "AndOr"
      ? walkAndOr(statement.command, flow)
      : walkCommand(statement.command, flow);

  function walkAndOr(node: AndOr, entry: Flow): Ends {
    let ends: Ends = both(entry);
    for (const [index, command] of node.commands.entries()) {
      if (index === 0) {
        ends = walkCommand(command, entry);
        continue;
      }
      const onSuccess = node.operators[index - 1] === "&&";
      const next = walkCommand(command, (onSuccess ? ends.ok : ends.fail) ?? entry);
      ends = onSuccess
        ? { ok: ends.ok && next.ok, fail: merge(ends.fail, ends.ok && next.fail) }
        : { ok: merge(ends.ok, ends.fail && next.ok), fail: ends.fail && next.fail };
    }
    return ends;
  }

  function walkPipeline(node: Pipeline, flow: Flow): Ends {
    const [only] = node.commands;
    if (node.commands.length === 1 && only !== undefined) {
      const ends = walkCommand(only, flow);
      return node.prefixes.some((prefix) => prefix.type === "Negation")
        ? { ok: ends.fail, fail: ends.ok }
        : ends;
    }
    const before = ambient;
    for (const [index, command] of node.commands.entries()) {
      if (index > 0) ambient = { from: "pipe" };
      walkCommand(command, flow);
    }
    ambient = before;
    return both(flow);
  }

  function walkBody(body: CompoundList, flow: Flow): Ends {
    return walkStatements(body.commands, flow);
  }

  /** A body that may run any number of times, or not at all. */
  function walkLoop(loop: SyntaxNode, body: CompoundList, flow: Flow, name?: string): Ends {
    const settled: Flow = variables.wanderingLoops.has(loop) ? { ...flow, cwds: undefined } : flow;
    const ends = walkBody(body, name === undefined ? settled : assign(settled, [name]));
    return both(merge(settled, after(ends, settled)) ?? settled);
  }

  function walkCommand(node: SyntaxNode, flow: Flow): Ends {
    switch (node.type) {
      case "Command":
        return walkSimple(node, flow);
      case "Pipeline":
        return walkPipeline(node, flow);
      case "AndOr":
        return walkAndOr(node, flow);
      case "Redirected": {
        redirectOnly(node.redirects, flow);
        const before = ambient;
        ambient = inputOf(node.redirects, flow);
        const ends = walkCommand(node.command, flow);
        ambient = before;
        return ends;
      }
      case "BraceGroup":
        return walkBody(node.body, flow);
      case "Subshell":
        walkBody(node.body, flow);
        return both(flow);
      case "If": {
        const clause = walkBody(node.clause, flow);
        let result = walkBody(node.then, clause.ok ?? flow);
        let left = clause.fail ?? flow;
        for (const branch of node.elif) {
          const test = walkBody(branch.clause, left);
          result = either(result, walkBody(branch.then, test.ok ?? left));
          left = test.fail ?? left;
        }
        return either(result, node.else === undefined ? both(left) : walkBody(node.else, left));
      }
      case "While": {
        walkLoop(node, node.clause, flow);
        return walkLoop(node, node.body, flow);
      }
      case "For":
      case "Select":
        for (const word of node.wordlist ?? []) visit(word, flow);
        return walkLoop(node, node.body, flow, literalText(node.name));
      case "ArithmeticFor": {
        for (const part of [node.initialize, node.test, node.update])
          if (part !== undefined) visit(part, flow);
        const counters = [...variables.assigned].filter(([, { digits }]) => digits).map(([name]) => name);
        return walkLoop(node, node.body, assign(flow, counters));
      }
      case "Case": {
        visit(node.word, flow);
        let result = both(flow);
        for (const item of node.items) {
          for (const pattern of item.pattern) visit(pattern, flow);
          result = either(result, walkBody(item.body, flow));
        }
        return result;
      }
      case "Function": {
        const name = literalText(node.name) ?? "";
        if (folderChanging.has(name) || /^(exit|command|builtin|test|\[)$/.test(name))
          problems.add(`${name} is redefined`);
        forkBomb ||= startsItself(node.body, name);
        const cwds = variables.changesFolder ? undefined : flow.cwds;
        if (node.body.type === "CompoundList") broken ??= "a function has no body";
        else walkCommand(node.body, { cwds, assigned: new Set() });
        return both(assign(flow, [`${name}()`]));
      }
      case "Coproc":
        if (node.body.type === "CompoundList") broken ??= "a coprocess has no command";
        else walkCommand(node.body, flow);
        return both(flow);
      default:
        visit(node, flow);
        return both(flow);
    }
  }

  const base = (flow: Flow) => ({ cwds: flow.cwds, outer: scope.outerAt(flow), isFunction: false });

  function redirectOnly(redirects: readonly Redirection[], flow: Flow) {
    for (const redirect of redirects) visit(redirect, flow);
    const files = fileRedirects(redirects, flow);
    if (files.length > 0)
      emit({ ...base(flow), words: [], assignments: [], redirects: files, input: { from: "file" } });
  }

  function fileRedirects(redirects: readonly Redirection[], flow: Flow): FileRedirect[] {
    return redirects.flatMap((redirect) => {
      if (redirect.type !== "Redirect") return [];
      const { operator, target } = redirect;
      if (target === undefined) return [];
      const access = operator === "<" || operator === "<&" ? "read" : "write";
      return scope
        .variants(flow, (words) => expandWord(target, words, "argument"))
        .flatMap((found) => {
          const word = found.length === 1 ? found[0] : unknownWord(target.text, false);
          if (word === undefined) return [];
          if (operator.endsWith("&") && /^(\d+-?|-)$/.test(word.text)) return [];
          return [{ access, target: word } as const];
        });
    });
  }

  function inputOf(redirects: readonly Redirection[], flow: Flow): Input {
    let input = ambient;
    for (const redirect of redirects) {
      if (redirect.type === "HereDoc") input = { from: "text", text: hereText(redirect, flow) };
      else if (redirect.type === "HereString") {
        const { target } = redirect;
        const [only, ...more] =
          target === undefined ? [] : scope.variants(flow, (at) => expandWord(target, at, "value"));
        input = { from: "text", text: (more.length === 0 && only?.[0]) || unknownWord("<<<", false) };
      } else if (redirect.operator.startsWith("<")) input = { from: "file" };
    }
    return input;
  }

  function hereText({ body }: HereDoc, flow: Flow): ShellWord {
    if (body.parts === undefined) return textWord(body.text);
    const { parts } = body;
    const [only, ...more] = scope.variants(flow, (at) => expandQuoted(parts, at));
    return only === undefined || more.length > 0 ? unknownWord("<<", false) : only;
  }

  function walkSimple(node: Command, flow: Flow): Ends {
    forEachChild(node, (child) => visit(child, flow));
    const { redirects } = node;
    const input = inputOf(redirects, flow);
    const files = fileRedirects(redirects, flow);
    const prefix = node.prefix.filter((item) => item.type === "Assignment");
    const built = scope.variants(flow, (at) => ({
      words: [...(node.name === undefined ? [] : [node.name]), ...node.args].flatMap((arg) =>
        arg.type === "Word" ? expandWord(arg, at, "argument") : declared(arg.text, arg.value, at),
      ),
      assignments: prefix.map(({ name, value }) => ({
        name,
        value:
          value.type === "Word"
            ? (expandWord(value, at, "value")[0] ?? textWord(""))
            : unknownWord("(…)", false),
      })),
    }));
    let ends: Ends | undefined;
    for (const { words, assignments } of built) {
      const program = words[0]?.text ?? "";
      const isFunction = variables.functions.has(program) && flow.assigned.has(`${program}()`);
      emit({ ...base(flow), words, assignments, redirects: files, input, isFunction });
      const problem = builtinProblem(words);
      if (problem !== undefined) problems.add(problem);
      const next = leave(words, flow);
      ends = ends === undefined ? next : either(ends, next);
    }
    const names = prefix.map(({ name }) => name);
    const set = node.name === undefined ? names : declaredNames(node);
    ends ??= both(flow);
    return set.length === 0 ? ends : { ok: ends.ok && assign(ends.ok, set), fail: ends.fail };
  }

  /** `export NAME=value` and its like: one word, as the shell hands it to them. */
  function declared(text: string, value: SyntaxNode, at: Parameters<typeof expandWord>[1]): ShellWord[] {
    if (value.type !== "Word") return [unknownWord(text, false)];
    const [expanded] = expandWord(value, at, "value");
    const name = text.slice(0, text.length - value.text.length);
    return [
      {
        pieces: [{ kind: "text", text: name }, ...(expanded?.pieces ?? [])],
        text: `${name}${expanded?.text ?? ""}`,
      },
    ];
  }

  const declaredNames = (node: Command): string[] =>
    node.args.flatMap((arg) => (arg.type === "Assignment" && !variables.tainted ? [arg.name] : []));

  /** Where a command leaves the shell. */
  function leave(words: readonly ShellWord[], flow: Flow): Ends {
    let at = 0;
    while (/^(command|builtin)$/.test(words[at]?.text ?? "")) at += 1;
    const first = words[at];
    const program = first?.text ?? "";
    if (first === undefined) return both(flow);
    const lost: Flow = { ...flow, cwds: undefined };
    if (program === "exit" && isKnown(first)) return { ok: undefined, fail: undefined };
    if (program === "cd") {
      return { ok: { ...flow, cwds: foldersAfterCd(words.slice(at + 1), flow, scope) }, fail: flow };
    }
    const follows = !isKnown(first) || /^(pushd|popd|eval|source|\.|trap|-.*)$/.test(program);
    return both(follows || (variables.functions.has(program) && variables.changesFolder) ? lost : flow);
  }

  walkStatements(script.commands, scope.start);
  return { commands, problems: [...problems], broken, forkBomb };
}

function foldersAfterCd(
  args: readonly ShellWord[],
  flow: Flow,
  scope: ScriptScope,
): readonly string[] | undefined {
  const operands = args.filter((word, index) => !(index === 0 && /^-[LPe@]+$|^--$/.test(word.text)));
  const [target] = operands;
  const cdPath = scope.variables.assigned.has("CDPATH");
  if (
    operands.length > 1 ||
    cdPath ||
    args.some((word) => word.pieces.some((piece) => piece.kind !== "text"))
  )
    return undefined;
  const home = scope.possible("HOME", flow);
  const to = target?.text ?? (typeof home === "string" ? undefined : home[0]);
  if (to === undefined || to === "-" || to === "") return to === "" ? flow.cwds : undefined;
  // The folder as written: what links and `..` make of it is found out by whoever asks the file system.
  return isAbsolute(to) ? [normalize(to)] : flow.cwds?.map((folder) => join(folder, to));
}

function assign(flow: Flow, names: readonly string[]): Flow {
  const fresh = names.filter((name) => !flow.assigned.has(name));
  if (fresh.length === 0 || flow.assigned.size > ASSIGNED_MAX) return flow;
  return { ...flow, assigned: new Set([...flow.assigned, ...fresh]) };
}

function merge(a: Flow | undefined, b: Flow | undefined): Flow | undefined {
  if (a === undefined || b === undefined || a === b) return a ?? b;
  const cwds = a.cwds && b.cwds && [...new Set([...a.cwds, ...b.cwds])];
  return {
    cwds: cwds !== undefined && cwds.length <= FOLDERS_MAX ? cwds : undefined,
    assigned: a.assigned === b.assigned ? a.assigned : a.assigned.intersection(b.assigned),
  };
}

const either = (a: Ends, b: Ends): Ends => ({ ok: merge(a.ok, b.ok), fail: merge(a.fail, b.fail) });

/** A function that runs itself in a pipe or in the background: each run starts two more. */
function startsItself(body: SyntaxNode, name: string): boolean {
  let found = false;
  const look = (node: SyntaxNode, multiplies: boolean) => {
    if (found) return;
    if (node.type === "Command" && multiplies && node.name !== undefined && literalText(node.name) === name)
      found = true;
    const more =
      multiplies ||
      (node.type === "Statement" && node.background === true) ||
      (node.type === "Pipeline" && node.commands.length > 1);
    forEachChild(node, (child) => look(child, more));
  };
  look(body, false);
  return found;
}
