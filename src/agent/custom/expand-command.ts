/** Words as a shell would split them, and where each begins: quotes hold spaces together. */
export const argumentsIn = (text: string): { word: string; start: number }[] =>
  [...text.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map((match) => ({
    word: match[1] ?? match[2] ?? match[3] ?? "",
    start: match.index,
  }));

export const argumentsOf = (text: string): string[] => argumentsIn(text).map(({ word }) => word);

/**
 * A command's text with what was typed after its name: `$ARGUMENTS`, `$1` to `$9`. Without any of these the arguments
 * stand at the end.
 */
export function expandCommand(body: string, typed: string): string {
  const given = typed.trim();
  const words = argumentsOf(given);
  let isUsed = false;
  const text = body.replace(/\$(ARGUMENTS|[1-9])(?!\w)/g, (_, name: string) => {
    isUsed = true;
    return name === "ARGUMENTS" ? given : (words[Number(name) - 1] ?? "");
  });
  return isUsed || given === "" ? text : `${text}\n\n${given}`;
}

/** A prompt that begins with a slash and a name. */
export function slashCommand(prompt: string): { name: string; rest: string } | undefined {
  const match = /^\/([\w][\w.:-]*)(?:\s+([\s\S]*))?$/.exec(prompt.trimEnd());
  return match === null ? undefined : { name: match[1] ?? "", rest: match[2] ?? "" };
}
