import type { Readable, Writable } from "node:stream";
import type { TcpEnds } from "./descent.ts";

export type ProcessExit = { code: number | null; signal: NodeJS.Signals | null };

/** A child that leads its own process group. It dies with the daemon, however the daemon dies. */
export type GroupProcess = {
  /** The id of the child and of its group. */
  readonly pid: number;
  readonly stdin: Writable;
  /**
   * Read both streams as soon as `spawn` has resolved: Node discards unread output once the child has exited. A reader
   * that pauses makes the child wait. They may stay open after `exited`, held by processes that the child left running.
   */
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly exited: Promise<ProcessExit>;
  /** SIGTERM to the group, SIGKILL after 2 s. Resolves when the whole group is dead. */
  stop(): Promise<void>;
  /** From now on another owner's: `stopOwner` of the first one leaves it alone, and what descends from it. */
  handOver(owner: string): void;
};

export type SpawnRequest = {
  /** argv, never a shell line. */
  command: readonly [string, ...string[]];
  cwd: string;
  /** The whole environment; the daemon's own is not added. */
  env: Readonly<Record<string, string>>;
  /**
   * A run id for tools, an agent's name for its child. In the child's environment as HEARTH_OWNER, next to
   * HEARTH_SUPERVISOR, the daemon's random id.
   */
  owner: string;
  /**
   * `streams`: stdin, stdout and stderr. `command`: stdin is /dev/null, and both outputs come in order through `stdout`,
   * one real pipe, so that the command can open /dev/stderr. If no pipe can be made, they come separately.
   */
  stdio?: "streams" | "command" | undefined;
  /** The session in whose container it runs; undefined: on this machine. Its `env` stays here but for chosen names. */
  container?: string | undefined;
};

/** The only place that starts children. */
export type ProcessSupervisor = {
  /** Rejects with Node's errors and their `code` (ENOENT, EACCES, …). */
  spawn(request: SpawnRequest): Promise<GroupProcess>;
  /**
   * Ends every group of that owner. On Linux also processes that left their group (setsid, a double fork) but carry the
   * owner's marker or descend from it. Returns at once when the owner never had a child.
   */
  stopOwner(owner: string): Promise<void>;
  /** Whether that process was started by a child of the daemon's, or has ended. Always false without /proc (macOS). */
  startedHere(pid: number): boolean;
  /** Whether any such process is connected to a Unix socket. */
  holdConnection(): Promise<boolean>;
  /** Whether a child, or a child of one, holds the other end of a TCP connection, or nobody can be found who does. */
  holdTcp(ends: TcpEnds): Promise<boolean>;
  /** Ends every child. Nothing can be started afterwards. */
  close(): Promise<void>;
};
