/** Programs that use the network with any arguments. */
export const networkPrograms: ReadonlySet<string> = new Set(
  `aria2c ab axel az aws brew bunx curl dig doctl fetch flyctl ftp gcloud gem gh glab gsutil heroku helm host http https
   httpie hub ipfs kubectl lftp links lynx mail mosh nc ncat netcat netlify nmap npx nslookup oc openssl ping ping6 pip pip3
   pipx pnpx rclone rsh rustup s3cmd scp sendmail sftp socat ssh telnet terraform tofu traceroute uvx vercel w3m wget whois
   wrangler xh apt apt-get apk dnf yum pacman zypper snap flatpak port easy_install conda mamba pulumi ansible
   ansible-playbook xdg-open open`.split(/\s+/),
);

/** Subcommands that use the network, of programs that mostly do not. */
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

/** Options with which a program runs code from its arguments. */
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

/** Options that run another program, by their usual names, for programs that have no entry. */
export const runningOption =
  /^--?(exec(ute)?|exec-batch|command|cmd|eval|shell|script-shell|pre(load|processor)?|require|import|loader|plugin|hook|pager|editor|ssh-command|rsh|upload-pack|receive-pack|to-command|checkpoint-action|(use-)?compress-program|post-?renderer|wrapper|toolexec|interpreter|init-command|on-(success|failure|change)|run|filter|use-askpass)(=|$)/;

/** Other names of programs in these tables. */
export const sameProgram: ReadonlyMap<string, string> = new Map(
  Object.entries({
    awk: "gawk mawk nawk",
    cc: "gcc g++ clang clang++",
    docker: "podman",
    fd: "fdfind",
    find: "gfind",
    make: "gmake",
    node: "nodejs",
    npm: "pnpm yarn",
    pip: "pip3",
    python: "pypy python3 python2",
    scp: "sftp",
    sed: "gsed",
    tar: "gtar bsdtar",
    vim: "vi nvim view",
  }).flatMap(([name, others]) => others.split(" ").map((other) => [other, name] as const)),
);

/** They run a command as another user. */
export const privileged: ReadonlySet<string> = new Set("sudo doas su runuser pkexec gosu setpriv".split(" "));

/** They start what goes on after the run. */
export const outliving: ReadonlySet<string> = new Set(
  "setsid daemonize at batch crontab systemd-run tmux screen launchctl systemctl disown dtach abduco start-stop-daemon".split(
    " ",
  ),
);
