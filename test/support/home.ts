import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { Config } from "../../src/protocol/config.ts";

export const repository = resolve(import.meta.dirname, "../..");
export const launcher = join(repository, "bin", "hearth");

/** One test's own machine: HEARTH_HOME, HOME, a project to work in, and the environment that names them. */
export type Home = {
  /** HEARTH_HOME. */
  readonly dir: string;
  /** A project directory; real path. */
  readonly project: string;
  readonly socket: string;
  readonly database: string;
  readonly log: string;
  /** What a terminal in this machine would have: nothing of the tests' own environment but PATH. */
  readonly env: Record<string, string>;
  config(config: Config | string): void;
  /** Writes a file of the project; returns its path. */
  write(path: string, text: string): string;
  /** Another empty directory outside the project. */
  folder(name: string): string;
  remove(): void;
};

/** The key that tests give their provider. It must never be seen in a store, a log, an event or a tool's environment. */
export const CANARY_KEY = "sk-canary-7f3b1e90d2c84aa6";

export function createHome(under = tmpdir()): Home {
  const base = realpathSync(mkdtempSync(join(under, "hh-")));
  const dir = join(base, "home");
  const project = join(base, "project");
  const user = join(base, "user");
  const temp = join(base, "temp");
  for (const folder of [dir, project, user, temp]) mkdirSync(folder);
  const configFile = join(dir, "config", "hearth.jsonc");
  return {
    dir,
    project,
    socket: join(dir, "run", "daemon.sock"),
    database: join(dir, "data", "hearth.db"),
    log: join(dir, "state", "daemon.log"),
    env: {
      PATH: process.env["PATH"] ?? "/usr/bin:/bin",
      HOME: user,
      HEARTH_HOME: dir,
      LANG: "C.UTF-8",
      TMPDIR: temp,
      SHELL: "/bin/sh",
      LOCAL_KEY: CANARY_KEY,
      NODE_COMPILE_CACHE:
        process.env["NODE_COMPILE_CACHE"] ?? join(repository, "node_modules/.cache/hearth-tests"),
    },
    config(config) {
      mkdirSync(dirname(configFile), { recursive: true, mode: 0o700 });
      writeFileSync(configFile, typeof config === "string" ? config : JSON.stringify(config, null, 2));
    },
    write(path, text) {
      const file = join(project, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
      return file;
    },
    folder(name) {
      const path = join(base, name);
      mkdirSync(path, { recursive: true });
      return path;
    },
    remove: () => rmSync(base, { recursive: true, force: true, maxRetries: 5 }),
  };
}

/** A configuration with one provider, `local`, at `baseUrl`, whose key comes from LOCAL_KEY. */
export function localConfig(
  baseUrl: string,
  type: "openai-compatible" | "anthropic" | "google" | "openai" = "openai-compatible",
): Config {
  return {
    model: "local/big",
    // The same on machines that have a sandbox and on those that have none.
    permissions: { sandbox: "off" },
    providers: {
      local: {
        type,
        base_url: baseUrl,
        api_key: "env:LOCAL_KEY",
        models: {
          big: { context_window: 128_000, max_output_tokens: 8192, cost: { input: 1, output: 2 } },
          small: { context_window: 32_000 },
        },
      },
    },
  };
}
