import { compileText, escapeWildcards, expandBraces, matchText, type TextPattern } from "../../wildcards.ts";
import { type CommandPattern, compileCommand, readWords } from "./command-rules.ts";

/**
 * Rules of the form `tool` or `tool(pattern)`. What the pattern means follows from what is judged:
 * - commands: words; `*` alone stands for any further words, none included, and within a word for any characters.
 *   Quotes and `\` make text literal: `bash(git commit -m "a * b")`.
 * - paths: segments below the root, or from `/` or `~/`; `**` stands for any folders. `read(src/**)`.
 * - addresses: a host, on every port; with `://` the whole address. `fetch(*.example.com)`.
 * - anything else: the text that is shown.
 */
export type Rule = {
  source: string;
  tool: TextPattern;
  toolName: string;
  body: string | undefined;
  /** For a rule that may be about commands. */
  command: CommandPattern | undefined;
};

/** A longer rule is a mistake, and matching it would take noticeable time. */
const RULE_LENGTH_MAX = 1_000;
const unprintable = /[\p{Cc}\p{Cf}]/u;

export function parseRule(source: string): Rule | { error: string } {
  const text = source.trim();
  if (text.length > RULE_LENGTH_MAX) return { error: `a rule has at most ${RULE_LENGTH_MAX} characters` };
  if (unprintable.test(text)) return { error: "a rule is one line without invisible characters" };
  const match = /^([A-Za-z_*][\w.:/*-]*)(?:\((.*)\))?$/su.exec(text);
  if (match === null) {
    return { error: `"${text}" is not of the form tool or tool(pattern), such as bash(npm test)` };
  }
  const [, toolName = "", body] = match;
  if (body?.trim() === "")
    return { error: `"${text}" has an empty pattern: write ${toolName} for all of it` };
  const tool = compileText(toolName);
  const pattern = body?.trim();
  const command = matchText(tool, "bash") ? compileCommand(pattern) : undefined;
  return { source: text, toolName, tool, body: pattern, command };
}

/** What is wrong with a rule as a person wrote it, or undefined. */
export function checkRule(text: string): string | undefined {
  const rule = parseRule(text);
  if ("error" in rule) return rule.error;
  const { body, toolName } = rule;
  if (body === undefined) return undefined;
  if (toolName === "bash") {
    return readWords(body) === undefined ? `"${text}" has a quote that is not closed` : undefined;
  }
  if (expandBraces(body) === undefined) return `"${text}" stands for too many alternatives`;
  if (/\[[!^]?\[[:=.]/.test(body)) return `"${text}" has a named class: write it out, such as [a-z]`;
  if (toolName === "fetch" && !body.includes("://") && /[/?#\s]/.test(body)) {
    return `"${text}" is neither a host such as docs.example.com nor a whole address with its https://`;
  }
  return undefined;
}

/** Is the rule about this tool? `names` are all the names that the call goes by. */
export const namesTool = (rule: Rule, names: readonly string[]): boolean =>
  names.some((name) => matchText(rule.tool, name));

export function matchesUrl(rule: Rule, url: URL, ignoreCase: boolean): boolean {
  const { body } = rule;
  if (body === undefined) return true;
  return (expandBraces(body) ?? [body]).some((choice) => {
    if (choice.includes("://")) {
      const fold = (text: string) => (ignoreCase ? text.toLowerCase() : text);
      return matchText(compileText(fold(choice)), fold(url.href));
    }
    const named = choice.toLowerCase();
    // An address in brackets is no character class; a host that names its port means that port alone.
    if (named.startsWith("[") || /:\d+$/.test(named))
      return named === url.hostname || named === hostAndPort(url);
    return matchText(compileText(named), url.hostname.replace(/\.$/, ""));
  });
}

const hostAndPort = (url: URL): string =>
  url.port === "" ? `${url.hostname}:${url.protocol === "http:" ? 80 : 443}` : url.host;

export const matchesText = (rule: Rule, text: string): boolean =>
  rule.body === undefined || matchText(compileText(rule.body), text);

/** The rule `tool(text)` that names exactly this text; undefined when none can. */
export function exactRule(tool: string, text: string): string | undefined {
  if (unprintable.test(text) || text.trim() !== text || text === "") return undefined;
  const rule = `${tool}(${escapeWildcards(text)})`;
  return "error" in parseRule(rule) ? undefined : rule;
}
