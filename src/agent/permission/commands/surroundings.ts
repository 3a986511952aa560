import { judgePathWord, pathsOf } from "../paths/command-paths.ts";
import type { Locator, RuleBook } from "../paths/location.ts";
import type { Finding, Policy } from "../rules/policy.ts";
import { matchesUrl, namesTool } from "../rules/rules.ts";
import type { SimpleCommand } from "../shell/shell.ts";
import type { ShellWord } from "../shell/words.ts";
import { harmlessVariable, influentialVariable } from "./environment-variables.ts";

/** What a whole line came to so far. */
export type Tally = {
  /** Nothing in it writes, and nothing speaks to anybody. */
  readOnly: boolean;
  /** The rules that would have let it go; undefined once no rule could. */
  offers: readonly string[] | undefined;
};

/** What stands around a command's own words: where it reads and writes, and what it sets. */
export function createSurroundings(policy: Policy, rules: RuleBook, locator: Locator, tally: Tally) {
  const forbiddenAddresses = [...rules.deny, ...rules.ask].filter((rule) => namesTool(rule, ["fetch"]));

  function redirects({ redirects: all, folders }: SimpleCommand): Finding[] {
    return all.flatMap(({ access, target }): Finding[] => {
      if (/^\/dev\/(tcp|udp)\//.test(target.text)) {
        tally.readOnly = false;
        tally.offers = undefined;
        return [{ severity: "special", reason: "network" }];
      }
      const findings = judgePathWord(target, access, folders, locator);
      if (findings.length === 0) return [];
      if (access === "write") tally.readOnly = false;
      // A redirection is not among the words that a command rule names: it takes a rule for its path.
      const paths = pathsOf(target, folders, locator.list);
      const path = paths?.length === 1 && isAnswerable(findings) ? paths[0] : undefined;
      const rule = path === undefined ? undefined : locator.offer(path, access);
      tally.offers = rule === undefined ? undefined : tally.offers && [...tally.offers, rule];
      return findings;
    });
  }

  /** What stands before a command is not among the words that a rule names. */
  function assignments({ words, assigns }: SimpleCommand): Finding[] {
    const names = assigns.filter((name) => !(name === "IFS" && words[0]?.text === "read"));
    // Alone it is a variable of the shell's; before a command the command has it.
    const telling = names.filter((name) =>
      words.length === 0 ? influentialVariable.test(name) : !harmlessVariable.test(name),
    );
    if (telling.length > 0) {
      tally.readOnly = false;
      tally.offers = undefined;
    }
    return telling.map(findingOf);
  }

  /** `export NAME=value` and its like. */
  function declarations([first, ...args]: readonly ShellWord[]): Finding[] {
    if (!/^(export|declare|typeset|local|readonly)$/.test(first?.text ?? "")) return [];
    const exports = !/^(local|readonly)$/.test(first?.text ?? "");
    const names = args.flatMap((word) => /^([A-Za-z_]\w*)(\+?=|$)/.exec(word.text)?.[1] ?? []);
    return names
      .filter((name) => (exports ? !harmlessVariable.test(name) : influentialVariable.test(name)))
      .map(findingOf);
  }

  /** Loops, `read` and other ways to set a variable that the shell or its programs heed. */
  function settings(names: readonly string[]): Finding[] {
    return names.filter((name) => influentialVariable.test(name)).map(findingOf);
  }

  /** hearth's own files named anywhere in a word, whatever the program makes of it. */
  function mentions(words: readonly ShellWord[]): Finding[] {
    return policy.protectedPaths.flatMap((path) => {
      const word = words.find(({ text }) => text.includes(path));
      if (word === undefined) return [];
      const named = word.text.slice(word.text.indexOf(path)).split(/[\s,;:'"]/)[0] ?? path;
      return locator.judge(named, "read", ["read"], true).filter(({ severity }) => severity === "protected");
    });
  }

  /** Addresses among the words, under the rules that hold for `fetch`. */
  function addresses(words: readonly ShellWord[]): Finding[] {
    if (forbiddenAddresses.length === 0) return [];
    return words.flatMap(({ text }): Finding[] => {
      const address = /[a-z][a-z0-9+.-]*:\/\/\S+/i.exec(text)?.[0];
      const url = address === undefined ? null : URL.parse(address);
      const rule =
        url === null ? undefined : forbiddenAddresses.find((candidate) => matchesUrl(candidate, url, true));
      if (rule === undefined) return [];
      const denied = rules.deny.includes(rule);
      return [
        denied
          ? { severity: "deny", reason: rule.source }
          : { severity: "rule", reason: `${rule.source} asks` },
      ];
    });
  }

  return { redirects, assignments, declarations, settings, mentions, addresses };
}

const findingOf = (name: string): Finding => ({
  severity: influentialVariable.test(name) ? "special" : "plain",
  reason: `sets ${name}`,
});

/** Could a rule or grant have answered all of it? */
export const isAnswerable = (findings: readonly Finding[]): boolean =>
  findings.every(({ severity }) => severity === "plain" || severity === "special");
