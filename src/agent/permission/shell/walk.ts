import {
  type AndOr,
  type Command,
  type CompoundList,
  forEachChild,
  type ParsedScript,
  type Pipeline,
  type Redirection,
  type Statement,
  type SyntaxNode,
} from "unbash";
import { arithmeticProblem, builtinProblem } from "../commands/evaluation.ts";
import { after, assign, both, type Ends, either, type Flow, foldersAfterCd, merge } from "./flow.ts";
import { fileRedirects, type Input, inputAfter } from "./redirects.ts";
import type { ScriptScope } from "./scope.ts";
import type { ShellScript, SimpleCommand } from "./shell.ts";
import { folderChanging, literalText } from "./variables.ts";
import { expandWord, isKnown, type ShellWord, textWord, unknownWord } from "./words.ts";

/** Goes through a script as the shell would, on every way at once. */
export function walkScript(script: ParsedScript, scope: ScriptScope, commandsMax: number): ShellScript {
  const commands: SimpleCommand[] = [];
  const { variables, problems } = scope;
  let broken: string | undefined;
  let forkBomb = false;
  /** The input of the compound command that is being walked; its commands inherit it. */
  let ambient: Input = { from: "terminal" };

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
        ambient = inputAfter(node.redirects, flow, scope, ambient);
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
    const files = fileRedirects(redirects, flow, scope);
    if (files.length > 0)
      emit({ ...base(flow), words: [], assignments: [], redirects: files, input: { from: "file" } });
  }

  function walkSimple(node: Command, flow: Flow): Ends {
    forEachChild(node, (child) => visit(child, flow));
    const { redirects } = node;
    const input = inputAfter(redirects, flow, scope, ambient);
    const files = fileRedirects(redirects, flow, scope);
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
    ends ??= both(flow);
    // Alone, an assignment holds whatever its substitutions come to; before a command it holds for that alone.
    const names = node.name === undefined ? prefix.map(({ name }) => name) : declaredNames(node);
    if (names.length === 0) return ends;
    return { ok: ends.ok && assign(ends.ok, names), fail: ends.fail && assign(ends.fail, names) };
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
    node.args.flatMap((arg) => (arg.type === "Assignment" && !scope.tainted ? [arg.name] : []));

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
      const home = scope.possible("HOME", flow);
      const cdPath = variables.assigned.has("CDPATH");
      const to = foldersAfterCd(words.slice(at + 1), flow, typeof home === "string" ? undefined : home[0]);
      return { ok: { ...flow, cwds: cdPath ? undefined : to }, fail: flow };
    }
    const follows = !isKnown(first) || /^(pushd|popd|eval|source|\.|trap|-.*)$/.test(program);
    return both(follows || (variables.functions.has(program) && variables.changesFolder) ? lost : flow);
  }

  walkStatements(script.commands, scope.start);
  return { commands, sets: [...variables.assigned.keys()], problems: [...problems], broken, forkBomb };
}

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
