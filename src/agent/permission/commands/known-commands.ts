/**
 * `readers` may run unasked inside the workspace when all their options are in this table: any other option asks.
 * Options that write, run another program or read further arguments from a file are left out on purpose.
 */

/** `text`: no path. `read`, `write`: paths. `pattern`: the first is text unless `-e` or `-f` gave it, the rest is read. */
export type Operands = "none" | "text" | "read" | "write" | "pattern" | "sources" | "move";
/** `options` is written as `parseOptionTable` reads it. */
export type CommandTable = { operands: Operands; options: string };

const takes = (operands: Operands, options = ""): CommandTable => ({ operands, options });

const grepOptions = `-a -A: -b -B: -c -C: -e: -E -f:read -F -G -h -H -i -I -L -l -m: -n -o -P -q -r -s -U -v -w -x -y -Z -z
  -# --after-context: --basic-regexp --before-context: --binary --binary-files: --byte-offset --color? --colour? --context:
  --count --devices: --directories: --exclude: --exclude-dir: --exclude-from:read --extended-regexp --file:read
  --files-with-matches --files-without-match --fixed-strings --ignore-case --include: --initial-tab --invert-match
  --label: --line-buffered --line-number --line-regexp --max-count: --no-filename --no-ignore-case --no-messages --null
  --null-data --only-matching --perl-regexp --quiet --recursive --regexp: --silent --text --with-filename --word-regexp`;
const sumOptions =
  "-b -t -z --binary --text --tag --zero -w --quiet --status --strict --warn -a: --algorithm:";

