import { HearthError } from "../../protocol/errors.ts";
import type { GitRequest, GitResult, GitRunner } from "../git/run-git.ts";
import { objectIdIn, saidBy, whyNotStarted } from "../git/why-failed.ts";

/** Runs git in a folder. */
export type GitIn = (root: string) => GitRunner;

/** More output than this is refused. */
export const OUTPUT_MAX = 256 * 1024 * 1024;

/** Git said no where it should not. */
export class GitFailure extends HearthError {
  constructor(what: string, result: GitResult | string) {
    const why =
      typeof result === "string" ? result : result.isTooLong ? "it has too much to say" : saidBy(result);
    super("git_failed", `git could not ${what}: ${why.replace(/\.$/, "")}.`);
  }
}

/** A runner that throws git_failed where git cannot be started. */
export const mustStart =
  (git: GitRunner): GitRunner =>
  (request, signal) =>
    git(request, signal).catch((cause: unknown) => {
      const why = whyNotStarted(cause);
      throw why === undefined ? cause : new HearthError("git_failed", `${why}.`, { cause });
    });

/** Throws git_failed where git fails. */
export async function mustRun(
  git: GitRunner,
  what: string,
  request: GitRequest,
  signal: AbortSignal,
): Promise<Buffer> {
  const result = await git({ maxBytes: OUTPUT_MAX, ...request }, signal);
  if (result.code !== 0 || result.isTooLong) throw new GitFailure(what, result);
  return result.stdout;
}

/** The same, where git names an object. */
export async function mustName(...asked: Parameters<typeof mustRun>): Promise<string> {
  const id = objectIdIn(await mustRun(...asked));
  if (id === undefined) throw new GitFailure(asked[1], "its answer names no object");
  return id;
}

export const textOf = (output: Buffer): string => output.toString("utf8").replace(/\n$/, "");

/** The parts of git's output with -z. */
export function splitNul(bytes: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(0, from);
    const until = end === -1 ? bytes.length : end;
    parts.push(bytes.subarray(from, until));
    from = until + 1;
  }
  return parts;
}

export const joinNul = (parts: readonly Buffer[]): Buffer =>
  Buffer.concat(parts.flatMap((part) => [part, Buffer.of(0)]));

/** Variables of git's own in a client's environment would send git elsewhere. */
export const withoutGitVariables = (env: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("GIT_")));
