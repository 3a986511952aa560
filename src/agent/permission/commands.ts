// Long because it is a table: each line is what is known of one program.
/**
 * `readers` may run unasked inside the workspace when every option they are given stands here: an option that is
 * missing asks, so that a table is only ever too short. Options that write, that run another program or that read
 * a list of further arguments are left out on purpose.
 */

/** `text`: no path. `read`, `write`: paths. `pattern`: the first is text unless `-e` or `-f` gave it, the rest is read. */
export type Operands = "none" | "text" | "read" | "write" | "pattern" | "sources" | "move";
export type CommandTable = { operands: Operands; options: string };

const reader = (operands: Operands, options = ""): CommandTable => ({ operands, options });

const grepOptions = `-a -A: -b -B: -c -C: -e: -E -f:read -F -G -h -H -i -I -L -l -m: -n -o -P -q -r -s -U -v -w -x -y -Z -z
  -# --after-context: --basic-regexp --before-context: --binary --binary-files: --byte-offset --color? --colour? --context:
  --count --devices: --directories: --exclude: --exclude-dir: --exclude-from:read --extended-regexp --file:read
  --files-with-matches --files-without-match --fixed-strings --ignore-case --include: --initial-tab --invert-match
  --label: --line-buffered --line-number --line-regexp --max-count: --no-filename --no-ignore-case --no-messages --null
  --null-data --only-matching --perl-regexp --quiet --recursive --regexp: --silent --text --with-filename --word-regexp`;
const sumOptions =
  "-b -t -z --binary --text --tag --zero -w --quiet --status --strict --warn -a: --algorithm:";

