import type { Paths } from "../protocol/paths.ts";
import type { Output } from "./output/output.ts";

/** What a command gets from its process. */
export type Context = {
  env: Readonly<Record<string, string | undefined>>;
  /** Throws HearthError when the directory has been removed. */
  cwd(): string;
  /** Computed at first use. */
  readonly paths: Paths;
  /** bin/hearth, which starts a daemon. */
  launcher: string;
  out: Output;
  err: Output;
};
