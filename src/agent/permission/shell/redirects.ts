import type { Redirection } from "unbash";
import { expandQuoted, expandWord, type Scope, type ShellWord, textWord, unknownWord } from "./words.ts";

/** A redirection to or from a file; those between descriptors are left out. */
export type FileRedirect = { access: "read" | "write"; target: ShellWord };

/** Where a command's input comes from, as far as a shell that reads its script there is concerned. */
export type Input = { from: "terminal" | "pipe" | "file" } | { from: "text"; text: ShellWord };

export function fileRedirects(redirects: readonly Redirection[], scope: Scope): FileRedirect[] {
  return redirects.flatMap((redirect): FileRedirect[] => {
    if (redirect.type !== "Redirect" || redirect.target === undefined) return [];
    const { operator, target } = redirect;
    const found = expandWord(target, scope, "argument");
    // More than one word is an error to the shell, unless it is in a mode where it is not.
    const word = found.length === 1 ? found[0] : unknownWord(target.text, false);
    if (word === undefined || (operator.endsWith("&") && /^(\d+-?|-)$/.test(word.text))) return [];
    return [{ access: operator === "<" || operator === "<&" ? "read" : "write", target: word }];
  });
}

/** The last redirection of the input counts; without one it is what is around. */
export function inputAfter(redirects: readonly Redirection[], scope: Scope, around: Input): Input {
  let input = around;
  for (const redirect of redirects) {
    if (redirect.type === "HereDoc") {
      const { parts, text } = redirect.body;
      input = { from: "text", text: parts === undefined ? textWord(text) : expandQuoted(parts, scope) };
    } else if (redirect.type === "HereString") {
      const read = redirect.target && expandWord(redirect.target, scope, "value")[0];
      input = { from: "text", text: read ?? unknownWord("<<<", false) };
    } else if (redirect.operator.startsWith("<")) input = { from: "file" };
  }
  return input;
}
