import { isKnown, type ShellWord, splits, textWord, unknownWord } from "../shell/words.ts";

/** `flag` takes no value, `optional` one after `=`; the others take one and say what it is. */
export type OptionKind = "flag" | "optional" | "text" | "read" | "write";

/**
 * The options of a program, from a line such as `-a --all -n: --color? -f:read -o:write -#`: `:` takes a value,
 * `?` may have one after `=`, and `-#` is any number.
 */
export function parseOptionTable(table: string): ReadonlyMap<string, OptionKind> {
  const options = new Map<string, OptionKind>();
  for (const item of table.split(/\s+/)) {
    const match = /^(-[^:?]+|-\?)(\?|:(?:read|write)?)?$/.exec(item);
    if (match?.[1] === undefined) continue;
    const kind = match[2];
    const value = kind === ":read" ? "read" : kind === ":write" ? "write" : "text";
    options.set(match[1], kind === undefined ? "flag" : kind === "?" ? "optional" : value);
  }
  return options;
}

export type ReadOptions = {
  operands: ShellWord[];
  options: { name: string; kind: OptionKind; value: ShellWord | undefined }[];
  /** Options that the table does not have, as written. Shortened ones are among them: their full name is a guess. */
  unknown: ShellWord[];
};

/** Reads arguments as getopt does: options anywhere before `--`, short ones in one word. */
export function readOptions(args: readonly ShellWord[], table: ReadonlyMap<string, OptionKind>): ReadOptions {
  const result: ReadOptions = { operands: [], options: [], unknown: [] };
  let at = 0;
  const takeNext = (): ShellWord => {
    at += 1;
    return args[at] ?? unknownWord("", false);
  };
  for (; at < args.length; at += 1) {
    const word = args[at] ?? textWord("");
    const { text } = word;
    if (text === "--") {
      result.operands.push(...args.slice(at + 1));
      break;
    }
    // A word that starts with an unknown part or a wildcard may be an option.
    if (word.pieces[0] !== undefined && word.pieces[0].kind !== "text" && mayBeOption(word)) {
      result.unknown.push(word);
      result.operands.push(word);
    } else if (!text.startsWith("-") || text === "-") result.operands.push(word);
    else if (!isKnown(word) && splits(word)) result.unknown.push(word);
    else readOption(word, table, result, takeNext);
  }
  return result;
}

function mayBeOption(word: ShellWord): boolean {
  const [first] = word.pieces;
  return first?.kind === "unknown" ? !first.digits : /^[*?[]/.test(word.text);
}

function readOption(
  word: ShellWord,
  table: ReadonlyMap<string, OptionKind>,
  result: ReadOptions,
  takeNext: () => ShellWord,
): void {
  const { text } = word;
  const equals = text.indexOf("=");
  const name = equals < 0 ? text : text.slice(0, equals);
  const whole = table.get(name);
  const add = (option: string, kind: OptionKind, value: ShellWord | undefined) =>
    void result.options.push({ name: option, kind, value });
  if (whole !== undefined && (text.startsWith("--") || equals < 0)) {
    if (equals >= 0) {
      if (whole === "flag") result.unknown.push(word);
      else add(name, whole, tailOf(word, equals + 1));
    } else add(name, whole, whole === "flag" || whole === "optional" ? undefined : takeNext());
    return;
  }
  if (text.startsWith("--")) {
    result.unknown.push(word);
    const kind = shortenedKind(name, table);
    // Its value may be a path and is judged as one; the option itself stays unknown.
    if (kind === "read" || kind === "write")
      add(name, kind, equals >= 0 ? tailOf(word, equals + 1) : takeNext());
    return;
  }
  if (/^-\d+$/.test(text) && table.has("-#")) return;
  for (let letter = 1; letter < text.length; letter += 1) {
    const option = `-${text[letter]}`;
    const kind = table.get(option);
    if (kind === undefined) {
      result.unknown.push(word);
      return;
    }
    if (kind === "flag") add(option, kind, undefined);
    else {
      const rest = letter + 1 < text.length ? tailOf(word, letter + 1) : undefined;
      add(option, kind, rest ?? (kind === "optional" ? undefined : takeNext()));
      return;
    }
  }
}

/**
 * What a long option takes when only the beginning of its name is written, as GNU programs allow (getopt_long(3): "the
 * names may be abbreviated if the abbreviation is unique"). If several options of the table start like this, it is taken
 * for one that writes, then for one that reads: the table may not have them all.
 */
function shortenedKind(name: string, table: ReadonlyMap<string, OptionKind>): OptionKind | undefined {
  if (name.length < SHORTENED_LENGTH_MIN) return undefined;
  const kinds = [...table].flatMap(([option, kind]) => (option.startsWith(name) ? [kind] : []));
  return kinds.find((kind) => kind === "write") ?? kinds.find((kind) => kind === "read") ?? kinds[0];
}

/** Two dashes and a letter. */
const SHORTENED_LENGTH_MIN = 3;

/** The word without its first characters. */
export function tailOf(word: ShellWord, from: number): ShellWord {
  let left = from;
  const pieces = word.pieces.flatMap((piece) => {
    if (left >= piece.text.length) {
      left -= piece.text.length;
      return [];
    }
    const text = piece.text.slice(left);
    left = 0;
    return [{ ...piece, text }];
  });
  return { pieces, text: word.text.slice(from) };
}
