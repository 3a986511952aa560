import type { SessionContainer } from "../backend.ts";
import type { ProcessSupervisor } from "../process/types.ts";

const SET_UP_MS_MAX = 15 * 60_000;
const SAID_CHARS_MAX = 2_000;

type SetUp = {
  command: string;
  root: string;
  env: Readonly<Record<string, string>>;
  owner: string;
  container: SessionContainer | undefined;
};

/** Runs a person's command in a new worktree. Returns what went wrong, or undefined. Throws the signal's reason. */
export async function runSetUp(
  processes: ProcessSupervisor,
  { command, root, env, owner, container }: SetUp,
  signal: AbortSignal,
): Promise<string | undefined> {
  const late = AbortSignal.timeout(SET_UP_MS_MAX);
  const child = await processes.spawn({
    command: ["bash", "-c", command],
    ...{ cwd: root, env, owner },
    stdio: "command",
    container: container?.of,
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      said = (said + text).slice(-SAID_CHARS_MAX);
    });
  }
  const stop = () => void child.stop().catch(() => {});
  const over = AbortSignal.any([signal, late]);
  over.addEventListener("abort", stop, { once: true });
  const { code } = await child.exited;
  over.removeEventListener("abort", stop);
  signal.throwIfAborted();
  if (code === 0) return undefined;
  const why = late.aborted ? "took longer than 15 minutes" : `ended with ${code ?? "a signal"}`;
  const last = said.trim().split("\n").slice(-5).join("\n");
  return `The set-up command \`${command}\` ${why}${last === "" ? "." : `:\n${last}`}`;
}
