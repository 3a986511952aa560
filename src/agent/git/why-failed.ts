import type { GitResult } from "./run-git.ts";

const isFullDisk = (said: string): boolean =>
  /No space left on device|Out of disk ?space|Disk quota exceeded/i.test(said);

/** Why git failed: in its own words, in one line, unless there are plainer ones. */
export function saidBy({ stderr, code }: Pick<GitResult, "stderr" | "code">): string {
  if (isFullDisk(stderr)) return "the disk is full";
  const lines = stderr
    .split("\n")
    .map((line) => line.replace(/^(fatal|error|warning): /, "").trim())
    .filter((line) => line !== "" && !line.startsWith("hint:"));
  return lines.slice(0, 3).join("; ") || `git ended with ${code ?? "a signal"}`;
}

/** Why git could not be started; undefined where the error is another one. */
export function whyNotStarted(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("syscall" in error) || !/^spawn/.test(String(error.syscall)))
    return undefined;
  const code = "code" in error ? error.code : undefined;
  if (code === "EACCES") return "git may not be run (no permission)";
  // Node says the same of a folder that is gone; then the supervisor says which one.
  return code === "ENOENT" && /ENOENT/.test(error.message) ? "git was not found" : error.message;
}

/** What git names an object: 40 hexadecimal digits, or 64. Undefined: git is not what it says. */
export const objectIdIn = (output: Buffer): string | undefined =>
  /^([0-9a-f]{40}|[0-9a-f]{64})\n?$/.exec(output.toString("latin1"))?.[1];
