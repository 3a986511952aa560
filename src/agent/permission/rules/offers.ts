import type { Input } from "../shell/redirects.ts";
import type { ShellWord } from "../shell/words.ts";
import { commandRule } from "./command-rules.ts";
import type { Finding } from "./policy.ts";

/**
 * Programs with the subcommands for which a rule with a star is offered. For other subcommands, and for options that
 * need a rule of their own, only the exact command is offered.
 */
const subcommands: Readonly<Record<string, string>> = {
  biome: "check format lint ci",
  bun: "install i add run test",
  bundle: "install exec",
  cargo: "bench build check clippy doc fmt nextest run test tree",
  composer: "install require update",
  deno: "check fmt lint task test",
  docker: "images inspect logs ps",
  dotnet: "build format restore test",
  git: "add blame commit diff fetch log ls-files show stash status",
  go: "build doc fmt list mod test vet",
  gradle: "build check test",
  just: "",
  kubectl: "describe get logs",
  make: "",
  mvn: "compile package test verify",
  npm: "audit ci i in install ls outdated run run-script t test view",
  npx: "",
  pip: "freeze install list show",
  pnpm: "add i install ls outdated run test",
  poetry: "add install lock",
  terraform: "fmt plan validate",
  uv: "add lock sync",
  yarn: "add install run test why",
};

/**
 * Programs that only read, or run the project's own tests, with any arguments. Reading outside the workspace still
 * asks. Programs that write the files they are given (touch, mkdir, a formatter) are not here: another file is
 * another decision.
 */
const anyArguments = new Set(
  `cat column comm cut df diff du echo egrep fgrep file fold grep head jq ls nl od paste printf ps realpath rg seq sha256sum sort
   stat strings tac tail tr tree wc which
   ava flake8 jest knip mocha mypy phpunit pylint pyright pytest rspec shellcheck vitest`.split(/\s+/),
);

/** Programs that run their input. */
const interpreters =
  /^(python|node|perl|ruby|php|lua|deno|bun|psql|mysql|sqlite3|Rscript|R|osascript|tclsh|irb|gdb|ed|ex|vim?|nvim|ghci|julia|sh|bash|zsh|dash|ksh|fish)[\d.]*$/;

/** The rule that would allow the command the next time; undefined where it can only be allowed once. */
export function offerFor(
  words: readonly ShellWord[],
  findings: readonly Finding[],
  input: Input,
): string | undefined {
  if (words.some((word) => word.pieces.some((piece) => piece.kind === "unknown"))) return undefined;
  if (input.from !== "terminal" && interpreters.test(words[0]?.text.split("/").at(-1) ?? ""))
    return undefined;
  const texts = words.map((word) => word.text);
  const isSpecial = findings.some(({ severity }) => severity !== "plain");
  const head = isSpecial ? undefined : headOf(texts);
  return head === undefined ? commandRule(texts, false) : commandRule(head, true);
}

function headOf(texts: readonly string[]): string[] | undefined {
  const [program = "", subcommand, third] = texts;
  if (anyArguments.has(program)) return [program];
  const known = Object.hasOwn(subcommands, program) ? subcommands[program] : undefined;
  if (
    known === undefined ||
    subcommand === undefined ||
    !/^[\w:.-]+$/.test(subcommand) ||
    subcommand.startsWith("-")
  ) {
    return undefined;
  }
  if (program === "npx" || program === "make" || program === "just") {
    return anyArguments.has(subcommand) || program !== "npx" ? [program, subcommand] : undefined;
  }
  if (!known.split(" ").includes(subcommand)) return undefined;
  // `npm run NAME`: the rule names the script.
  if (/^(run|run-script|task)$/.test(subcommand) && program !== "cargo") {
    return third === undefined || !/^[\w:.-]+$/.test(third) || third.startsWith("-")
      ? undefined
      : [program, subcommand, third];
  }
  if (program === "bundle" && subcommand === "exec")
    return third !== undefined && anyArguments.has(third) ? [program, subcommand, third] : undefined;
  return [program, subcommand];
}