export const readers: Readonly<Record<string, CommandTable>> = {
  ":": takes("text"),
  arch: takes("none"),
  b2sum: takes("read", sumOptions),
  base64: takes("read", "-d -D -i -w: --decode --ignore-garbage --wrap:"),
  basename: takes("text", "-a -s: -z --multiple --suffix: --zero"),
  break: takes("text"),
  cat: takes(
    "read",
    "-A -b -e -E -n -s -t -T -u -v --number --number-nonblank --show-all --show-ends --show-nonprinting --show-tabs --squeeze-blank",
  ),
  cd: takes("read", "-L -P"),
  cksum: takes("read", sumOptions),
  cmp: takes("read", "-b -i: -l -n: -s --bytes: --ignore-initial: --print-bytes --quiet --silent --verbose"),
  column: takes("read", "-c: -e -n -o: -s: -t -x --table --separator: --output-separator: --json"),
  comm: takes("read", "-1 -2 -3 -i -z --check-order --nocheck-order --total --zero-terminated"),
  continue: takes("text"),
  cut: takes(
    "read",
    "-b: -c: -d: -f: -n -s -z --bytes: --characters: --complement --delimiter: --fields: --only-delimited --output-delimiter:",
  ),
  date: takes(
    "text",
    "-d: -I? -R -u -r:read --date: --iso-8601? --rfc-3339: --rfc-email --utc --universal --reference:read",
  ),
  df: takes(
    "read",
    "-a -B: -h -H -i -k -l -m -P -t: -T -x: --all --human-readable --inodes --local --output? --portability --print-type --total --type:",
  ),
  diff: takes(
    "read",
    `-a -b -B -c -C: -d -e -E -i -I: -n -N -p -q -r -s -t -T -u -U: -w -W: -x: -y -Z -# --brief --color? --context? --exclude:
     --expand-tabs --ignore-all-space --ignore-blank-lines --ignore-case --ignore-matching-lines: --ignore-space-change
     --ignore-trailing-space --label: --left-column --minimal --new-file --normal --no-dereference --recursive
     --report-identical-files --show-c-function --side-by-side --strip-trailing-cr --suppress-common-lines --text
     --unified? --width: -L:`,
  ),
  dirname: takes("text", "-z --zero"),
  du: takes(
    "read",
    "-0 -a -b -B: -c -d: -h -k -l -m -s -S -t: -x --all --apparent-size --block-size: --bytes --exclude: --human-readable --max-depth: --one-file-system --si --summarize --threshold: --total",
  ),
  echo: takes("text", "-n -e -E"),
  egrep: takes("pattern", grepOptions),
  exit: takes("text"),
  expand: takes("read", "-i -t: --initial --tabs:"),
  expr: takes("text"),
  false: takes("text"),
  fgrep: takes("pattern", grepOptions),
  file: takes(
    "read",
    "-b -h -i -I -k -L -N -n -p -r -s -v -0 --brief --mime --mime-type --mime-encoding --keep-going --no-pad --raw --extension",
  ),
  fmt: takes("read", "-c -p: -s -t -u -w: -# --width: --split-only --uniform-spacing"),
  fold: takes("read", "-b -s -w: --bytes --spaces --width:"),
  free: takes("none", "-b -k -m -g -h -s: -c: -t -w --bytes --kilo --mega --giga --human --total --wide"),
  grep: takes("pattern", grepOptions),
  groups: takes("text"),
  head: takes("read", "-c: -n: -q -v -z -# --bytes: --lines: --quiet --silent --verbose --zero-terminated"),
  hexdump: takes("read", "-b -c -C -d -e: -n: -o -s: -v -x"),
  hostname: takes("none", "-a -d -f -i -I -s --fqdn --ip-address --short"),
  id: takes("text", "-a -g -G -n -r -u -z --group --groups --name --real --user --zero"),
  join: takes("read", "-1: -2: -a: -e: -i -j: -o: -t: -v: -z --header --ignore-case"),
  jobs: takes("text", "-l -n -p -r -s"),
  jq: takes(
    "pattern",
    `-a -C -c -e -j -M -n -r -R -s -S --arg: --ascii-output --color-output --compact-output --exit-status --indent:
     --join-output --monochrome-output --null-input --raw-input --raw-output --raw-output0 --seq --slurp --sort-keys
     --stream --tab --unbuffered`,
  ),
  locale: takes("text", "-a -c -k -m"),
  ls: takes(
    "read",
    `-1 -a -A -b -B -c -C -d -D -f -F -g -G -h -H -i -I: -k -l -L -m -n -N -o -p -q -Q -r -R -s -S -t -T: -u -U -v -w: -x
     -X -Z -@ -O --all --almost-all --author --block-size: --classify? --color? --dereference --directory --file-type
     --format: --full-time --group-directories-first --hide: --human-readable --hyperlink? --ignore: --ignore-backups
     --indicator-style: --inode --no-group --numeric-uid-gid --quote-name --quoting-style: --recursive --reverse --si
     --size --sort: --time: --time-style: --width: --zero`,
  ),
  md5: takes("read", "-q -r -s:"),
  md5sum: takes("read", sumOptions),
  nl: takes(
    "read",
    "-b: -d: -f: -h: -i: -l: -n: -p -s: -v: -w: --body-numbering: --number-format: --number-separator: --number-width:",
  ),
  nproc: takes("none", "--all --ignore:"),
  od: takes(
    "read",
    "-A: -a -b -c -d -f -h -i -j: -l -N: -o -s -S: -t: -v -w? -x --address-radix: --format: --read-bytes: --skip-bytes: --width?",
  ),
  paste: takes("read", "-d: -s -z --delimiters: --serial --zero-terminated"),
  printf: takes("text"),
  ps: takes(
    "text",
    "-a -A -e -f -F -H -j -l -L -o: -p: -u: -U: -w -x --forest --format: --no-headers --pid: --ppid: --sort: --user:",
  ),
  pwd: takes("none", "-L -P"),
  readlink: takes(
    "read",
    "-e -f -m -n -q -s -v -z --canonicalize --canonicalize-existing --canonicalize-missing --no-newline",
  ),
  realpath: takes(
    "read",
    "-e -L -m -P -q -s -z --canonicalize-existing --canonicalize-missing --relative-to:read --relative-base:read --no-symlinks --strip",
  ),
  return: takes("text"),
  rev: takes("read"),
  rg: takes(
    "pattern",
    `-. -0 -a -A: -b -B: -c -C: -e: -E: -f:read -F -g: -H -h -i -I -j: -l -L? -m: -M: -n -N -o -p -P -q -r: -s -S -t: -T: -u -U -v -w
     -x --after-context: --auto-hybrid-regex --before-context: --binary --case-sensitive --color: --colors: --column
     --context: --count --count-matches --crlf --debug --engine: --files --files-with-matches --files-without-match
     --fixed-strings --glob: --heading --hidden --iglob: --ignore-case --invert-match --json --line-buffered --line-number
     --line-regexp --max-columns: --max-count: --max-depth: --max-filesize: --multiline --multiline-dotall --no-config
     --no-filename --no-heading --no-ignore --no-ignore-vcs --no-line-number --no-messages --null --null-data
     --one-file-system --only-matching --passthru --pcre2 --pretty --quiet --regexp: --replace: --smart-case --sort: --sortr:
     --stats --text --threads: --trim --type: --type-list --type-not: --unrestricted --vimgrep --with-filename --word-regexp`,
  ),
  seq: takes("text", "-f: -s: -w --format: --separator: --equal-width"),
  set: takes("text", "-e -u -x -o: -E -f -C"),
  sha1sum: takes("read", sumOptions),
  sha224sum: takes("read", sumOptions),
  sha256sum: takes("read", sumOptions),
  sha384sum: takes("read", sumOptions),
  sha512sum: takes("read", sumOptions),
  shasum: takes("read", sumOptions),
  shift: takes("text"),
  sleep: takes("text"),
  sort: takes(
    "read",
    `-b -c -C -d -f -g -h -i -k: -m -M -n -r -R -s -t: -u -V -z --check? --dictionary-order --field-separator:
     --general-numeric-sort --human-numeric-sort --ignore-case --ignore-leading-blanks --key: --merge --month-sort
     --numeric-sort --random-sort --reverse --sort: --stable --unique --version-sort --zero-terminated`,
  ),
  stat: takes("read", "-c: -f -L -t -x -s -F -n -q --dereference --file-system --format: --printf: --terse"),
  strings: takes("read", "-a -d -e: -f -n: -o -s: -t: -w -# --all --bytes: --data --encoding: --radix:"),
  tac: takes("read", "-b -r -s: --before --regex --separator:"),
  tail: takes(
    "read",
    "-c: -f -F -n: -q -r -s: -v -z -# --bytes: --follow? --lines: --max-unchanged-stats: --pid: --quiet --retry --silent --sleep-interval: --verbose",
  ),
  tr: takes("text", "-c -C -d -s -t --complement --delete --squeeze-repeats --truncate-set1"),
  tree: takes(
    "read",
    "-a -A -C -d -D -f -F -g -h -i -I: -J -L: -n -N -p -P: -q -Q -r -s -S -t -u -U -v -x -X --charset: --dirsfirst --du --filelimit: --gitignore --ignore-case --inodes --matchdirs --noreport --prune --si --sort: --timefmt:",
  ),
  true: takes("text"),
  tty: takes("none", "-s"),
  type: takes("text", "-a -f -p -P -t"),
  umask: takes("none", "-S -p"),
  uname: takes(
    "none",
    "-a -i -m -n -o -p -r -s -v --all --kernel-name --kernel-release --machine --operating-system",
  ),
  unexpand: takes("read", "-a -t: --all --first-only --tabs:"),
  uptime: takes("none", "-p -s --pretty --since"),
  wait: takes("text", "-n -f"),
  wc: takes("read", "-c -l -L -m -w --bytes --chars --lines --max-line-length --words --total:"),
  which: takes("text", "-a -s"),
  whoami: takes("none"),
};

