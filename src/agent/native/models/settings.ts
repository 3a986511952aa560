import type { Config, Limits } from "../../../protocol/config.ts";

/** What the native backend is told at every turn. */
export type NativeSettings = {
  config: Config;
  /** Keys, addresses and HEARTH_MODEL as the attached clients have them. */
  providerEnv: Readonly<Record<string, string>>;
  limits: Limits;
};
