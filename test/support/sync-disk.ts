import { lstatSync, readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from "node:fs";
import type { Disk, Found, Link } from "../../src/agent/permission/paths/real-path.ts";

function attempt<T>(act: () => T, otherwise: (isMissing: boolean) => T): T {
  try {
    return act();
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    return otherwise(code === "ENOENT" || code === "ENOTDIR");
  }
}

/** The disk as it is, asked at once: for tests of the judge, which is pure. */
export const syncDisk: Disk = {
  link: (path) =>
    attempt<Link>(
      () => (lstatSync(path).isSymbolicLink() ? { target: readlinkSync(path) } : "none"),
      (isMissing) => (isMissing ? "missing" : "unknown"),
    ),
  stat: (path) =>
    attempt<Found>(
      () => ({ isFile: statSync(path).isFile(), size: statSync(path).size }),
      (isMissing) => (isMissing ? "missing" : "unknown"),
    ),
  bytes: (path) =>
    attempt<Buffer | undefined>(
      () => readFileSync(path),
      () => undefined,
    ),
  names: (path) =>
    attempt<readonly string[] | undefined>(
      () => readdirSync(path),
      (isMissing) => (isMissing ? [] : undefined),
    ),
  trueCase: (path) => (process.platform === "darwin" ? realpathSync.native(path) : path),
};
