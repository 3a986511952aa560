import type { ProcessExit } from "../../process/types.ts";
import { ToolFailure } from "../failure.ts";
import type { CommandOutput } from "./output.ts";

export type JobEnd = ProcessExit & { durationMs: number; isTimedOut: boolean };

/** A running or ended command. */
export type Job = {
  command: string;
  /** The folder it runs in, as shown. */
  cwd: string;
  output: CommandOutput;
  startedAt: number;
  /** Set when it has ended. */
  end: JobEnd | undefined;
  /** Resolves with `end` once the command's own output is complete. */
  ended: Promise<JobEnd>;
  /** Whether something it started still holds its output open. */
  hasLeftovers(): boolean;
  /** Ends it and what it started. */
  stop(): Promise<void>;
};

/** The background jobs of all runs. They end with their run; their output can be read until newer jobs replace them. */
export type Jobs = {
  /** Returns the job's id; undefined if too many jobs of the run are running. */
  add(runId: string, job: Job): string | undefined;
  /** Throws ToolFailure when the run has no such job. */
  get(runId: string, id: string): Job;
};

export const RUNNING_JOBS_MAX = 16;
const KEPT_MAX = 64;

export function createJobs(): Jobs {
  const jobs = new Map<string, { runId: string; job: Job }>();
  let lastNumber = 0;
  const ofRun = (runId: string) => [...jobs].filter(([, entry]) => entry.runId === runId);
  return {
    add(runId, job) {
      if (ofRun(runId).filter(([, entry]) => entry.job.end === undefined).length >= RUNNING_JOBS_MAX)
        return undefined;
      for (const [id, entry] of jobs) {
        if (jobs.size < KEPT_MAX) break;
        if (entry.job.end !== undefined) jobs.delete(id);
      }
      const id = `job${++lastNumber}`;
      jobs.set(id, { runId, job });
      return id;
    },
    get(runId, id) {
      const found = jobs.get(id);
      if (found?.runId === runId) return found.job;
      const own = ofRun(runId).map(([known]) => known);
      const known = own.length === 0 ? "has none" : `has ${own.join(", ")}`;
      throw new ToolFailure(
        `There is no background job ${id}: this run ${known}. Jobs end with the run that started them.`,
      );
    },
  };
}
