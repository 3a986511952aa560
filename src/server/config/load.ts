import { join } from "node:path";
import { type Config, type Limits, limitDefaults } from "../../protocol/config.ts";
import { HearthError } from "../../protocol/errors.ts";
import type { Paths } from "../../protocol/paths.ts";
import { mergeProject, type Offered } from "./merge.ts";
import { type ParsedConfig, parseConfig, parseProjectConfig } from "./parse.ts";
import { type ReadFile, readConfigFile } from "./read-file.ts";

export type ConfigSource = { kind: "user" | "project"; path: string; exists: boolean };

export type LoadedConfig = {
  config: Config;
  /** What the project's own files would start; not part of `config`. */
  offered: Offered;
  /** All limits; the default where the configuration sets none. */
  limits: Limits;
  /** One sentence each, with its place: what is ignored, and why. */
  warnings: string[];
  sources: ConfigSource[];
};

export type ConfigPlace = {
  paths: Paths;
  /** The workspace's directory, for its `.hearth/hearth.jsonc`; null for the user's configuration alone. */
  root: string | null;
};

/**
 * Throws config_invalid for a mistake in the user's file, with its place. A mistake in a project's file is a warning.
 */
export type LoadConfig = (place: ConfigPlace) => LoadedConfig;

/** Reads the configuration anew. */
export const loadConfig: LoadConfig = (place) => createConfigLoader()(place);

/** Reads a project's file; `known` is the result of an earlier read. */
type ReadProject = typeof readConfigFile;

/** A `loadConfig` that reads a file again only when it has changed. Checking a file takes microseconds. */
export function createConfigLoader(readProject: ReadProject = readConfigFile): LoadConfig {
  const known = new Map<string, { read: ReadFile; parsed: ParsedConfig }>();

  type Parse = typeof parseConfig;
  function parsedFile(path: string, parse: Parse, readFile = readConfigFile): ParsedConfig | undefined {
    const before = known.get(path);
    const read = readFile(path, before?.read);
    if (read === undefined) {
      known.delete(path);
      return undefined;
    }
    if (before !== undefined && before.read === read) return before.parsed;
    const parsed = parse(read.text, path);
    known.set(path, { read, parsed });
    return parsed;
  }

  /** A project's file that cannot be read is a warning, like one with mistakes. */
  function projectFile(path: string): ParsedConfig | undefined {
    try {
      return parsedFile(path, parseProjectConfig, readProject);
    } catch (error) {
      if (!(error instanceof HearthError)) throw error;
      return { config: {}, warnings: [`${error.message} It is ignored.`] };
    }
  }

  return ({ paths, root }) => {
    const user = parsedFile(paths.configFile, parseConfig);
    const sources: ConfigSource[] = [{ kind: "user", path: paths.configFile, exists: user !== undefined }];
    const warnings = [...(user?.warnings ?? [])];
    let config = user?.config ?? {};
    let offered: Offered = {};
    if (root !== null) {
      const path = projectConfigFile(root);
      const project = projectFile(path);
      sources.push({ kind: "project", path, exists: project !== undefined });
      if (project !== undefined) {
        const merged = mergeProject(config, project.config, path);
        config = merged.config;
        offered = merged.offered;
        warnings.push(...project.warnings, ...merged.warnings);
      }
    }
    return {
      config,
      offered,
      limits: { ...limitDefaults, ...withoutUndefined(config.limits ?? {}) },
      warnings,
      sources,
    };
  };
}

export const projectConfigFile = (root: string): string => join(root, ".hearth", "hearth.jsonc");

function withoutUndefined(limits: NonNullable<Config["limits"]>): Partial<Limits> {
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined));
}
