import { PathError } from "../workspace-path.ts";
import type { PreparedCall, RunHow, Tool, ToolResult } from "./tool.ts";

/** A failed call whose message the model reads. Any other error is a bug. */
export class ToolFailure extends Error {
  constructor(message: string) {
    super(message);
    this.name = "ToolFailure";
  }
}

/** System errors as sentences about a path. Other errors keep Node's message. */
const reasons: Readonly<Record<string, string>> = {
  ENOENT: "does not exist",
  EACCES: "may not be accessed: permission denied",
  EPERM: "may not be changed: operation not permitted",
  EISDIR: "is a folder",
  ENOTDIR: "goes through something that is not a folder",
  ENOSPC: "cannot be written: the disk is full",
  EDQUOT: "cannot be written: the disk quota is used up",
  EROFS: "cannot be written: the file system is read-only",
  EMFILE: "cannot be opened: too many files are open",
  ENFILE: "cannot be opened: too many files are open",
  ENAMETOOLONG: "has too long a name",
  ELOOP: "leads through too many links",
  E2BIG: "cannot be started: the command is too long",
  EIO: "cannot be read: the disk reports an error",
};

/** Turns expected failures into results. Bugs, and the end of the run, are rethrown. */
export function reportingFailures<Input>(tool: Tool<Input>): Tool<Input> {
  return {
    ...tool,
    async prepare(input, context) {
      try {
        const prepared = await tool.prepare(input, context);
        if (!("run" in prepared)) return prepared;
        return { ...prepared, run: (how) => attempt(prepared, how) };
      } catch (error) {
        return resultOf(error);
      }
    },
  };
}

async function attempt(call: PreparedCall, how: RunHow | undefined): Promise<ToolResult> {
  try {
    return await call.run(how);
  } catch (error) {
    return resultOf(error);
  }
}

function resultOf(error: unknown): ToolResult {
  if (error instanceof ToolFailure || error instanceof PathError)
    return { text: error.message, isError: true };
  if (error instanceof Error && "code" in error && "syscall" in error) {
    const reason = reasons[String(error.code)];
    const path = "path" in error ? String(error.path) : undefined;
    return { text: reason && path ? `${path} ${reason}.` : error.message, isError: true };
  }
  throw error;
}
