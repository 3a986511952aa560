import { execFile } from "node:child_process";

const PATIENCE_MS = 30_000;

/** The output of `hearth doctor`. */
export function runDoctor(launcher: string, env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve) => {
    // The doctor writes into a pipe here, but it is to check this terminal.
    const { columns, rows } = process.stdout;
    const terminal = { COLUMNS: String(columns), LINES: String(rows), HEARTH_TERMINAL: "1" };
    const options = { env: { ...env, ...terminal, NO_COLOR: "1" }, timeout: PATIENCE_MS };
    execFile(process.execPath, [launcher, "doctor"], options, (error, stdout, stderr) => {
      resolve(stdout.trim() || stderr.trim() || (error?.message ?? "`hearth doctor` printed nothing."));
    });
  });
}
