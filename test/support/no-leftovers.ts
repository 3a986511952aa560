import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually } from "./happenings.ts";
import { processesOf, signal } from "./processes.ts";

/**
 * Vitest's global set-up: every test works below one folder, so that what a test has left running is known by it (as
 * its HEARTH_HOME or its working directory), ended, and fails the run. Short: a socket's path has 107 characters.
 */
const folder = mkdtempSync(join(tmpdir(), "hv-"));

export function setup() {
  process.env["TMPDIR"] = folder;
}

export async function teardown() {
  try {
    // What was told to end may still be at it.
    await eventually(() => left().length === 0, "the end of all that the tests started", ENDING_MS).catch(
      () => undefined,
    );
    const found = left();
    for (const one of found) signal(one, "SIGKILL");
    if (found.length > 0) {
      const named = found.map(({ pid, command }) => `${pid} ${command}`).join("\n");
      throw new Error(`The tests left ${found.length} processes behind:\n${named}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const ENDING_MS = 20_000;

/** Vitest's own workers have the folder in their environment as well. */
const left = () =>
  processesOf(folder).filter(
    ({ command }) => !/vitest|MainThread|--experimental-import-meta-resolve/.test(command),
  );
