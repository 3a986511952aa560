import type { ProcessExit } from "../process/types.ts";
import type { CommandOutput } from "./command-output.ts";
import { ToolFailure } from "./failure.ts";

export type JobEnd = ProcessExit & { durationMs: number; isTimedOut: boolean };

/** A command on its way. */
export type Job = {
  command: string;
  /** Where it runs, as shown. */
  cwd: string;
  output: CommandOutput;
  startedAt: number;
  /** Set when it is over. */
  end: JobEnd | undefined;
  /** Resolves with it, when all that the command itself said is in `output`. */
  ended: Promise<JobEnd>;
  /** Whether something it started still holds its output open. */
  hasLeftovers(): boolean;
  /** Ends it and what it started. */
  stop(): Promise<void>;
};

/** The background jobs of all runs. They die with their run; what they said can be read until others push it out. */
export type Jobs = {
  /** Undefined when the run has as many running as it may. */
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
