import { constants } from "node:os";
import type { Pipe } from "./pipe-pool.ts";
import type { GroupProcess, ProcessExit, SpawnRequest } from "./types.ts";

/**
 * Starts the commands of one run, one after the other, from a bash. A fork copies the page tables of the forking
 * process, which is far cheaper for a bash than for the daemon (decision 011). It is ended like any child of the run.
 */
export type CommandShell = {
  /** undefined when it is busy or cannot start it: then start it normally. Does not read or close `pipe`. */
  start(request: SpawnRequest, pipe: Pipe): Promise<Started | undefined>;
};
type Started = { pid: number; exited: Promise<ProcessExit> };

/** bash reads its input byte by byte, so long commands are slow. */
const COMMAND_CHARS_MAX = 4000;

/**
 * `set -m` gives every command its own process group, and makes bash report how it ended. No variable is exported and
 * SHLVL is restored, so a command sees the same environment as without this shell. `wait` also returns while the command
 * is stopped, hence the loop. `wait -f` would not, but in bash 5.2 it prints "No record of process" for ever if the
 * command has just ended.
 */
const script = `
[ "\${BASH_VERSINFO[0]:-0}" -ge 5 ] || exit
SHLVL=$((SHLVL - 1))
set -m
next() { IFS= read -r -d '' "$1"; }
while next HEARTH_PIPE && next HEARTH_FOLDER && next HEARTH_COMMAND; do
  { exec 9>"$HEARTH_PIPE"; } 2>/dev/null || exit
  ([ . -ef "$HEARTH_FOLDER" ] || cd "$HEARTH_FOLDER"; exec bash -c "$HEARTH_COMMAND") </dev/null >&9 2>&9 9>&- &
  exec 9>&-
  echo "began $!"
  while wait $!; status=$?; kill -0 $! 2>/dev/null; do sleep 1; done
  echo "ended $status"
done 2>&1
`;

/** `-p`: bash ignores startup files and functions from the environment. */
export const commandShellCommand: SpawnRequest["command"] = [
  ...(["bash", "--norc", "--noprofile", "-p", "-c"] as const),
  script,
];

/** Whether it can start the command. With SHELLOPTS or BASHOPTS, this shell's options would reach the command. */
export const suitsCommandShell = ({ command, env }: SpawnRequest): boolean =>
  process.platform === "linux" &&
  command.length === 3 &&
  command[0] === "bash" &&
  command[1] === "-c" &&
  (command[2]?.length ?? 0) <= COMMAND_CHARS_MAX &&
  env["SHELLOPTS"] === undefined &&
  env["BASHOPTS"] === undefined;

/** `end` is called for a running command when this shell was killed. */
export function createCommandShell(
  child: GroupProcess,
  end: (pid: number) => Promise<unknown>,
): CommandShell {
  type Work = { began(pid: number | undefined): void; ended(exit: ProcessExit): void; pid?: number };
  let work: Work | undefined;
  let isOver = false;
  let partial = "";
  let message = "";

  function onLine(line: string) {
    const [word, number] = line.split(" ");
    if (word === "began" && work !== undefined && work.pid === undefined) {
      work.pid = Number(number);
      message = "";
      work.began(work.pid);
    } else if (word === "ended") {
      const done = work;
      work = undefined;
      done?.ended(exitOf(Number(number), message));
    } else message += `${line}\n`;
  }
  child.stdout.setEncoding("utf8");
  child.stdout.on("data", (text: string) => {
    const lines = (partial + text).split("\n");
    partial = lines.pop() ?? "";
    lines.forEach(onLine);
  });
  child.stderr.resume();
  const over = async () => {
    await child.exited;
    isOver = true;
    const left = work;
    work = undefined;
    if (left?.pid === undefined) left?.began(undefined);
    else await end(left.pid);
    left?.ended({ code: null, signal: "SIGTERM" });
  };
  const ended = over();

  return {
    async start({ command, cwd }, { writeEnd }) {
      if (isOver || work !== undefined) return undefined;
      const began = Promise.withResolvers<number | undefined>();
      const exit = Promise.withResolvers<ProcessExit>();
      work = { began: began.resolve, ended: exit.resolve };
      child.stdin.write(`/proc/${process.pid}/fd/${writeEnd}\0${cwd}\0${command[2]}\0`);
      const pid = await began.promise;
      if (pid === undefined) await ended;
      return pid === undefined ? undefined : { pid, exited: exit.promise };
    },
  };
}

/**
 * bash reports status 143 both for a command that SIGTERM ended and for `exit 143`. Its message contains the number only
 * in the second case, in every language.
 */
function exitOf(status: number, message: string): ProcessExit {
  const signal = Object.entries(constants.signals).find(([, number]) => number === status - 128)?.[0];
  if (signal === undefined || message === "" || new RegExp(`\\s${status}\\s`).test(message))
    return { code: status, signal: null };
  return { code: null, signal: signal as NodeJS.Signals };
}
