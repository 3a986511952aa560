import type { Operands } from "./known-commands.ts";

/**
 * The git commands that only read, in the form of `readers`. They may run unasked where the repository's own
 * configuration names no program (`FileLookup.isPlainRepository`).
 */

const logOptions = `-# -n: -p -u -s -z -i -E -F -P -L: -S: -G: -M? -C? -B? -D -R -a -b -w -m -c -r -t -q -g -U: -W --oneline
  --graph --all --branches? --tags? --remotes? --glob: --exclude: --since: --until: --after: --before: --author:
  --committer: --grep: --all-match --invert-grep --regexp-ignore-case --extended-regexp --fixed-strings --perl-regexp
  --no-merges --merges --first-parent --reverse --max-count: --skip: --format: --pretty? --abbrev-commit
  --no-abbrev-commit --abbrev? --decorate? --no-decorate --stat? --shortstat --numstat --name-only --name-status --patch
  --no-patch --raw --summary --dirstat? --patch-with-stat --color? --no-color --word-diff? --color-words? --follow
  --full-history --date: --relative-date --topo-order --date-order --author-date-order --left-right --cherry-pick
  --cherry-mark --cherry --boundary --simplify-merges --simplify-by-decoration --ancestry-path? --no-walk? --walk-reflogs
  --unified: --minimal --patience --histogram --diff-algorithm: --find-renames? --find-copies? --diff-filter:
  --pickaxe-regex --pickaxe-all --no-renames --no-ext-diff --no-textconv --ignore-space-change --ignore-all-space
  --ignore-blank-lines --function-context --no-prefix --relative? --cached --staged --merge-base --exit-code --quiet
  --check --full-index --binary --text --color-moved? --no-color-moved --source --mailmap --use-mailmap --notes?
  --no-notes --parents --children --count --left-only --right-only --root --no-commit-id --compact-summary
  --submodule? --ignore-submodules? --cc --combined-all-paths --no-color-words --inter-hunk-context:`;
const listing =
  "--contains? --merged? --no-merged? --no-contains? --points-at: --sort: --format: --column? --color? --no-color -i --ignore-case";

/** `list`: options that only list. Without one of them an operand would create something. */
export type GitReader = { operands: Operands; options: string; list?: RegExp; operandsMax?: number };

