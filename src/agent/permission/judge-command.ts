import { isAbsolute, join } from "node:path";
import { catastrophe, type VitalPlaces, vitalPlaces, wouldBeCatastrophe } from "./catastrophe.ts";
import {
  allowsCommand,
  type CommandPattern,
  compileCommand,
  forbidsCommand,
  type RuleWord,
} from "./command-rules.ts";
import { harmlessVariable, tellingVariable } from "./commands.ts";
import { dangersOf, ownCommand } from "./dangers.ts";
import { hasHidden, mixesAlphabets } from "./display.ts";
import { effectsOf } from "./effects.ts";
import { expandGlob } from "./glob-files.ts";
import type { Locator, RuleBook } from "./location.ts";
import { offerFor } from "./offers.ts";
import type { Access, Finding, Policy } from "./policy.ts";
import { matchesUrl, namesTool, type Rule } from "./rules.ts";
import { readShell, type ShellScript, type SimpleCommand } from "./shell.ts";
import { isKnown, type ShellWord, splits } from "./words.ts";
import { unwrap } from "./wrappers.ts";

export type CommandVerdict = {
  findings: Finding[];
  /** Nothing in it writes, and nothing speaks to anybody. */
  readOnly: boolean;
  /** The rules that would have let it go; undefined when no rule could. */
  rules: string[] | undefined;
};

type Compiled = { rule: Rule; pattern: CommandPattern };

/** A line that starts more commands than this is for a person to read. */
const NESTED_MAX = 400;
const protectedFinding = (reason: string): Finding => ({ severity: "protected", reason });
const opaque = (reason: string): Finding => ({ severity: "opaque", reason: `cannot be analysed: ${reason}` });

