import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";

/** Other people's agents that the tests drive, each in the version that agents.md describes. */
type PinnedAgent = {
  /** npm package and exact version; what comes with it is npm's to choose. */
  package: string;
  version: string;
  /** How its own `--version` calls it, where that differs from the package. */
  calls_itself: string;
  /** Below its folder in the cache. */
  program: string;
  arguments: readonly string[];
  /** A script of the package that has to run once; npm itself runs none. */
  postinstall?: string;
};

const goosePackage = `@aaif/goose-binary-${process.platform}-${process.arch}`;
export const pinnedAgents = {
  goose: {
    package: goosePackage,
    version: "0.20.1",
    calls_itself: "1.34.0",
    program: `node_modules/${goosePackage}/bin/goose`,
    arguments: ["acp"],
  },
  qwen: {
    package: "@qwen-code/qwen-code",
    version: "0.24.4",
    calls_itself: "0.24.4",
    program: "node_modules/.bin/qwen",
    arguments: ["--acp", "--auth-type", "openai"],
  },
  opencode: {
    package: "opencode-ai",
    version: "1.18.33",
    calls_itself: "1.18.33",
    program: "node_modules/opencode-ai/bin/opencode.exe",
    arguments: ["acp", "--pure"],
    postinstall: "node_modules/opencode-ai/postinstall.mjs",
  },
  gemini: {
    package: "@google/gemini-cli",
    version: "0.61.0",
    calls_itself: "0.61.0",
    program: "node_modules/.bin/gemini",
    arguments: ["--acp", "-m", "gemini-2.5-flash"],
  },
  claude: {
    package: "@agentclientprotocol/claude-agent-acp",
    version: "0.100.0",
    calls_itself: "0.100.0",
    program: "node_modules/.bin/claude-agent-acp",
    arguments: [],
  },
  codex: {
    package: "@agentclientprotocol/codex-acp",
    version: "2.6.0",
    calls_itself: "2.6.0",
    program: "node_modules/.bin/codex-acp",
    arguments: [],
  },
} as const satisfies Record<string, PinnedAgent>;
export type RealAgentName = keyof typeof pinnedAgents;

export const agentCache = (): string =>
  process.env["HEARTH_AGENT_CACHE"] ?? join(homedir(), ".cache", "hearth", "agents");
export const agentFolder = (name: RealAgentName): string =>
  join(agentCache(), `${name}-${pinnedAgents[name].version}`);

// Read before a test gives itself another HOME; vitest.config.ts drops HEARTH_ variables for the tests.
export type RealAgent = {
  name: RealAgentName;
  version: string;
  command: [string, ...string[]];
  /** Without its arguments: for `--version`, `serve` and the like. */
  program: string;
};

/** They take minutes, and up to 800 MB each: `REAL_AGENTS=1 npm test` runs them, the ordinary check does not. */
const areWanted = (): boolean => process.env["REAL_AGENTS"] === "1";

/** For tests: undefined when they were not asked for, or when it is not in the cache. */
export const findRealAgent = (name: RealAgentName): RealAgent | undefined =>
  areWanted() ? cachedAgent(name) : undefined;

/** Undefined when it is not in the cache: `node test/support/install-agents.ts NAME` puts it there. */
export function cachedAgent(name: RealAgentName): RealAgent | undefined {
  const pinned = pinnedAgents[name];
  const program = join(agentFolder(name), pinned.program);
  if (!existsSync(program)) return undefined;
  return { name, version: pinned.calls_itself, program, command: [program, ...pinned.arguments] };
}

export const whyMissing = (name: RealAgentName): string =>
  areWanted()
    ? `${name} ${pinnedAgents[name].version} is not in ${agentCache()}: node test/support/install-agents.ts ${name}`
    : `${name} was not asked for: REAL_AGENTS=1 npm test -- --project agents`;

const offline = {
  DO_NOT_TRACK: "1",
  NO_PROXY: "127.0.0.1,localhost",
  // Whatever is not loopback fails at once instead of hanging.
  HTTPS_PROXY: "http://127.0.0.1:9",
};