export const gitReaders: Readonly<Record<string, GitReader>> = {
  blame: {
    operands: "read",
    options: `-L: -l -t -s -e -w -M? -C? -b -f -n -p -c --root --since: --porcelain --line-porcelain --incremental
      --show-email --show-name --show-number --date: --abbrev? --reverse --first-parent --ignore-rev:`,
  },
  branch: {
    operands: "text",
    options: `-a -r -v -vv -l --list --all --remotes --verbose --show-current --abbrev? --no-abbrev ${listing}`,
    list: /^(-l|--list|--(no-)?contains|--(no-)?merged|--points-at)$/,
  },
  "cat-file": { operands: "text", options: "-p -t -s -e" },
  "check-ignore": { operands: "read", options: "-v -n -q -z --verbose --non-matching --no-index --quiet" },
  cherry: { operands: "text", options: "-v --abbrev?" },
  config: { operands: "text", options: "--get --get-all --local", list: /^--get(-all)?$/, operandsMax: 1 },
  "count-objects": { operands: "none", options: "-v -H --verbose --human-readable" },
  describe: {
    operands: "text",
    options: `--all --tags --long --always --dirty? --broken? --abbrev? --match: --exclude: --contains --exact-match
      --candidates: --first-parent --debug`,
  },
  diff: { operands: "read", options: logOptions },
  "diff-files": { operands: "read", options: logOptions },
  "diff-index": { operands: "read", options: logOptions },
  "diff-tree": { operands: "read", options: logOptions },
  "for-each-ref": { operands: "text", options: `--count: --exclude: ${listing}` },
  grep: {
    operands: "pattern",
    options: `-# -n -i -l -L -c -w -v -E -G -F -P -h -H -e: -A: -B: -C: -W -p -q -o -z -a -I -m: -r --cached --untracked
      --and --or --not --all-match --count --name-only --files-with-matches --files-without-match --line-number --column
      --ignore-case --word-regexp --invert-match --extended-regexp --fixed-strings --perl-regexp --basic-regexp
      --show-function --function-context --heading --break --max-depth: --recursive --exclude-standard --max-count:
      --text --color? --no-color --full-name --quiet --only-matching --null --threads:`,
  },
  log: { operands: "read", options: logOptions },
  "ls-files": {
    operands: "read",
    options: `-c -d -m -o -i -s -u -k -z -t -v -f -x: -X:read --cached --deleted --modified --others --ignored --stage
      --unmerged --killed --exclude: --exclude-from:read --exclude-standard --error-unmatch --full-name --abbrev? --eol
      --directory --no-empty-directory --deduplicate --format: --with-tree:`,
  },
  "ls-tree": {
    operands: "text",
    options:
      "-d -r -t -l -z --name-only --name-status --full-name --full-tree --abbrev? --long --object-only --format:",
  },
  "merge-base": { operands: "text", options: "-a --all --octopus --is-ancestor --fork-point --independent" },
  "name-rev": { operands: "text", options: "--tags --name-only --always --all --refs: --exclude:" },
  reflog: { operands: "text", options: logOptions, list: /^$/, operandsMax: 0 },
  remote: { operands: "text", options: "-v --verbose", list: /^$/, operandsMax: 0 },
  "rev-list": { operands: "read", options: logOptions },
  "rev-parse": {
    operands: "text",
    options: `--abbrev-ref? --short? --show-toplevel --show-prefix --show-cdup --git-dir --git-common-dir
      --absolute-git-dir --is-inside-work-tree --is-inside-git-dir --is-bare-repository --verify -q --quiet --all
      --branches? --tags? --remotes? --symbolic --symbolic-full-name --revs-only --no-revs --default:
      --show-superproject-working-tree --is-shallow-repository`,
  },
  shortlog: { operands: "text", options: `-s -n -e -c --summary --numbered --email --group: ${logOptions}` },
  show: { operands: "read", options: logOptions },
  "show-ref": {
    operands: "text",
    options: "--heads --tags --branches -d --dereference -s --hash? --verify -q --quiet --abbrev?",
  },
  "stash list": { operands: "none", options: logOptions },
  "stash show": { operands: "text", options: logOptions },
  status: {
    operands: "read",
    options: `-s -b -v -u? -z -M? --short --branch --porcelain? --long --verbose --untracked-files? --ignored?
      --ignore-submodules? --column? --no-column --ahead-behind --no-ahead-behind --renames --no-renames
      --find-renames? --show-stash`,
  },
  "symbolic-ref": { operands: "text", options: "--short -q --quiet", operandsMax: 1 },
  tag: {
    operands: "text",
    options: `-l --list -n? ${listing}`,
    list: /^(-l|--list|--(no-)?contains|--(no-)?merged|--points-at)$/,
  },
  version: { operands: "none", options: "" },
  "worktree list": { operands: "none", options: "-v -z --porcelain --verbose" },
};

/** Options before the subcommand that take a word of their own. */
const globalValues = new Set(
  `-C -c --git-dir --work-tree --namespace --super-prefix --config-env --exec-path --attr-source --list-cmds`.split(
    " ",
  ),
);

/** The position of the subcommand among the words after `git`, and the options before it. */
export function gitSubcommand(args: readonly string[]): { at: number; before: readonly string[] } {
  let at = 0;
  while (at < args.length && args[at]?.startsWith("-")) at += globalValues.has(args[at] ?? "") ? 2 : 1;
  return { at, before: args.slice(0, at) };
}

/** Global options that change nothing about what is run or where. */
export const plainGitOptions: ReadonlySet<string> = new Set(
  "--no-pager -P --no-optional-locks --literal-pathspecs --no-replace-objects --no-advice".split(" "),
);

/** Configuration keys whose value git runs, wherever the key is set. */
export const runningGitKey =
  /^(alias\.|core\.(fsmonitor|sshcommand|pager|editor|askpass|hookspath|gitproxy|worktree|attributesfile)|filter\.|diff\..*(external|command|textconv)|merge\..*driver|credential\.|include(if)?\.|gpg\.|pager\.|sequence\.editor|browser\.|difftool\.|mergetool\.|remote\..*(uploadpack|receivepack|vcs|proxy)|url\.|protocol\.|http\.|submodule\..*update|uploadpack\.|ssh\.|sendemail\.|web\.|man\.|help\.|instaweb\.|interactive\.diff|init\.templatedir|trailer\.|hook\.|safe\.)/i;
