import { type ChildProcess, spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { access } from "node:fs/promises";
import type { Socket } from "node:net";
import { Readable, Writable } from "node:stream";
import type { FolderGate } from "../files/folder-gate.ts";
import { findCommand } from "./find-command.ts";
import { MARK_VARIABLE, OWNER_VARIABLE } from "./markers.ts";
import type { SpawnRequest } from "./types.ts";

type Started = { child: ChildProcess; stdin: Writable; stdout: Readable; stderr: Readable };

/** A stdin that takes nothing. */
export const noInput = () => new Writable({ write: (_chunk, _encoding, done) => done() });

type Output = { stdout: Socket; writeEnd: number };

export function discard(output: Output | undefined): void {
  if (output === undefined) return;
  output.stdout.destroy();
  closeSync(output.writeEnd);
}

/**
 * The path of the program. Node blocks until the child runs it, and would also block while the child searched a folder of
 * PATH that does not respond. Throws ENOENT when only such a folder can have it.
 */
export async function findProgram(
  { command: [name], env }: SpawnRequest,
  folders: FolderGate,
): Promise<string> {
  const { found, silent } = await findCommand(name, env, folders);
  if (found !== undefined || silent[0] === undefined) return found?.path ?? name; // Node says why it cannot be run
  const message = `${name} was not found, and the folder ${silent[0]} does not respond`;
  throw Object.assign(new Error(message), { code: "ENOENT" });
}

/** `output`: one pipe for stdout and stderr of a command. */
export function startChild(
  program: string,
  request: SpawnRequest,
  mark: string,
  output: Output | undefined,
): Started {
  const { command, cwd, env, owner } = request;
  const [argv0, ...args] = command;
  const options = {
    argv0,
    cwd,
    env: { ...env, [OWNER_VARIABLE]: owner, [MARK_VARIABLE]: mark },
    detached: true,
  };
  if (request.stdio !== "command") {
    const child = spawn(program, args, { ...options, stdio: ["pipe", "pipe", "pipe"] });
    return { child, stdin: child.stdin, stdout: child.stdout, stderr: child.stderr };
  }
  // stdin is never a socket: bash runs ~/.bashrc when it is one, a relic of rshd.
  const stdin = noInput();
  if (output === undefined) {
    const child = spawn(program, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    return { child, stdin, stdout: child.stdout, stderr: child.stderr };
  }
  const { stdout, writeEnd } = output;
  try {
    const child = spawn(program, args, { ...options, stdio: ["ignore", writeEnd, writeEnd] });
    return { child, stdin, stdout, stderr: Readable.from([]) };
  } catch (error) {
    stdout.destroy();
    throw error;
  } finally {
    closeSync(writeEnd);
  }
}

/** Node's error for a child that did not start; Node reports a missing folder like a missing program. */
export async function spawnError(child: ChildProcess, request: SpawnRequest): Promise<Error> {
  const { promise, resolve } = Promise.withResolvers<Error>();
  child.on("error", resolve);
  const error = await promise;
  if ("code" in error && error.code === "ENOENT" && !(await exists(request.cwd)))
    error.message = `The folder ${request.cwd} does not exist, so ${request.command[0]} cannot be started in it`;
  return error;
}

export const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