/** What it needs to talk to a model server on loopback, with nothing of this machine's but PATH. */
export function realAgentEnv(name: RealAgentName, modelOrigin: string): Record<string, string> {
  switch (name) {
    case "goose":
      return {
        ...offline,
        GOOSE_PROVIDER: "openai",
        GOOSE_MODEL: "fake-model",
        OPENAI_HOST: modelOrigin,
        OPENAI_API_KEY: "dummy",
        GOOSE_DISABLE_KEYRING: "1",
        GOOSE_TELEMETRY_ENABLED: "false",
        GOOSE_CONTEXT_LIMIT: "400000",
      };
    case "qwen":
      return {
        ...offline,
        OPENAI_API_KEY: "dummy",
        OPENAI_BASE_URL: `${modelOrigin}/v1`,
        OPENAI_MODEL: "fake-model",
      };
    case "opencode":
      return {
        ...offline,
        OPENCODE_DISABLE_AUTOUPDATE: "1",
        OPENCODE_DISABLE_MODELS_FETCH: "1",
        OPENCODE_DISABLE_LSP_DOWNLOAD: "1",
        OPENCODE_CONFIG_CONTENT: JSON.stringify(opencodeConfig(modelOrigin)),
      };
    case "gemini":
      return {
        ...offline,
        GEMINI_API_KEY: "dummy",
        GOOGLE_GEMINI_BASE_URL: modelOrigin,
        GEMINI_CLI_TRUST_WORKSPACE: "true",
      };
    case "claude":
      return {
        ...offline,
        ANTHROPIC_API_KEY: "sk-ant-dummy",
        ANTHROPIC_BASE_URL: modelOrigin,
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
        DISABLE_AUTOUPDATER: "1",
        DISABLE_TELEMETRY: "1",
      };
    case "codex":
      return {
        ...offline,
        FAKE_KEY: "dummy",
        CODEX_CONFIG: JSON.stringify(codexConfig(modelOrigin)),
      };
  }
}

function opencodeConfig(modelOrigin: string) {
  const model = { name: "Fake", tool_call: true, limit: { context: 400_000, output: 16_000 } };
  const options = { baseURL: `${modelOrigin}/v1`, apiKey: "dummy" };
  return {
    autoupdate: false,
    share: "disabled",
    model: "fake/fake-model",
    small_model: "fake/fake-model",
    provider: {
      fake: {
        npm: "@ai-sdk/openai-compatible",
        name: "Fake",
        options,
        models: { "fake-model": model, "other-model": { ...model, name: "Other" } },
      },
    },
  };
}

function codexConfig(modelOrigin: string) {
  const fake = { name: "Fake", base_url: `${modelOrigin}/v1`, env_key: "FAKE_KEY", wire_api: "responses" };
  return {
    model: "gpt-5.5",
    model_provider: "fake",
    features: { plugins: false, apps: false },
    model_providers: { fake },
  };
}

/** A quiet start for the agents that read it from a file below HOME. */
export const realAgentFiles: { [name in RealAgentName]?: { path: string; content: unknown } } = {
  qwen: {
    path: ".qwen/settings.json",
    content: {
      general: { enableAutoUpdate: false },
      privacy: { usageStatisticsEnabled: false },
      telemetry: { enabled: false },
      security: { folderTrust: { enabled: false } },
      // Off unless asked for; its plans are made by it.
      tools: { todoWrite: { enabled: true } },
    },
  },
  gemini: {
    path: ".gemini/settings.json",
    content: {
      general: { enableAutoUpdate: false, enableAutoUpdateNotification: false },
      privacy: { usageStatisticsEnabled: false },
      telemetry: { enabled: false },
      security: { auth: { selectedType: "gemini-api-key" }, folderTrust: { enabled: false } },
    },
  },
};

/** PATH for agents that are Node programs: the Node that runs the tests comes first. */
export const agentPath = (): string =>
  [dirname(process.execPath), process.env["PATH"] ?? "/usr/bin:/bin"].join(delimiter);
