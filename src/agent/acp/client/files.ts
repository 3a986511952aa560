import type { Stats } from "node:fs";
import { lstat } from "node:fs/promises";
import { createFile, isWriteProtected, readOnlyText, replaceFile } from "../../tools/files/replace-file.ts";
import { readTextFile } from "../../tools/files/text-file.ts";
import { locate, type WorkspacePath } from "../../workspace-path.ts";

/** An agent's request that hearth refuses, with the JSON-RPC error code. */
export class ClientRefusal extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.name = "ClientRefusal";
    this.code = code;
  }
}
export const INVALID_PARAMS = -32602;
export const NOT_FOUND = -32002;
export const REQUEST_CANCELLED = -32800;
const INTERNAL = -32603;

/** Resolves an agent's path. Throws ClientRefusal when it is outside the session's root. */
export async function placeInside(root: string, path: string): Promise<WorkspacePath> {
  const place = await locate(root, path).catch((error: unknown) => {
    throw new ClientRefusal(INVALID_PARAMS, messageOf(error));
  });
  if (!place.isInside)
    throw new ClientRefusal(INVALID_PARAMS, `${path} is outside the workspace: hearth does not open it`);
  return place;
}

/** `line` counts from 1. */
export async function readLines(
  place: WorkspacePath,
  range: { line: number | undefined; limit: number | undefined },
  signal: AbortSignal,
): Promise<string> {
  const { text } = await readWhole(place, signal);
  if (range.line === undefined && range.limit === undefined) return text;
  const lines = text.split("\n");
  const first = Math.max(0, (range.line ?? 1) - 1);
  return lines.slice(first, range.limit === undefined ? undefined : first + range.limit).join("\n");
}

/** A file's current content; undefined when it does not exist. */
export type Found = { text: string; bytes: Buffer; stats: Stats } | undefined;

export async function findFile(place: WorkspacePath, signal: AbortSignal): Promise<Found> {
  const stats = await statIfPresent(place.real);
  return stats && readWhole(place, signal);
}

/** Writes the whole file or nothing. `place` is already resolved; links are not followed again. */
export async function writeWhole(place: WorkspacePath, content: string, found: Found): Promise<void> {
  const bytes = Buffer.from(content, "utf8");
  try {
    if (found === undefined) await createFile(place.real, bytes);
    else if (await isWriteProtected(place.real, found.stats))
      throw new Error(`${place.shown} is ${readOnlyText(found.stats)}; nothing was written`);
    else await replaceFile(place.real, bytes, found);
  } catch (error) {
    throw new ClientRefusal(INTERNAL, messageOf(error));
  }
}

/** Keeps every byte, because the agent writes back what it read. */
async function readWhole(place: WorkspacePath, signal: AbortSignal): Promise<NonNullable<Found>> {
  try {
    const file = await readTextFile(place, signal);
    if (!file.isFaithful)
      throw new ClientRefusal(INTERNAL, `${place.shown} is not UTF-8: it would not survive an edit`);
    const { bytes, stats } = file;
    return { text: bytes.toString("utf8"), bytes, stats };
  } catch (error) {
    if (error instanceof ClientRefusal) throw error;
    if (signal.aborted) throw new ClientRefusal(REQUEST_CANCELLED, "The turn was canceled");
    const isMissing = error instanceof Error && "code" in error && error.code === "ENOENT";
    // Agents recognize a missing file by this code and this text.
    if (isMissing) throw new ClientRefusal(NOT_FOUND, `Resource not found: ${place.real}`);
    throw new ClientRefusal(INTERNAL, messageOf(error));
  }
}

async function statIfPresent(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new ClientRefusal(INTERNAL, messageOf(error));
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
