import { spawn } from "node:child_process";
import { PATIENCE_MS, soon } from "./happenings.ts";
import { type Home, launcher } from "./home.ts";

export type CliResult = {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
};
export type CliOptions = {
  cwd?: string;
  env?: Record<string, string | undefined>;
  /** Undefined: stdin is /dev/null. A string is written, and stdin closed. */
  stdin?: string;
  patienceMs?: number;
  /** Another bin/hearth than this repository's. */
  launcher?: string;
};
export type CliProcess = {
  readonly pid: number;
  readonly result: Promise<CliResult>;
  kill(signal: NodeJS.Signals): void;
  /** Resolves when stdout has a line that fits. */
  line(fits: (line: string) => boolean): Promise<string>;
};

/** Starts the built `hearth` as a user would. */
export function startHearth(home: Home, args: readonly string[], options: CliOptions = {}): CliProcess {
  const env = Object.fromEntries(
    Object.entries({ ...home.env, ...options.env }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    ),
  );
  const child = spawn(process.execPath, [options.launcher ?? launcher, ...args], {
    cwd: options.cwd ?? home.project,
    env,
    stdio: [options.stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  const looking = new Set<() => void>();
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    stdout += chunk;
    for (const look of looking) look();
  });
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => {
    stderr += chunk;
  });
  child.stdin?.on("error", () => {}); // it may end without having read it
  if (options.stdin !== undefined) child.stdin?.end(options.stdin);
  const result = new Promise<CliResult>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
  const bounded = soon(result, `hearth ${args.join(" ")}`, options.patienceMs ?? 2 * PATIENCE_MS).catch(
    (error: unknown) => {
      child.kill("SIGKILL");
      throw new Error(
        `${error instanceof Error ? error.message : error}\nstdout: ${stdout}\nstderr: ${stderr}`,
      );
    },
  );
  bounded.catch(() => {}); // a test that does not look at it does not care
  return {
    pid: child.pid ?? 0,
    result: bounded,
    kill: (signal) => void child.kill(signal),
    line: (fits) =>
      soon(
        new Promise<string>((resolve) => {
          const look = () => {
            const found = stdout.split("\n").slice(0, -1).find(fits);
            if (found === undefined) return;
            looking.delete(look);
            resolve(found);
          };
          looking.add(look);
          look();
        }),
        `a line of hearth ${args.join(" ")}`,
      ),
  };
}

export const runHearth = (home: Home, args: readonly string[], options?: CliOptions): Promise<CliResult> =>
  startHearth(home, args, options).result;