/** Programs that change files, so that a question and a rule can name them. They never run unasked. */
export const writers: Readonly<Record<string, CommandTable>> = {
  chgrp: takes("write", "-R -v -f -h --recursive --reference:read"),
  chmod: takes("write", "-R -v -f -c --recursive --reference:read"),
  chown: takes("write", "-R -v -f -h --recursive --reference:read --from:"),
  cp: takes(
    "sources",
    "-a -b -d -f -i -l -L -n -p -P -r -R -s -S: -t:write -T -u -v -x --archive --force --recursive --target-directory:write --no-target-directory --parents --preserve? --update?",
  ),
  install: takes(
    "sources",
    "-b -c -C -d -D -g: -m: -o: -p -s -S: -t:write -T -v --directory --mode: --target-directory:write",
  ),
  ln: takes(
    "sources",
    "-b -d -f -i -L -n -P -r -s -S: -t:write -T -v --symbolic --force --relative --target-directory:write",
  ),
  mkdir: takes("write", "-m: -p -v --mode: --parents --verbose"),
  mkfifo: takes("write", "-m: --mode:"),
  mktemp: takes("write", "-d -q -t -u -p:write --directory --tmpdir? --suffix:"),
  mv: takes(
    "move",
    "-b -f -i -n -S: -t:write -T -u -v --force --no-clobber --target-directory:write --update?",
  ),
  rm: takes(
    "write",
    "-d -f -i -I -r -R -v --dir --force --interactive? --no-preserve-root --one-file-system --preserve-root? --recursive --verbose",
  ),
  rmdir: takes("write", "-p -v --ignore-fail-on-non-empty --parents --verbose"),
  shred: takes("write", "-f -n: -s: -u -v -x -z --force --iterations: --remove? --size: --zero"),
  split: takes("read", "-a: -b: -C: -d -l: -n:"),
  tee: takes("write", "-a -i -p --append --ignore-interrupts --output-error?"),
  touch: takes("write", "-a -c -d: -f -h -m -r:read -t: --date: --no-create --reference:read --time:"),
  truncate: takes("write", "-c -o -r:read -s: --no-create --size: --reference:read"),
  unlink: takes("write"),
};