export const readers: Readonly<Record<string, CommandTable>> = {
  ":": reader("text"),
  arch: reader("none"),
  b2sum: reader("read", sumOptions),
  base64: reader("read", "-d -D -i -w: --decode --ignore-garbage --wrap:"),
  basename: reader("text", "-a -s: -z --multiple --suffix: --zero"),
  break: reader("text"),
  cat: reader(
    "read",
    "-A -b -e -E -n -s -t -T -u -v --number --number-nonblank --show-all --show-ends --show-nonprinting --show-tabs --squeeze-blank",
  ),
  cd: reader("read", "-L -P"),
  cksum: reader("read", sumOptions),
  cmp: reader("read", "-b -i: -l -n: -s --bytes: --ignore-initial: --print-bytes --quiet --silent --verbose"),
  column: reader("read", "-c: -e -n -o: -s: -t -x --table --separator: --output-separator: --json"),
  comm: reader("read", "-1 -2 -3 -i -z --check-order --nocheck-order --total --zero-terminated"),
  continue: reader("text"),
  cut: reader(
    "read",
    "-b: -c: -d: -f: -n -s -z --bytes: --characters: --complement --delimiter: --fields: --only-delimited --output-delimiter:",
  ),
  date: reader(
    "text",
    "-d: -I? -R -u -r:read --date: --iso-8601? --rfc-3339: --rfc-email --utc --universal --reference:read",
  ),
  df: reader(
    "read",
    "-a -B: -h -H -i -k -l -m -P -t: -T -x: --all --human-readable --inodes --local --output? --portability --print-type --total --type:",
  ),
  diff: reader(
    "read",
    `-a -b -B -c -C: -d -e -E -i -I: -n -N -p -q -r -s -t -T -u -U: -w -W: -x: -y -Z -# --brief --color? --context? --exclude:
     --expand-tabs --ignore-all-space --ignore-blank-lines --ignore-case --ignore-matching-lines: --ignore-space-change
     --ignore-trailing-space --label: --left-column --minimal --new-file --normal --no-dereference --recursive
     --report-identical-files --show-c-function --side-by-side --strip-trailing-cr --suppress-common-lines --text
     --unified? --width: -L:`,
  ),
  dirname: reader("text", "-z --zero"),
  du: reader(
    "read",
    "-0 -a -b -B: -c -d: -h -k -l -m -s -S -t: -x --all --apparent-size --block-size: --bytes --exclude: --human-readable --max-depth: --one-file-system --si --summarize --threshold: --total",
  ),
  echo: reader("text", "-n -e -E"),
  egrep: reader("pattern", grepOptions),
  exit: reader("text"),
  expand: reader("read", "-i -t: --initial --tabs:"),
  expr: reader("text"),
  false: reader("text"),
  fgrep: reader("pattern", grepOptions),
  file: reader(
    "read",
    "-b -h -i -I -k -L -N -n -p -r -s -v -0 --brief --mime --mime-type --mime-encoding --keep-going --no-pad --raw --extension",
  ),
  fmt: reader("read", "-c -p: -s -t -u -w: -# --width: --split-only --uniform-spacing"),
  fold: reader("read", "-b -s -w: --bytes --spaces --width:"),
  free: reader("none", "-b -k -m -g -h -s: -c: -t -w --bytes --kilo --mega --giga --human --total --wide"),
  grep: reader("pattern", grepOptions),
  groups: reader("text"),
  head: reader("read", "-c: -n: -q -v -z -# --bytes: --lines: --quiet --silent --verbose --zero-terminated"),
  hexdump: reader("read", "-b -c -C -d -e: -n: -o -s: -v -x"),
  hostname: reader("none", "-a -d -f -i -I -s --fqdn --ip-address --short"),
  id: reader("text", "-a -g -G -n -r -u -z --group --groups --name --real --user --zero"),
  join: reader("read", "-1: -2: -a: -e: -i -j: -o: -t: -v: -z --header --ignore-case"),
  jobs: reader("text", "-l -n -p -r -s"),
  jq: reader(
    "pattern",
    `-a -C -c -e -j -M -n -r -R -s -S --arg: --ascii-output --color-output --compact-output --exit-status --indent:
     --join-output --monochrome-output --null-input --raw-input --raw-output --raw-output0 --seq --slurp --sort-keys
     --stream --tab --unbuffered`,
  ),
  locale: reader("text", "-a -c -k -m"),
  ls: reader(
    "read",
    `-1 -a -A -b -B -c -C -d -D -f -F -g -G -h -H -i -I: -k -l -L -m -n -N -o -p -q -Q -r -R -s -S -t -T: -u -U -v -w: -x
     -X -Z -@ -O --all --almost-all --author --block-size: --classify? --color? --dereference --directory --file-type
     --format: --full-time --group-directories-first --hide: --human-readable --hyperlink? --ignore: --ignore-backups
     --indicator-style: --inode --no-group --numeric-uid-gid --quote-name --quoting-style: --recursive --reverse --si
     --size --sort: --time: --time-style: --width: --zero`,
  ),
  md5: reader("read", "-q -r -s:"),
  md5sum: reader("read", sumOptions),
  nl: reader(
    "read",
    "-b: -d: -f: -h: -i: -l: -n: -p -s: -v: -w: --body-numbering: --number-format: --number-separator: --number-width:",
  ),
  nproc: reader("none", "--all --ignore:"),
  od: reader(
    "read",
    "-A: -a -b -c -d -f -h -i -j: -l -N: -o -s -S: -t: -v -w? -x --address-radix: --format: --read-bytes: --skip-bytes: --width?",
  ),
  paste: reader("read", "-d: -s -z --delimiters: --serial --zero-terminated"),
  printf: reader("text"),
  ps: reader(
    "text",
    "-a -A -e -f -F -H -j -l -L -o: -p: -u: -U: -w -x --forest --format: --no-headers --pid: --ppid: --sort: --user:",
  ),
  pwd: reader("none", "-L -P"),
  readlink: reader(
    "read",
    "-e -f -m -n -q -s -v -z --canonicalize --canonicalize-existing --canonicalize-missing --no-newline",
  ),
  realpath: reader(
    "read",
    "-e -L -m -P -q -s -z --canonicalize-existing --canonicalize-missing --relative-to:read --relative-base:read --no-symlinks --strip",
  ),
  return: reader("text"),
  rev: reader("read"),
  rg: reader(
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
  seq: reader("text", "-f: -s: -w --format: --separator: --equal-width"),
  set: reader("text", "-e -u -x -o: -E -f -C"),
  sha1sum: reader("read", sumOptions),
  sha224sum: reader("read", sumOptions),
  sha256sum: reader("read", sumOptions),
  sha384sum: reader("read", sumOptions),
  sha512sum: reader("read", sumOptions),
  shasum: reader("read", sumOptions),
  shift: reader("text"),
  sleep: reader("text"),
  sort: reader(
    "read",
    `-b -c -C -d -f -g -h -i -k: -m -M -n -r -R -s -t: -u -V -z --check? --dictionary-order --field-separator:
     --general-numeric-sort --human-numeric-sort --ignore-case --ignore-leading-blanks --key: --merge --month-sort
     --numeric-sort --random-sort --reverse --sort: --stable --unique --version-sort --zero-terminated`,
  ),
  stat: reader("read", "-c: -f -L -t -x -s -F -n -q --dereference --file-system --format: --printf: --terse"),
  strings: reader("read", "-a -d -e: -f -n: -o -s: -t: -w -# --all --bytes: --data --encoding: --radix:"),
  tac: reader("read", "-b -r -s: --before --regex --separator:"),
  tail: reader(
    "read",
    "-c: -f -F -n: -q -r -s: -v -z -# --bytes: --follow? --lines: --max-unchanged-stats: --pid: --quiet --retry --silent --sleep-interval: --verbose",
  ),
  tr: reader("text", "-c -C -d -s -t --complement --delete --squeeze-repeats --truncate-set1"),
  tree: reader(
    "read",
    "-a -A -C -d -D -f -F -g -h -i -I: -J -L: -n -N -p -P: -q -Q -r -s -S -t -u -U -v -x -X --charset: --dirsfirst --du --filelimit: --gitignore --ignore-case --inodes --matchdirs --noreport --prune --si --sort: --timefmt:",
  ),
  true: reader("text"),
  tty: reader("none", "-s"),
  type: reader("text", "-a -f -p -P -t"),
  umask: reader("none", "-S -p"),
  uname: reader(
    "none",
    "-a -i -m -n -o -p -r -s -v --all --kernel-name --kernel-release --machine --operating-system",
  ),
  unexpand: reader("read", "-a -t: --all --first-only --tabs:"),
  uptime: reader("none", "-p -s --pretty --since"),
  wait: reader("text", "-n -f"),
  wc: reader("read", "-c -l -L -m -w --bytes --chars --lines --max-line-length --words --total:"),
  which: reader("text", "-a -s"),
  whoami: reader("none"),
};

/** Programs that change files, so that a question and a rule can name them. They never run unasked. */
export const writers: Readonly<Record<string, CommandTable>> = {
  chgrp: reader("write", "-R -v -f -h --recursive --reference:read"),
  chmod: reader("write", "-R -v -f -c --recursive --reference:read"),
  chown: reader("write", "-R -v -f -h --recursive --reference:read --from:"),
  cp: reader(
    "sources",
    "-a -b -d -f -i -l -L -n -p -P -r -R -s -S: -t:write -T -u -v -x --archive --force --recursive --target-directory:write --no-target-directory --parents --preserve? --update?",
  ),
  install: reader(
    "sources",
    "-b -c -C -d -D -g: -m: -o: -p -s -S: -t:write -T -v --directory --mode: --target-directory:write",
  ),
  ln: reader(
    "sources",
    "-b -d -f -i -L -n -P -r -s -S: -t:write -T -v --symbolic --force --relative --target-directory:write",
  ),
  mkdir: reader("write", "-m: -p -v --mode: --parents --verbose"),
  mkfifo: reader("write", "-m: --mode:"),
  mktemp: reader("write", "-d -q -t -u -p:write --directory --tmpdir? --suffix:"),
  mv: reader(
    "move",
    "-b -f -i -n -S: -t:write -T -u -v --force --no-clobber --target-directory:write --update?",
  ),
  rm: reader(
    "write",
    "-d -f -i -I -r -R -v --dir --force --interactive? --no-preserve-root --one-file-system --preserve-root? --recursive --verbose",
  ),
  rmdir: reader("write", "-p -v --ignore-fail-on-non-empty --parents --verbose"),
  shred: reader("write", "-f -n: -s: -u -v -x -z --force --iterations: --remove? --size: --zero"),
  split: reader("read", "-a: -b: -C: -d -l: -n:"),
  tee: reader("write", "-a -i -p --append --ignore-interrupts --output-error?"),
  touch: reader("write", "-a -c -d: -f -h -m -r:read -t: --date: --no-create --reference:read --time:"),
  truncate: reader("write", "-c -o -r:read -s: --no-create --size: --reference:read"),
  unlink: reader("write"),
};

/** Programs that speak to other machines, whatever they are asked to do. */
export const networkPrograms: ReadonlySet<string> = new Set(
  `aria2c ab axel az aws brew bunx curl dig doctl fetch flyctl ftp gcloud gem gh glab gsutil heroku helm host http https
   httpie hub ipfs kubectl lftp links lynx mail mosh nc ncat netcat netlify nmap npx nslookup oc openssl ping ping6 pip pip3
   pipx pnpx rclone rsh rustup s3cmd scp sendmail sftp socat ssh telnet terraform tofu traceroute uvx vercel w3m wget whois
   wrangler xh apt apt-get apk dnf yum pacman zypper snap flatpak port easy_install conda mamba pulumi ansible
   ansible-playbook xdg-open open`.split(/\s+/),
);

/** Subcommands that do, of programs that mostly do not. */
export const networkSubcommands: Readonly<Record<string, ReadonlySet<string>>> = {
  git: new Set("clone fetch pull push ls-remote lfs send-email svn p4 archive request-pull".split(" ")),
  npm: new Set(
    "install i in add ci it cit update up upgrade outdated audit publish view info search login adduser exec x init create dedupe fund doctor ping whoami access deprecate dist-tag owner team token install-test".split(
      " ",
    ),
  ),
  pnpm: new Set(
    "install i add update up dlx exec create publish audit outdated fetch import self-update".split(" "),
  ),
  yarn: new Set("install add up upgrade dlx create publish npm audit outdated".split(" ")),
  bun: new Set("install i add update x create publish upgrade outdated pm".split(" ")),
  deno: new Set("install add run test cache publish upgrade task bench compile jsr".split(" ")),
  cargo: new Set("install add update fetch publish search login vendor yank owner".split(" ")),
  go: new Set("get install mod work".split(" ")),
  uv: new Set("pip add sync lock tool run python publish".split(" ")),
  poetry: new Set("install add update lock publish self".split(" ")),
  bundle: new Set("install update add outdated".split(" ")),
  composer: new Set("install update require create-project global outdated".split(" ")),
  docker: new Set("pull push run build login search buildx compose".split(" ")),
  podman: new Set("pull push run build login search compose".split(" ")),
  dotnet: new Set("restore add build publish nuget tool new test run".split(" ")),
  mvn: new Set("install deploy dependency:get dependency:resolve".split(" ")),
};

/** Programs whose arguments, or files named by them, are code. */
export const codeOptions: Readonly<Record<string, RegExp>> = {
  node: /^(-[ep]|-pe|-r|--(eval|print|require|import|loader|experimental-loader|env-file.*))(=|$)/,
  deno: /^(eval|repl)$/,
  bun: /^(-[ep]|--(eval|print|preload))(=|$)/,
  python: /^-\w*c/,
  perl: /^-\w*[eEMmI]|^-\w*i/,
  ruby: /^-\w*[erI]/,
  php: /^-[rBRE]/,
  lua: /^-[el]/,
  osascript: /^-e/,
  tclsh: /^/,
  expect: /^-c/,
};

/** Options that run another program or change what is run, per program. A prefix of a long one counts as well. */
export const dangerousOptions: Readonly<Record<string, string>> = {
  awk: "-f -i -l -E --file --include --load --exec",
  cargo: "--config -Z --manifest-path",
  cc: "-wrapper -specs -fplugin -B",
  curl: "-K --config --engine --proto-default -x --proxy --socks5 --doh-url --abstract-unix-socket --unix-socket --libcurl --preproxy",
  date: "-s --set",
  docker:
    "-H --host --context -c --config -v --volume --mount --privileged --pid --network --device --cap-add --security-opt --userns --entrypoint",
  fd: "-x --exec -X --exec-batch",
  file: "-m --magic-file -C --compile -f --files-from",
  find: "-exec -execdir -ok -okdir -delete -fprint -fprint0 -fprintf -fls -files0-from",
  git: "--config-env --exec-path --git-dir --work-tree --upload-pack -u:clone -u:fetch -u:ls-remote --receive-pack --exec -O:grep --open-files-in-pager --ext-diff --extcmd -x:rebase -x:difftool --output --template --tool --textconv --filters --config:clone -c:clone",
  go: "-exec -toolexec -vettool -overlay -C",
  helm: "--post-renderer --kubeconfig",
  hostname: "-F --file -b",
  kubectl: "--kubeconfig --server -s",
  less: "-k -o -O --lesskey-file --log-file",
  make: "-f --file --makefile -C --directory --eval -I --include-dir",
  man: "-P --pager -H --html -C --config-file",
  npm: "--script-shell --shell --prefix -C --node-options --userconfig --globalconfig --git --editor --viewer --browser --registry --cafile --init-module --scripts-prepend-node-path -g --global --location",
  pip: "--target -t --prefix --root --index-url -i --extra-index-url --trusted-host --config-settings --python",
  psql: "-c --command -f --file",
  pytest: "-p -c --rootdir --confcutdir -o --override-ini",
  rg: "--pre --pre-glob --hostname-bin -z --search-zip",
  rsync:
    "-e --rsh --rsync-path --files-from --password-file --log-file --temp-dir -T --partial-dir --backup-dir",
  scp: "-S -o -F -J -D",
  sed: "-f --file",
  sort: "-o --output --compress-program -T --temporary-directory --files0-from",
  split: "--filter",
  sqlite3: "-cmd -init",
  ssh: "-o -F -E -S -L -R -D -W -w -J -I -P",
  tar: "--checkpoint-action --to-command -I --use-compress-program --rsh-command --rmt-command -F --info-script --new-volume-script -P --absolute-names -C --directory --one-top-level -T --files-from -g --listed-incremental",
  tree: "-o --output --fromfile --fromtabfile",
  vim: "-c --cmd -S -s -u -W -w",
  wget: "-e --execute --use-askpass -i --input-file --config --post-file --body-file -P --directory-prefix",
  xxd: "-r",
  zip: "-T -TT --unzip-command",
};

/** Names that options of any program have when they run something. */
export const runningOption =
  /^--?(exec(ute)?|exec-batch|command|cmd|eval|shell|script-shell|pre(load|processor)?|require|import|loader|plugin|hook|pager|editor|ssh-command|rsh|upload-pack|receive-pack|to-command|checkpoint-action|(use-)?compress-program|post-?renderer|wrapper|toolexec|interpreter|init-command|on-(success|failure|change)|run|filter|use-askpass)(=|$)/;

export const sameProgram: Readonly<Record<string, string>> = {
  gawk: "awk",
  mawk: "awk",
  nawk: "awk",
  gcc: "cc",
  "g++": "cc",
  clang: "cc",
  "clang++": "cc",
  podman: "docker",
  fdfind: "fd",
  gfind: "find",
  gmake: "make",
  pnpm: "npm",
  yarn: "npm",
  pip3: "pip",
  nodejs: "node",
  gsed: "sed",
  gtar: "tar",
  bsdtar: "tar",
  vi: "vim",
  nvim: "vim",
  view: "vim",
  sftp: "scp",
  pypy: "python",
  python3: "python",
  python2: "python",
};

/** Runs as somebody else. */
export const privileged: ReadonlySet<string> = new Set([
  "sudo",
  "doas",
  "su",
  "runuser",
  "pkexec",
  "gosu",
  "setpriv",
]);

/** Goes on living where hearth does not see it. */
export const escaping: ReadonlySet<string> = new Set(
  "setsid daemonize at batch crontab systemd-run tmux screen launchctl systemctl disown dtach abduco start-stop-daemon".split(
    " ",
  ),
);

/** Variables that change nothing but how a program talks. */
export const harmlessVariable =
  /^(CI|NODE_ENV|DEBUG|VERBOSE|QUIET|FORCE_COLOR|NO_COLOR|CLICOLOR|CLICOLOR_FORCE|LANG|LANGUAGE|LC_\w+|TZ|COLUMNS|LINES|TERM|RUST_BACKTRACE|RUST_LOG|PYTHONUNBUFFERED|PYTHONDONTWRITEBYTECODE|GOOS|GOARCH|CGO_ENABLED|TEST|PORT|HOST|NODE_NO_WARNINGS|SOURCE_DATE_EPOCH)$/;

/** Variables of the shell itself, and those that programs have from it whether a script exports them or not. */
export const tellingVariable =
  /^(PATH|IFS|ENV|PS[0-4]|PROMPT_COMMAND|SHELL|SHELLOPTS|HOME|EDITOR|VISUAL|PAGER|MANPAGER|BROWSER|CDPATH|TMPDIR|GLOBIGNORE|EXECIGNORE|FIGNORE|HISTFILE|MAIL|TERMINFO|CC|CXX|AR|LD|\w*FLAGS|\w*_proxy|\w*_PROXY|(BASH|LD|DYLD|GIT|NODE|NPM|npm|PYTHON|PERL|RUBY|GEM|JAVA|GO|CARGO|RUST|SSL|SSH|XDG|HEARTH|LESS|DOCKER|KUBE|AWS)[A-Z_]\w*)$/;
