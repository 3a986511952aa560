import { constants } from "node:os";
import type { Pipe } from "./pipe-maker.ts";
import type { GroupProcess, ProcessExit, SpawnRequest } from "./types.ts";

/**
 * Starts the commands of one run, one after the other. A fork copies the page tables of whoever forks: of a daemon
 * that costs many times what it costs of a bash (decision 011). Ended like any child of the run.
 */
export type CommandShell = {
  /** Undefined when it is busy, or cannot: then the command is started as any other. Takes nothing of `pipe`. */
  start(request: SpawnRequest, pipe: Pipe): Promise<Started | undefined>;
};
type Started = { pid: number; exited: Promise<ProcessExit> };

/** bash reads what it is told byte by byte. */
const COMMAND_CHARS_MAX = 4000;

/**
 * `set -m` gives every command a process group of its own, and lets bash say how one ended that is waited for.
 * Nothing of this is exported, and the level is what it was, so that a command finds what it would find without.
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
  wait -f $!
  echo "ended $?"
done 2>&1
`;

/** Privileged, which here means: it neither runs nor takes over what the environment has for a bash that starts. */
export const commandShellCommand: SpawnRequest["command"] = [
  ...(["bash", "--norc", "--noprofile", "-p", "-c"] as const),
  script,
];

/** What it can start. With these two variables a bash's own settings would go on to what it starts. */
export const suitsCommandShell = ({ command, env }: SpawnRequest): boolean =>
  process.platform === "linux" &&
  command.length === 3 &&
  command[0] === "bash" &&
  command[1] === "-c" &&
  (command[2]?.length ?? 0) <= COMMAND_CHARS_MAX &&
  env["SHELLOPTS"] === undefined &&
  env["BASHOPTS"] === undefined;

/** `end` ends a command whose shell was killed. */
export function createCommandShell(
  child: GroupProcess,
  end: (pid: number) => Promise<unknown>,
): CommandShell {
  type Work = { began(pid: number | undefined): void; ended(exit: ProcessExit): void; pid?: number };
  let work: Work | undefined;
  let isOver = false;
  let rest = "";
  let said = "";

  function hear(line: string) {
    const [word, number] = line.split(" ");
    if (word === "began" && work !== undefined && work.pid === undefined) {
      work.pid = Number(number);
      said = "";
      work.began(work.pid);
    } else if (word === "ended") {
      const done = work;
      work = undefined;
      done?.ended(exitOf(Number(number), said));
    } else said += `${line}\n`;
  }
  child.stdout.setEncoding("utf8");
  child.stdout.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    lines.forEach(hear);
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
 * A shell's status says 143 of a command that SIGTERM ended and of one that said `exit 143`. What bash says of the end
 * has the number in the second case only, in whatever language.
 */
function exitOf(status: number, said: string): ProcessExit {
  const signal = Object.entries(constants.signals).find(([, number]) => number === status - 128)?.[0];
  if (signal === undefined || said === "" || new RegExp(`\\s${status}\\s`).test(said))
    return { code: status, signal: null };
  return { code: null, signal: signal as NodeJS.Signals };
}
