import type { Readable, Writable } from "node:stream";

export type ProcessExit = { code: number | null; signal: NodeJS.Signals | null };

/** A child that leads its own process group and dies with the daemon, however the daemon dies. */
export type GroupProcess = {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exited: Promise<ProcessExit>;
  /** SIGTERM to the group, SIGKILL after 2 s; resolves when nothing of the group is alive. */
  stop(): Promise<void>;
};

export type SpawnRequest = {
  /** argv; never a shell line. */
  command: readonly [string, ...string[]];
  cwd: string;
  /** The whole environment: nothing of the daemon's own is added. */
  env: Readonly<Record<string, string>>;
  /** Whose work it is: a run id for tools, an agent's name for its child. Told in the child's environment as HEARTH_OWNER. */
  owner: string;
};

/** The one place that starts children. */
export type ProcessSupervisor = {
  /** Rejects with HearthError agent_unavailable-free plain errors: ENOENT, EACCES, … as Node gives them. */
  spawn(request: SpawnRequest): Promise<GroupProcess>;
  /** Ends every group of that owner, those that left their group but carry its marker included. */
  stopOwner(owner: string): Promise<void>;
  close(): Promise<void>;
};
