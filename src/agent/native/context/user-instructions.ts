import { decodeText, readBeginning } from "../../files/read-beginning.ts";

const INSTRUCTIONS_BYTES_MAX = 32 * 1024;

/** The user's instructions for all projects. */
export async function readInstructions(file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined;
  try {
    const found = await readBeginning(file, INSTRUCTIONS_BYTES_MAX);
    return found && (decodeText(found.bytes)?.trim() || undefined);
  } catch {
    return undefined; // most users have none
  }
}
