import { type ChildProcess, spawn } from "node:child_process";

/**
 * Ends the children of a daemon that died: a small `sh` that reads a pipe whose other end only the daemon holds. The
 * daemon sends `add GROUP` and `del GROUP`. When the pipe closes without `bye`, the daemon is dead, and the guardian ends
 * the added groups and every process with the daemon's marker.
 *
 * One guardian serves all children, so it does not affect their pipes, exit codes or start times. The marker covers the
 * moment between a child's start and its `add`.
 */
export type Guardian = {
  watch(group: number): void;
  release(group: number): void;
  /** Ends the guardian and nothing else. */
  dismiss(): Promise<void>;
};

const script = `
trap '' HUP INT TERM QUIT PIPE TSTP
mark=$1
nap() { sleep "$1" 2>/dev/null || sleep 1; }
groups=' '
while read -r verb group; do
  case $verb in
    add) groups="$groups$group " ;;
    del) case $groups in *" $group "*) groups="\${groups%% $group *} \${groups#* $group }" ;; esac ;;
    bye) exit 0 ;;
  esac
done
for g in $groups; do kill -TERM "-$g"; kill -CONT "-$g"; done 2>/dev/null
tries=0
while [ $tries -lt 20 ]; do
  alive=
  for g in $groups; do kill -0 "-$g" 2>/dev/null && alive=yes; done
  [ -n "$alive" ] || break
  nap 0.1
  tries=$((tries + 1))
done
for g in $groups; do kill -KILL "-$g"; done 2>/dev/null
[ -d /proc/1 ] || exit 0
marked() { grep -lsF "$mark" /proc/[0-9]*/environ; }
signal_marked() {
  found=
  for file in $(marked); do
    pid=\${file#/proc/}
    kill "-$1" "\${pid%/environ}" 2>/dev/null && found=yes
  done
}
signal_marked TERM
tries=0
while [ -n "$found" ] && [ $tries -lt 10 ]; do
  [ -n "$(marked)" ] || exit 0
  nap 0.05
  tries=$((tries + 1))
done
tries=0
while [ -n "$found" ] && [ $tries -lt 20 ]; do
  signal_marked KILL
  nap 0.05
  tries=$((tries + 1))
done
`;

/** A killed guardian is replaced, but not for ever. */
const REPLACEMENTS_MAX = 20;

/** `mark` is in the environment of every child, and of no other process. */
export function createGuardian(mark: string): Guardian {
  const groups = new Set<number>();
  let replacements = 0;
  let isDismissed = false;
  let child: ChildProcess | undefined;

  const start = (): ChildProcess => {
    const started = spawn("/bin/sh", ["-c", 'eval "$SCRIPT"', "hearth-guardian", mark], {
      cwd: "/",
      // Not an argument, where it would fill the output of `ps`.
      env: { PATH: "/usr/bin:/bin:/usr/sbin:/sbin", SCRIPT: script },
      stdio: ["pipe", "ignore", "ignore"],
      detached: true, // signals to the daemon's group or terminal must not reach it
    });
    started.unref();
    const stdin = started.stdin;
    if (stdin !== null) {
      stdin.on("error", () => {}); // `exit` reports it
      if ("unref" in stdin && typeof stdin.unref === "function") stdin.unref();
    }
    started.on("error", () => {}); // no /bin/sh: only the sweep at the next start is left
    started.once("exit", () => {
      if (child === started) child = undefined;
      if (isDismissed || groups.size === 0 || replacements++ >= REPLACEMENTS_MAX) return;
      child = start();
    });
    for (const group of groups) stdin?.write(`add ${group}\n`);
    return started;
  };
  return {
    watch(group) {
      groups.add(group);
      if (child === undefined) child = start();
      else child.stdin?.write(`add ${group}\n`);
    },
    release(group) {
      if (groups.delete(group)) child?.stdin?.write(`del ${group}\n`);
    },
    async dismiss() {
      isDismissed = true;
      const last = child;
      if (last?.pid === undefined || last.exitCode !== null || last.signalCode !== null) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      last.ref();
      last.once("exit", () => resolve());
      last.stdin?.end("bye\n");
      await promise;
    },
  };
}
