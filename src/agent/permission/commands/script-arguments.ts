import { isKnown, type ShellWord } from "../shell/words.ts";
import { tailOf } from "./options.ts";

const sedAddress = String.raw`(?:\d+|\$|\/(?:[^\/\\\n]|\\.)*\/I?)`;
const sedCommand = new RegExp(
  String.raw`^(?:${sedAddress}(?:,(?:[+~]?${sedAddress}))?)?\s*!?\s*(?:[pdqQ=]|q\d*|s([\/|#,:@%])(?:(?!\1)[^\\\n]|\\.)*\1(?:(?!\1)[^\\\n]|\\.)*\1[gpiI0-9]*|y\/(?:[^\/\\\n]|\\.)*\/(?:[^\/\\\n]|\\.)*\/)$`,
);
/** A longer script asks. */
const SED_LENGTH_MAX = 400;

/** A sed script that only prints, deletes and substitutes: no `w`, `e` or `r`, which write, run and read. */
export function isSafeSed(script: string): boolean {
  if (script.length > SED_LENGTH_MAX) return false;
  // Several commands are split only when no expression can contain the separator.
  const parts = /[sy/]/.test(script) ? [script] : script.split(/[;\n]/);
  return parts.every((part) => part.trim() === "" || sedCommand.test(part.trim()));
}

/** No pipes, redirections, `system`, `getline`, included files or indirect calls anywhere in it, not even in strings. */
export const isSafeAwk = (program: string): boolean =>
  !/[|>@`]|system|getline|close|fflush|include|load|extension|ENVIRON|PROCINFO/.test(program);

/** What may be a path in a word of an unknown command: the whole word, and each part after `=`, `:`, `@` or `,`. */
export function possiblePaths(word: ShellWord): ShellWord[] {
  const { text } = word;
  if (text === "" || text === "-" || text === "--") return [];
  if (!isKnown(word)) return looksLikePath(text) ? [word] : [];
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text) && !/^file:/i.test(text)) return [];
  const found: ShellWord[] = [];
  const add = (from: number) => {
    const part = from === 0 ? word : tailOf(word, from);
    if (looksLikePath(part.text) || (from === 0 && !text.startsWith("-"))) found.push(part);
  };
  if (!text.startsWith("-")) add(0);
  for (const { index } of text.matchAll(/[=:@,](?=[^=:@,]|$)/g)) {
    if (found.length >= PARTS_MAX) break;
    if (index + 1 < text.length) add(index + 1);
  }
  // `-I/usr/include`
  const slash = text.search(/[/~]/);
  if (text.startsWith("-") && slash > 0) add(slash);
  if (/^file:\/\//i.test(text)) add("file://".length);
  return found;
}

/** Further parts of one word are not judged. */
const PARTS_MAX = 16;

const looksLikePath = (text: string): boolean => /^[.~]|\//.test(text);
