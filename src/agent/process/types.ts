import type { Readable, Writable } from "node:stream";

export type ProcessExit = { code: number | null; signal: NodeJS.Signals | null };

/** A child that leads its own process group and dies with the daemon, however the daemon dies. */
export type GroupProcess = {
  /** Of the child and of its group. */
  readonly pid: number;
  readonly stdin: Writable;
  /**
   * Listen, pipe or read as soon as `spawn` has resolved: Node throws away what nobody listens to once the child
   * has exited. A reader that pauses makes the child wait. They may stay open after `exited`, held by what the
   * child left running.
   */
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
  /**
   * Whose work it is: a run id for tools, an agent's name for its child. Told in the child's environment as
   * HEARTH_OWNER, next to HEARTH_SUPERVISOR, a random word that tells one daemon's children from another's.
   */
  owner: string;
  /**
   * `streams`: three of them. `command`: for what a shell runs; nothing to read (/dev/null), and both outputs in
   * order through `stdout`, as one real pipe, so that /dev/stderr can be opened by name (apart, as ever, where the
   * system cannot make one).
   */
  stdio?: "streams" | "command" | undefined;
};

/** The one place that starts children. */
export type ProcessSupervisor = {
  /** Rejects with plain errors, their `code` (ENOENT, EACCES, …) as Node gives it. */
  spawn(request: SpawnRequest): Promise<GroupProcess>;
  /**
   * Ends every group of that owner, and on Linux also what left its group (setsid, a double fork) and carries the
   * owner's marker or descends from it. Quick when the owner never had a child.
   */
  stopOwner(owner: string): Promise<void>;
  /** Ends every child. Nothing can be started any more. */
  close(): Promise<void>;
};
