import type { HereDoc, Redirection } from "unbash";
import type { Flow } from "./flow.ts";
import type { ScriptScope } from "./scope.ts";
import { expandQuoted, expandWord, type ShellWord, textWord, unknownWord } from "./words.ts";

/** A redirection to or from a file; those between descriptors are left out. */
export type FileRedirect = { access: "read" | "write"; target: ShellWord };

/** Where a command's input comes from, as far as a shell that reads its script there is concerned. */
export type Input = { from: "terminal" | "pipe" | "file" } | { from: "text"; text: ShellWord };

export function fileRedirects(
  redirects: readonly Redirection[],
  flow: Flow,
  scope: ScriptScope,
): FileRedirect[] {
  return redirects.flatMap((redirect): FileRedirect[] => {
    if (redirect.type !== "Redirect" || redirect.target === undefined) return [];
    const { operator, target } = redirect;
    const access = operator === "<" || operator === "<&" ? "read" : "write";
    return scope
      .variants(flow, (at) => expandWord(target, at, "argument"))
      .flatMap((found): FileRedirect[] => {
        // More than one word is an error to the shell, unless it is in a mode where it is not.
        const word = found.length === 1 ? found[0] : unknownWord(target.text, false);
        if (word === undefined || (operator.endsWith("&") && /^(\d+-?|-)$/.test(word.text))) return [];
        return [{ access, target: word }];
      });
  });
}

/** The last redirection of the input counts; without one it is what is around. */
export function inputAfter(
  redirects: readonly Redirection[],
  flow: Flow,
  scope: ScriptScope,
  around: Input,
): Input {
  let input = around;
  for (const redirect of redirects) {
    if (redirect.type === "HereDoc") input = { from: "text", text: hereText(redirect, flow, scope) };
    else if (redirect.type === "HereString") {
      const { target } = redirect;
      const read = target && scope.variants(flow, (at) => expandWord(target, at, "value")[0]);
      const only = read?.length === 1 ? read[0] : undefined;
      input = { from: "text", text: only ?? unknownWord("<<<", false) };
    } else if (redirect.operator.startsWith("<")) input = { from: "file" };
  }
  return input;
}

function hereText({ body }: HereDoc, flow: Flow, scope: ScriptScope): ShellWord {
  const { parts } = body;
  if (parts === undefined) return textWord(body.text);
  const read = scope.variants(flow, (at) => expandQuoted(parts, at));
  return (read.length === 1 ? read[0] : undefined) ?? unknownWord("<<", false);
}
