import { isKnown, type ShellWord, textWord } from "../shell/words.ts";
import {
  type Effects,
  entryOf,
  fromTable,
  harmless,
  namedPaths,
  type PathUse,
  tableOf,
} from "./effect-tables.ts";
import { gitReaders, gitSubcommand, plainGitOptions } from "./git-commands.ts";
import { parseOptionTable, readOptions } from "./options.ts";
import { isSafeAwk, isSafeSed } from "./script-arguments.ts";

/** Programs whose arguments a table of options cannot describe. */

export type Special = (args: readonly ShellWord[], name: string) => Effects;
export const specials: ReadonlyMap<string, Special> = new Map([
  ["git", gitEffects],
  ["sed", sedEffects],
  ["gsed", sedEffects],
  ["awk", awkEffects],
  ["gawk", awkEffects],
  ["mawk", awkEffects],
  ["find", findEffects],
  ["gfind", findEffects],
  ["test", testEffects],
  ["[", testEffects],
  ["uniq", uniqEffects],
  ["xxd", uniqEffects],
  ["dd", ddEffects],
  ["tar", tarEffects],
  ["curl", downloadEffects],
  ["wget", downloadEffects],
  // It prints its words, whatever they are.
  ["echo", () => harmless],
  ["command", lookupEffects],
  ["read", (args) => ({ ...harmless, free: args.every(isKnown) })],
  ["unset", (args) => ({ ...harmless, free: args.every((word) => /^-?\w+$/.test(word.text)) })],
  ["export", () => harmless],
  ["declare", () => harmless],
  ["local", () => harmless],
  ["readonly", () => harmless],
  ["typeset", () => harmless],
  ["node", versionEffects],
  ["npm", versionEffects],
  ["python", versionEffects],
  ["python3", versionEffects],
  ["gcc", versionEffects],
]);

function gitEffects(args: readonly ShellWord[]): Effects {
  const texts = args.map((word) => word.text);
  const { at, before } = gitSubcommand(texts);
  const paths: PathUse[] = [];
  let special: string | undefined;
  for (let index = 0; index < before.length; index += 1) {
    const word = args[index];
    if (before[index] === "-C" && args[index + 1] !== undefined) {
      paths.push({ word: args[index + 1] ?? textWord(""), access: "read" });
      index += 1;
    } else if (
      word !== undefined &&
      !plainGitOptions.has(word.text) &&
      !/^(--version|--help|-h|-v)$/.test(word.text)
    ) {
      special ??= `git ${word.text}`;
    }
  }
  const rest = args.slice(at + 1);
  const two = `${texts[at]} ${texts[at + 1]}`;
  const name = entryOf(gitReaders, two) === undefined ? (texts[at] ?? "") : two;
  const reader = entryOf(gitReaders, name);
  if (at >= args.length) {
    return {
      free: special === undefined && /^(--version|--help|-v|-h)$/.test(before.at(-1) ?? ""),
      paths,
      understood: true,
      special,
    };
  }
  if (reader === undefined)
    return { free: false, paths: [...paths, ...namedPaths(rest)], understood: true, special };
  const read = readOptions(name === two ? rest.slice(1) : rest, tableOf(reader));
  const effects = fromTable(reader.operands, read);
  const lists =
    reader.list === undefined ? undefined : read.options.some((option) => reader.list?.test(option.name));
  const count = read.operands.length;
  const fits = count <= (reader.operandsMax ?? Number.POSITIVE_INFINITY) && (lists !== false || count === 0);
  // `git config name` without --get reads too, but with another word it writes.
  const asks = name !== "config" || lists === true;
  return {
    free: effects.free && fits && asks && special === undefined,
    paths: [...paths, ...effects.paths],
    understood: true,
    special,
    git: true,
  };
}

