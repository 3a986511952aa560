import { isProviderVariable } from "./provider-variables.ts";

/**
 * The part of its environment that a client sends: enough for commands to behave as in its own shell, and the keys of
 * model providers, which the daemon keeps in memory and never gives to a command.
 */
const toolNames = new Set([
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "SHELL",
  "LANG",
  "LANGUAGE",
  "TZ",
  "TERM",
  "COLORTERM",
  "TMPDIR",
  "TEMP",
  "TMP",
  "EDITOR",
  "VISUAL",
  "PAGER",
  "HOSTNAME",
  "DISPLAY",
  "WAYLAND_DISPLAY",
  "SSH_AUTH_SOCK",
  "XDG_RUNTIME_DIR",
  "XDG_CONFIG_HOME",
  "XDG_DATA_HOME",
  "XDG_CACHE_HOME",
  "XDG_STATE_HOME",
  "VIRTUAL_ENV",
  "CONDA_PREFIX",
  "PYENV_ROOT",
  "PYTHONPATH",
  "GOPATH",
  "GOROOT",
  "GOBIN",
  "GOFLAGS",
  "CARGO_HOME",
  "RUSTUP_HOME",
  "RUSTFLAGS",
  "JAVA_HOME",
  "ANDROID_HOME",
  "M2_HOME",
  "NVM_DIR",
  "NVM_BIN",
  "VOLTA_HOME",
  "FNM_DIR",
  "PNPM_HOME",
  "BUN_INSTALL",
  "DENO_DIR",
  "RBENV_ROOT",
  "GEM_HOME",
  "GEM_PATH",
  "ASDF_DIR",
  "MISE_DATA_DIR",
  "NODE_EXTRA_CA_CERTS",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  "ALL_PROXY",
  "http_proxy",
  "https_proxy",
  "no_proxy",
  "all_proxy",
  "KUBECONFIG",
  "SLURM_CONF",
  "SBATCH_ACCOUNT",
  "SBATCH_PARTITION",
  "HEARTH_COMMAND",
  "HEARTH_IMAGE",
  "HEARTH_REMOTE",
  "HEARTH_WORKFLOW",
  "CI",
  "NO_COLOR",
  "FORCE_COLOR",
  "MAKEFLAGS",
  "CC",
  "CXX",
  "CFLAGS",
  "CXXFLAGS",
  "LDFLAGS",
  "PKG_CONFIG_PATH",
  "LD_LIBRARY_PATH",
  "DYLD_LIBRARY_PATH",
  "npm_config_registry",
]);
const toolPrefixes = ["LC_"];

/** A client's preferences for its runs; handled like the variables of providers. */
const preferenceNames = new Set(["HEARTH_MODEL", "HEARTH_AGENT"]);

/** Prefixes of the variables of other people's agents: their settings and logins. */
const agentPrefixes = ["GOOSE_", "QWEN_", "OPENCODE_", "CLAUDE_", "CODEX_", "GEMINI_CLI_"];

export type SplitEnvironment = {
  /** The environment of commands; may be stored. */
  tool: Record<string, string>;
  /** Variables for the agents alone; in memory only, because they include logins. */
  agent: Record<string, string>;
  /** Provider keys and addresses; in memory only. */
  provider: Record<string, string>;
};

/** `keyNames` are the variables that the user's configuration names as `env:NAME`. */
export function splitEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  keyNames: ReadonlySet<string>,
): SplitEnvironment {
  const split: SplitEnvironment = { tool: {}, agent: {}, provider: {} };
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) continue;
    if (isProviderVariable(name) || preferenceNames.has(name) || keyNames.has(name))
      split.provider[name] = value;
    else if (toolNames.has(name) || toolPrefixes.some((prefix) => name.startsWith(prefix)))
      split.tool[name] = value;
    else if (agentPrefixes.some((prefix) => name.startsWith(prefix))) split.agent[name] = value;
  }
  return split;
}

/** The variables that a configuration file refers to as `env:NAME`, found without parsing it. */
export function environmentNamesIn(configText: string): Set<string> {
  return new Set([...configText.matchAll(/"env:([A-Za-z_][A-Za-z0-9_]*)"/g)].map((match) => match[1] ?? ""));
}
