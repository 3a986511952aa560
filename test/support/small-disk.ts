import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** A file system of its own, small enough to be filled. */
export type SmallDisk = {
  readonly path: string;
  /** Not one byte is left. */
  fill(): void;
  /** There is room again. */
  free(): void;
  /** Throws when a program still has a file of it open for writing. */
  makeReadOnly(): void;
  makeWritable(): void;
};

const mount = (...args: string[]) => spawnSync("mount", args, { encoding: "utf8" });

/** Why this machine cannot mount one; null when it can. */
export function whyNoSmallDisk(): string | null {
  const path = mkdtempSync(join(tmpdir(), "hd-"));
  const { status, stderr, error } = mount("-t", "tmpfs", "-o", "size=1m", "none", path);
  if (status === 0) spawnSync("umount", [path]);
  rmdirSync(path);
  return status === 0 ? null : `a file system cannot be mounted here: ${error?.message ?? stderr.trim()}`;
}

/** Must be called before what is to live on it: that ends first. */
export function mountSmallDisk(megabytes: number): SmallDisk {
  const path = mkdtempSync(join(tmpdir(), "hd-"));
  const ballast = join(path, "ballast");
  const done = ({ status, stderr }: { status: number | null; stderr: string }) => {
    if (status !== 0) throw new Error(stderr);
  };
  done(mount("-t", "tmpfs", "-o", `size=${megabytes}m,mode=700`, "none", path));
  onTestFinished(() => {
    spawnSync("umount", ["--lazy", path]);
    rmdirSync(path);
  });
  return {
    path,
    fill() {
      const file = openSync(ballast, "a");
      try {
        for (let size = 1 << 20; size >= 1; ) {
          try {
            writeSync(file, Buffer.alloc(size));
          } catch {
            size = Math.floor(size / 2); // no room for so much
          }
        }
      } finally {
        closeSync(file);
      }
    },
    free: () => rmSync(ballast, { force: true }),
    makeReadOnly: () => done(mount("-o", "remount,ro", path)),
    makeWritable: () => done(mount("-o", "remount,rw", path)),
  };
}