const sedOptions = parseOptionTable(
  "-n -E -r -s -u -z -l: -e: -f:read -i? --quiet --silent --regexp-extended --expression: --file:read --in-place? --separate --posix --debug --null-data",
);
function sedEffects(args: readonly ShellWord[]): Effects {
  const read = readOptions(args, sedOptions);
  const given = read.options.filter(({ name }) => name === "-e" || name === "--expression");
  const scripts = given.length > 0 ? given.map(({ value }) => value) : read.operands.slice(0, 1);
  const inPlace = read.options.some(({ name }) => name === "-i" || name === "--in-place");
  const fromFile = read.options.some(({ name }) => name === "-f" || name === "--file");
  const files = given.length > 0 || fromFile ? read.operands : read.operands.slice(1);
  const safe =
    !fromFile &&
    scripts.length > 0 &&
    scripts.every((script) => script !== undefined && isKnown(script) && isSafeSed(script.text));
  return {
    free: safe && !inPlace && read.unknown.length === 0,
    paths: [
      ...files.map((word) => ({ word, access: inPlace ? ("write" as const) : ("read" as const) })),
      ...read.options.flatMap(({ kind, value }) =>
        kind === "read" && value !== undefined ? [{ word: value, access: kind }] : [],
      ),
    ],
    understood: true,
    special: safe ? undefined : "a sed script that may write or run something",
  };
}

const awkOptions = parseOptionTable(
  "-F: -v: --field-separator: --assign: -f:read --file:read --csv --re-interval --posix --traditional",
);
function awkEffects(args: readonly ShellWord[]): Effects {
  const read = readOptions(args, awkOptions);
  const [program, ...files] = read.operands;
  const fromFile = read.options.some(({ kind }) => kind === "read");
  const safe = !fromFile && program !== undefined && isKnown(program) && isSafeAwk(program.text);
  return {
    free: safe && read.unknown.length === 0,
    paths: (fromFile ? read.operands : files)
      .filter((word) => !/^[A-Za-z_]\w*=/.test(word.text))
      .map((word) => ({ word, access: "read" as const })),
    understood: true,
    special: safe ? undefined : "an awk program that may write or run something",
  };
}

const findTests = parseOptionTable(
  `-name: -iname: -path: -ipath: -wholename: -regex: -iregex: -regextype: -type: -xtype: -size: -empty -mtime: -mmin: -atime:
   -amin: -ctime: -cmin: -newer:read -anewer:read -cnewer:read -perm: -user: -group: -uid: -gid: -nouser -nogroup -links: -inum:
   -maxdepth: -mindepth: -depth -d -xdev -mount -prune -print -print0 -printf: -ls -quit -not -and -or -a -o -true -false
   -readable -writable -executable -lname: -ilname: -samefile:read -daystart -noleaf -warn -nowarn -H -P -E -X -s -x`,
);
function findEffects(args: readonly ShellWord[]): Effects {
  const paths: PathUse[] = [];
  let free = true;
  let started = false;
  for (let at = 0; at < args.length; at += 1) {
    const word = args[at] ?? textWord("");
    if (/^[()!,]$/.test(word.text)) {
      started = true;
      continue;
    }
    if (!word.text.startsWith("-")) {
      if (started) free = false;
      else paths.push({ word, access: "read" });
      if (!isKnown(word)) free = false;
      continue;
    }
    const kind = findTests.get(word.text);
    if (!/^-[HPEXsxd]$/.test(word.text)) started = true;
    if (kind === undefined) {
      free = false;
      if (/^-f(print0?|printf|ls)$/.test(word.text) && args[at + 1] !== undefined) {
        paths.push({ word: args[at + 1] ?? textWord(""), access: "write" });
      }
      // The words of an action, up to its `;`, are not options of find.
      if (/^-(exec|ok)/.test(word.text)) {
        const end = args.findIndex((other, index) => index > at && /^[;+]$/.test(other.text));
        at = end < 0 ? args.length : end;
      } else if (/^-f/.test(word.text)) at += 1;
    } else if (kind !== "flag") {
      at += 1;
      const value = args[at];
      if (kind === "read" && value !== undefined) paths.push({ word: value, access: "read" });
      if (value === undefined || !isKnown(value)) free = false;
    }
  }
  const deletes = args.some((word) => word.text === "-delete");
  return {
    free,
    paths: deletes ? paths.map((use) => ({ ...use, access: "write" as const })) : paths,
    understood: true,
  };
}