/** Judges one line for the shell. */
export function judgeCommand(
  line: string,
  cwd: string,
  policy: Policy,
  rules: RuleBook,
  locator: Locator,
): CommandVerdict {
  const compile = (list: readonly Rule[]): Compiled[] =>
    list.flatMap((rule) => {
      const pattern = namesTool(rule, ["bash"]) ? compileCommand(rule.body) : undefined;
      return pattern === undefined ? [] : [{ rule, pattern }];
    });
  const [deny, ask, allow] = [compile(rules.deny), compile(rules.ask), compile(rules.allow)];
  const deniedPrograms = new Set(
    deny.flatMap(({ pattern }) => {
      const [token] = pattern.tokens;
      return token === undefined || token.rest || token.literal === undefined
        ? []
        : [token.literal.toLowerCase()];
    }),
  );
  const places: VitalPlaces = vitalPlaces(
    [policy.root, locator.root],
    [policy.home, locator.home],
    policy.protectedPaths,
    locator.realPath,
  );
  const shellPlace = { home: policy.home, tempDir: "/tmp" };
  let judged = 0;
  let readOnly = true;
  let offers: string[] | undefined = [];
  const cannotOffer = () => {
    offers = undefined;
  };

  function judgeScript(script: ShellScript): Finding[] {
    if (script.broken !== undefined) {
      readOnly = false;
      cannotOffer();
      return [{ severity: "rule", reason: `cannot be analysed: ${script.broken}` }];
    }
    const findings = script.commands.flatMap((command) => judgeSimple(command, true));
    if (script.problems.length > 0 || script.forkBomb) {
      readOnly = false;
      cannotOffer();
    }
    if (script.forkBomb) findings.push(protectedFinding("starts itself without end"));
    return [...findings, ...script.problems.map(opaque)];
  }

  function judgeSimple(command: SimpleCommand, offering: boolean): Finding[] {
    judged += 1;
    if (judged > NESTED_MAX) {
      cannotOffer();
      readOnly = false;
      return [opaque("too many commands")];
    }
    const around = [...judgeRedirects(command), ...judgeAssignments(command)];
    if (command.words.length === 0) return around;
    return [...around, ...judgeWords(command, offering)];
  }

  function judgeWords(command: SimpleCommand, offering: boolean): Finding[] {
    const { words, cwds } = command;
    const [first, ...args] = words;
    if (first === undefined) return [];
    const ruled = judgeRules(words);
    if (!isKnown(first) || first.pieces.some((piece) => piece.kind !== "text")) {
      readOnly = false;
      cannotOffer();
      const worst = wouldBeCatastrophe(args, cwds, places);
      return [
        ...ruled,
        ...(worst === undefined || !args.some((word) => /^-/.test(word.text))
          ? []
          : [protectedFinding(worst)]),
        opaque(`the program is known only as it runs: ${first.text}`),
      ];
    }
    const program = (first.text.split("/").at(-1) ?? "").toLowerCase();
    const grave: Finding[] = [...ruled];
    const lost = catastrophe(program, args, cwds, places);
    if (lost !== undefined) grave.push(protectedFinding(lost));
    const hearth = ownCommand(program, args);
    if (hearth !== undefined) grave.push(protectedFinding(hearth));
    grave.push(...judgeMentions(words), ...judgeAddresses(words));

    if (command.isFunction) return grave;
    const before = offers;
    const inner = judgeInner(command, offering);
    const own = inner?.transparent ? [] : judgeOwn(command, program);
    const all = [...own, ...(inner?.findings ?? [])];
    const left = cover(words, all);
    if (!offering) return [...grave, ...left];
    if (left.length === 0) offers = before;
    else if (inner === undefined || !inner.transparent) {
      offers = before;
      const covered = left.every(({ severity }) => severity === "plain" || severity === "special");
      const offer = covered ? offerFor(words, left) : undefined;
      if (offer === undefined) cannotOffer();
      else if (offers !== undefined) offers = [...offers, offer];
    }
    if (grave.length > 0) cannotOffer();
    return [...grave, ...left];
  }

  /** What a wrapper runs. Undefined when it is none. */
  function judgeInner(
    command: SimpleCommand,
    offering: boolean,
  ): { findings: Finding[]; transparent: boolean } | undefined {
    const found = unwrap(command);
    if (found === undefined) return undefined;
    const findings: Finding[] = found.reasons.map((reason) => ({ severity: "plain", reason }));
    if (found.reasons.length > 0) readOnly = false;
    if (found.problem !== undefined) {
      readOnly = false;
      findings.push(opaque(found.problem));
    }
    const assigned = judgeAssignments({ ...command, assignments: found.assignments });
    findings.push(...assigned);
    for (const inner of found.inner) {
      if (inner.kind === "words") {
        const cwds = inner.cwd === undefined ? command.cwds : below(inner.cwd, command.cwds);
        findings.push(
          ...judgeSimple(
            { ...command, words: inner.words, assignments: [], redirects: [], cwds, isFunction: false },
            offering && found.transparent,
          ),
        );
      } else if (!isKnown(inner.text) || inner.text.pieces.some((piece) => piece.kind === "unknown")) {
        readOnly = false;
        findings.push(
          opaque(`a script that is known only as it runs: ${inner.text.text}`),
          ...judgeRules([inner.text]),
        );
      } else {
        const script = readShell(inner.text.text, { ...shellPlace, cwds: command.cwds }, command.outer);
        findings.push(...judgeScript(script));
      }
    }
    return { findings, transparent: found.transparent };
  }

  const below = (folder: ShellWord, cwds: readonly string[] | undefined): readonly string[] | undefined => {
    if (folder.pieces.some((piece) => piece.kind !== "text")) return undefined;
    return isAbsolute(folder.text) ? [folder.text] : cwds?.map((from) => join(from, folder.text));
  };

  /** What the command itself does, apart from what it runs. */
  function judgeOwn(command: SimpleCommand, program: string): Finding[] {
    const { words, cwds } = command;
    const effects = effectsOf(words);
    const findings: Finding[] = effects.paths.flatMap(({ word, access }) => judgePath(word, access, cwds));
    const dangers = dangersOf(program, words.slice(1));
    if (effects.special !== undefined) dangers.push({ severity: "special", reason: effects.special });
    const trusted = !effects.git || (cwds?.every((folder) => locator.isPlainRepository(folder)) ?? false);
    const odd = words.find((word) => mixesAlphabets(word.text) || hasHidden(word.text.replaceAll("\n", "")));
    if (odd !== undefined || /[^\x20-\x7e]/.test(words[0]?.text ?? "")) {
      dangers.push(opaque(`hidden or look-alike characters`));
    }
    const free = effects.free && trusted && dangers.length === 0;
    if (!free) {
      readOnly = false;
      findings.push({ severity: "plain", reason: "" });
    }
    if (effects.free && !trusted)
      findings.push({ severity: "plain", reason: "the repository's git configuration may run programs" });
    if (!effects.understood && args(words).some((text) => deniedPrograms.has(text))) {
      const named = args(words).find((text) => deniedPrograms.has(text));
      findings.push({ severity: "rule", reason: `names a denied command: ${named}` });
    }
    if (effects.paths.some(({ access }) => access !== "read")) readOnly = false;
    return [...findings, ...dangers];
  }

  const args = (words: readonly ShellWord[]): string[] =>
    words.slice(1).map((word) => (word.text.split("/").at(-1) ?? "").toLowerCase());

  function judgeRules(words: readonly ShellWord[]): Finding[] {
    if (deny.length === 0 && ask.length === 0) return [];
    const known = words.map(toRuleWord);
    const findings: Finding[] = [];
    for (const { rule, pattern } of deny) {
      const match = forbidsCommand(pattern, known);
      if (match === "yes") findings.push({ severity: "deny", reason: rule.source });
      if (match === "maybe") findings.push({ severity: "rule", reason: `may be what ${rule.source} denies` });
    }
    for (const { rule, pattern } of ask) {
      if (forbidsCommand(pattern, known) !== "no")
        findings.push({ severity: "rule", reason: `${rule.source} asks` });
    }
    return findings;
  }

  /** What rules and grants leave of the findings: any rule answers the plain ones, one without wildcards more. */
  function cover(words: readonly ShellWord[], findings: readonly Finding[]): Finding[] {
    if (findings.length === 0 || !words.every(isKnown)) return [...findings];
    const known = words.map(toRuleWord);
    const matching = allow.filter(({ pattern }) => allowsCommand(pattern, known));
    if (matching.length === 0) return [...findings];
    const exact = matching.some(({ pattern }) => pattern.exact);
    return findings.filter(({ severity }) => severity !== "plain" && !(exact && severity === "special"));
  }

  function judgeRedirects(command: SimpleCommand): Finding[] {
    return command.redirects.flatMap(({ access, target }) => {
      const network = /^\/dev\/(tcp|udp)\//.test(target.text);
      if (network) {
        readOnly = false;
        cannotOffer();
        return [{ severity: "special", reason: "network" } as const];
      }
      const findings = judgePath(target, access, command.cwds);
      if (findings.length > 0 && access === "write") readOnly = false;
      if (findings.length > 0) offerPath(target, access, command.cwds, findings);
      return findings;
    });
  }

  /** A redirection is not among the words that a command rule names. */
  function offerPath(
    word: ShellWord,
    access: Access,
    cwds: readonly string[] | undefined,
    findings: readonly Finding[],
  ) {
    const answerable = findings.every(({ severity }) => severity === "plain" || severity === "special");
    const path =
      word.pieces.every((piece) => piece.kind === "text") && cwds?.length === 1
        ? below(word, cwds)?.[0]
        : undefined;
    const rule = answerable && path !== undefined ? locator.offer(path, access) : undefined;
    if (rule === undefined) cannotOffer();
    else if (offers !== undefined) offers = [...offers, rule];
  }

  function judgeAssignments(command: SimpleCommand): Finding[] {
    const exporting = /^(export|declare|typeset|local|readonly)$/.test(command.words[0]?.text ?? "");
    const declared = exporting
      ? command.words.slice(1).flatMap((word) => /^([A-Za-z_]\w*)(\+?=|$)/.exec(word.text)?.[1] ?? [])
      : [];
    const alone = command.words.length === 0;
    const telling = [
      ...command.assignments
        .map(({ name }) => name)
        .filter((name) => (alone ? tellingVariable.test(name) : !harmlessVariable.test(name))),
      ...declared.filter(
        (name) =>
          !harmlessVariable.test(name) &&
          (tellingVariable.test(name) || /^(export|declare|typeset)$/.test(command.words[0]?.text ?? "")),
      ),
    ];
    if (telling.length === 0) return [];
    readOnly = false;
    // Its value is not among the words that a rule names.
    if (!exporting) cannotOffer();
    return [...new Set(telling)].map((name) => ({
      severity: tellingVariable.test(name) ? "special" : "plain",
      reason: `sets ${name}`,
    }));
  }

  /** hearth's own files named anywhere in a word, whatever the program makes of it. */
  function judgeMentions(words: readonly ShellWord[]): Finding[] {
    return policy.protectedPaths.flatMap((path) => {
      const word = words.find(({ text }) => text.includes(path));
      if (word === undefined) return [];
      const rest = word.text.slice(word.text.indexOf(path)).split(/[\s,;:'"]/)[0] ?? path;
      return locator.judge(rest, "read", ["read"], true).filter(({ severity }) => severity === "protected");
    });
  }

  /** Addresses among the words, under the rules that hold for `fetch`. */
  function judgeAddresses(words: readonly ShellWord[]): Finding[] {
    const forbidding = [...rules.deny, ...rules.ask].filter((rule) => namesTool(rule, ["fetch"]));
    if (forbidding.length === 0) return [];
    return words.flatMap(({ text }): Finding[] => {
      const address = /[a-z][a-z0-9+.-]*:\/\/\S+/i.exec(text)?.[0];
      const url = address === undefined ? null : URL.parse(address);
      const rule =
        url === null ? undefined : forbidding.find((candidate) => matchesUrl(candidate, url, true));
      if (rule === undefined) return [];
      return rules.deny.includes(rule)
        ? [{ severity: "deny", reason: rule.source } as const]
        : [{ severity: "rule", reason: `${rule.source} asks` } as const];
    });
  }

  function judgePath(word: ShellWord, access: Access, cwds: readonly string[] | undefined): Finding[] {
    const names = access === "read" ? ["read"] : ["edit"];
    const told = isKnown(word) && !splits(word);
    const wild = word.pieces.some((piece) => piece.kind === "glob");
    // A number in a name does not change where it is.
    const paths = !told ? undefined : wild ? expandGlob(word, cwds, locator.list) : below(plain(word), cwds);
    if (paths !== undefined) return paths.flatMap((path) => locator.judge(path, access, names, true));
    const verb = access === "read" ? "reads" : access === "write" ? "writes" : "names";
    const last = word.text.replace(/^.*?\//, "");
    const certain = locator
      .judge(`/\u{f8ff}/${last}`, access, names, true)
      .filter(({ severity }) => severity === "protected");
    if (certain.length > 0 || policy.mode === "yolo") return certain;
    return [{ severity: "special", reason: `${verb} a path that is known only as it runs: ${word.text}` }];
  }

  const plain = (word: ShellWord): ShellWord => ({
    pieces: [{ kind: "text", text: word.text }],
    text: word.text,
  });

  const script = readShell(line, { ...shellPlace, cwds: [cwd] });
  const findings = judgeScript(script);
  if (hasHidden(line)) {
    findings.push(opaque("hidden characters, shown escaped"));
    cannotOffer();
  }
  return { findings, readOnly, rules: offers };
}

const toRuleWord = (word: ShellWord): RuleWord => ({
  text: word.text,
  unknown: !isKnown(word),
  splits: splits(word),
});
