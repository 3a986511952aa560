import { ignoreError, inBackground } from "../../async/in-background.ts";
import type { ProcessSupervisor } from "../process/types.ts";

const TIMEOUT_MS = 5000;
const OUTPUT_CHARS_MAX = 1000;

type Asked = {
  program: string;
  env: Readonly<Record<string, string>>;
  cwd: string;
  /** The owner of the child whose version is asked. */
  owner: string;
};

/** The version that `PROGRAM --version` prints; null when it prints none in time. */
export async function programVersion(processes: ProcessSupervisor, asked: Asked): Promise<string | null> {
  const { program, env, cwd, owner } = asked;
  try {
    const process = await processes.spawn({
      ...{ command: [program, "--version"], cwd, env, owner, stdio: "command" },
    });
    const timer = setTimeout(() => inBackground(process.stop, ignoreError), TIMEOUT_MS);
    let output = "";
    for await (const chunk of process.stdout) {
      output += String(chunk);
      if (output.length > OUTPUT_CHARS_MAX) break;
    }
    clearTimeout(timer);
    await process.stop();
    return /\d+(\.\d+)+[\w.+-]*/.exec(output)?.[0] ?? null;
  } catch {
    return null; // whether the program works is found out over the protocol
  }
}
