import { inBackground, notMissed } from "../../async/in-background.ts";
import type { ProcessSupervisor } from "../process/types.ts";

const TIMEOUT_MS = 5000;
const OUTPUT_CHARS_MAX = 1000;

type Asked = {
  program: string;
  env: Readonly<Record<string, string>>;
  cwd: string;
  /** Of the child whose version it is. */
  owner: string;
};

/** What a program says of its version on its command line; null when it does not, or not soon. */
export async function ownVersion(processes: ProcessSupervisor, asked: Asked): Promise<string | null> {
  const { program, env, cwd, owner } = asked;
  try {
    const process = await processes.spawn({
      ...{ command: [program, "--version"], cwd, env, owner, stdio: "command" },
    });
    const timer = setTimeout(() => inBackground(process.stop, notMissed), TIMEOUT_MS);
    let said = "";
    for await (const chunk of process.stdout) {
      said += String(chunk);
      if (said.length > OUTPUT_CHARS_MAX) break;
    }
    clearTimeout(timer);
    await process.stop();
    return /\d+(\.\d+)+[\w.+-]*/.exec(said)?.[0] ?? null;
  } catch {
    return null; // whether it can be used, the protocol says
  }
}