/** One operator with its operands. Longer forms ask. */
function testEffects(args: readonly ShellWord[], name: string): Effects {
  const texts = args.map((word) => word.text);
  const words = name === "[" && texts.at(-1) === "]" ? args.slice(0, -1) : [...args];
  while (words[0]?.text === "!") words.shift();
  const [first, second, third] = words;
  const unary = /^-[a-hknoprstuwxzGLNOS]$/.test(first?.text ?? "");
  const binary = /^(=|==|!=|<|>|-(eq|ne|lt|le|gt|ge|nt|ot|ef))$/.test(second?.text ?? "");
  const isPath = (operator: string | undefined) => /^-[a-hkprsuwxGLNOS]$|^-(nt|ot|ef)$/.test(operator ?? "");
  const read = (word: ShellWord | undefined) =>
    word === undefined ? [] : [{ word, access: "read" as const }];
  const oneWordEach = words.every((word) =>
    word.pieces.every((piece) => piece.kind !== "unknown" || !piece.splits),
  );
  const free =
    oneWordEach && (words.length <= 1 || (words.length === 2 && unary) || (words.length === 3 && binary));
  const paths =
    words.length === 2 && isPath(first?.text)
      ? read(second)
      : words.length === 3 && isPath(second?.text)
        ? [...read(first), ...read(third)]
        : [];
  return { free, paths, understood: true };
}

/** They write their second file. */
function uniqEffects(args: readonly ShellWord[], name: string): Effects {
  const table = name === "xxd" ? xxdOptions : uniqOptions;
  const read = readOptions(args, table);
  return {
    free: read.unknown.length === 0 && read.operands.length <= 1,
    paths: read.operands.map((word, index) => ({
      word,
      access: index === 0 ? ("read" as const) : ("write" as const),
    })),
    understood: true,
  };
}
const uniqOptions = parseOptionTable(
  "-c -d -D -f: -i -s: -u -w: -z --count --repeated --ignore-case --unique --skip-fields: --skip-chars: --check-chars: --all-repeated? --group?",
);
const xxdOptions = parseOptionTable("-a -b -c: -C -e -E -g: -i -l: -o: -p -ps -s: -u");

function ddEffects(args: readonly ShellWord[]): Effects {
  const paths = args.flatMap((word): PathUse[] => {
    const match = /^(if|of)=/.exec(word.text);
    if (match === null) return isKnown(word) ? [] : [{ word, access: "write" }];
    const value = { pieces: [{ kind: "text", text: word.text.slice(3) } as const], text: word.text.slice(3) };
    return [{ word: isKnown(word) ? value : word, access: match[1] === "if" ? "read" : "write" }];
  });
  return { free: false, paths, understood: true };
}

function tarEffects(args: readonly ShellWord[]): Effects {
  return { free: false, paths: namedPaths(args), understood: true };
}

const downloadValues = parseOptionTable(
  "-o:write -O:write -T:read --output:write --output-document:write --upload-file:read -b:read -c:write -D:write --cookie-jar:write --dump-header:write -P:write --directory-prefix:write --output-dir:write",
);
function downloadEffects(args: readonly ShellWord[], name: string): Effects {
  const paths: PathUse[] = [];
  for (const [at, word] of args.entries()) {
    const equals = word.text.indexOf("=");
    const option = word.text.startsWith("--") && equals > 0 ? word.text.slice(0, equals) : word.text;
    const kind = name === "curl" && option === "-O" ? undefined : downloadValues.get(option);
    const value = option === word.text ? args[at + 1] : textWord(word.text.slice(equals + 1));
    if ((kind === "read" || kind === "write") && value !== undefined && value.text !== "-")
      paths.push({ word: value, access: kind });
  }
  const taken = new Set(paths.map(({ word }) => word));
  return {
    free: false,
    paths: [...paths, ...namedPaths(args.filter((word) => !taken.has(word)))],
    understood: true,
  };
}

/** `command -v name` looks a program up; anything else was unwrapped. */
function lookupEffects(args: readonly ShellWord[]): Effects {
  return { ...harmless, free: /^-p?[vV]$/.test(args[0]?.text ?? "") };
}

function versionEffects(args: readonly ShellWord[]): Effects {
  if (args.length === 1 && /^(--version|-v|-V)$/.test(args[0]?.text ?? "") && args[0]?.text !== "-V")
    return harmless;
  return { free: false, paths: namedPaths(args), understood: false };
}
