import type { Job, JobEnd, Jobs } from "./jobs.ts";

/** A session's jobs, one line each. */
export function listText(jobs: ReturnType<Jobs["list"]>): string {
  if (jobs.length === 0) return "There are no background jobs in this session.";
  return jobs
    .map(({ id, job }) => {
      const { end } = job;
      const state =
        end === undefined
          ? `running for ${durationText(age(job))}`
          : `${endText(end)}${job.hasLeftovers() ? ", what it started is still running" : ""}`;
      return `${id}  ${state}: ${job.command.split("\n", 1)[0]}`;
    })
    .join("\n");
}

export function endText({ code, signal, durationMs, isTimedOut }: JobEnd): string {
  const duration = durationText(durationMs);
  if (isTimedOut) return `timed out and was ended after ${duration}`;
  return `${signal === null ? `exit code ${code}` : `ended by ${signal}`} after ${duration}`;
}

export const age = (job: Job): number => performance.now() - job.startedAt;
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 10_000 ? `${(ms / 1000).toFixed(1)} s` : `${Math.round(ms / 1000)} s`;
}
