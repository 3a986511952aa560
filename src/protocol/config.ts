import { z } from "zod";
import { isolations, modelAbilities } from "./choices.ts";
import { Launcher } from "./launcher.ts";
import { PermissionMode } from "./permission.ts";

/** `hearth.jsonc`. Every key is optional. An unknown key is a warning, a wrong value an error with its place. */
const ModelConfig = z.object({
  context_window: z.int().min(1).optional().describe("Tokens the model can see at once"),
  max_output_tokens: z.int().min(1).optional().describe("Tokens it may answer with"),
  abilities: z
    .array(z.enum(modelAbilities))
    .optional()
    .describe("What it can do: images, pdf, reasoning, tools"),
  efforts: z.array(z.string()).optional().describe("How hard it can be told to think, from little to much"),
  cost: z
    .object({
      input: z.number().min(0).optional(),
      output: z.number().min(0).optional(),
      cache_read: z.number().min(0).optional(),
      cache_write: z.number().min(0).optional(),
      tiers: z
        .array(
          z.object({
            above: z.int().min(1).describe("Input tokens above which these prices count"),
            input: z.number().min(0),
            output: z.number().min(0),
            cache_read: z.number().min(0).optional(),
            cache_write: z.number().min(0).optional(),
          }),
        )
        .optional(),
    })
    .optional()
    .describe("USD per million tokens"),
});

export const ProviderType = z.enum(["openai-compatible", "openai", "anthropic", "google"]);
export type ProviderType = z.infer<typeof ProviderType>;

const ProviderConfig = z.object({
  type: ProviderType,
  base_url: z.url().optional().describe("Includes the version segment: /v1 or /v1beta"),
  api_key: z
    .string()
    .optional()
    .describe(
      'The key, "env:NAME" to read it from the client\'s environment, or "cmd:COMMAND" for a helper that prints it',
    ),
  headers: z.record(z.string(), z.string()).optional(),
  models: z.record(z.string(), ModelConfig).optional(),
});

const AgentConfig = z.object({
  backend: z.enum(["native", "acp", "opencode"]).optional(),
  command: z.array(z.string()).min(1).optional(),
  env: z.record(z.string(), z.string()).optional(),
  model: z.string().optional(),
  enabled: z.boolean().optional(),
});

const PermissionsConfig = z.object({
  mode: PermissionMode.optional(),
  harmless_commands: z
    .enum(["ask", "allow"])
    .optional()
    .describe(
      '"allow" runs commands that only look at the workspace (ls, git status) unasked; default "ask"',
    ),
  sandbox: z
    .enum(["auto", "off", "require"])
    .optional()
    .describe(
      '"auto" also runs unasked what can change nothing; "require" runs no command without a sandbox; unset: sandboxed where it works, and asked about as ever',
    ),
  allow: z.array(z.string()).optional().describe('Rules like "bash(npm test)" or "edit(src/**)"'),
  ask: z.array(z.string()).optional(),
  deny: z.array(z.string()).optional(),
});

const JobsConfig = z.object({
  wake: z
    .enum(["ask", "allow", "never"])
    .optional()
    .describe(
      'Whether a background job that ends or prints a watched line may start a turn by itself: "ask" asks once a session (default), "allow", "never"',
    ),
});

const WorktreeConfig = z.object({
  copy: z.array(z.string().min(1)).optional().describe("Files and folders copied into a new worktree: .env"),
  link: z
    .array(z.string().min(1))
    .optional()
    .describe("Files and folders that a new worktree shares with the workspace: node_modules"),
  setup: z.string().min(1).optional().describe("A shell command that runs in a new worktree: npm ci"),
});

const ToolsConfig = z.object({
  search: z
    .enum(["off", "provider"])
    .optional()
    .describe(
      '"provider": models may use their provider\'s own search of the web, which runs there unasked; default "off"',
    ),
});

const milliseconds = z.int().min(1);

const McpServerConfig = z.object({
  command: z.array(z.string()).min(1).optional().describe("The program and its arguments: a server on stdio"),
  cwd: z.string().optional().describe("Where it runs; default: the workspace"),
  env: z
    .record(z.string(), z.string())
    .optional()
    .describe('Added to its environment; "env:NAME" reads a variable of the client'),
  url: z.url().optional().describe("A server on streamable HTTP"),
  headers: z.record(z.string(), z.string()).optional(),
  enabled: z.boolean().optional(),
  timeout_ms: milliseconds.optional().describe("How long one call may take; default 120000"),
  start_timeout_ms: milliseconds.optional().describe("How long its start may take; default 60000"),
});

/** Hooks in the form of Claude Code: by event, lists of commands for the tools that a matcher names. */
const HookConfig = z.object({
  matcher: z.string().optional(),
  hooks: z.array(
    z.object({
      type: z.literal("command"),
      command: z.string().min(1),
      timeout: z.number().positive().optional().describe("Seconds; default 60"),
    }),
  ),
});
export const hookEvents = ["PreToolUse", "PostToolUse", "UserPromptSubmit", "Stop", "SessionStart"] as const;
export type HookEvent = (typeof hookEvents)[number];

const LanguageServerConfig = z.object({
  command: z.array(z.string()).min(1).optional(),
  extensions: z
    .record(z.string().startsWith("."), z.string())
    .optional()
    .describe('File name endings with the language\'s id, like { ".zig": "zig" }'),
  enabled: z
    .boolean()
    .optional()
    .describe(
      "false: never started; true: also where it runs code of the project, or the project's own copy",
    ),
});
const LimitsConfig = z.object({
  idle_exit_ms: milliseconds.optional(),
  idle_evict_ms: milliseconds.optional(),
  max_warm: z.int().min(1).optional(),
  stall_first_byte_ms: milliseconds.optional(),
  stall_progress_ms: milliseconds.optional(),
  stall_notice_ms: milliseconds.optional(),
  max_steps: z.int().min(1).optional(),
  max_retries: z.int().min(0).optional(),
  checkpoint_bytes: z
    .int()
    .min(1)
    .optional()
    .describe("Most bytes kept for undo in each workspace; the oldest turns go first"),
  max_run_cost: z.number().positive().optional().describe("USD after which a run is stopped"),
  max_run_tokens: z.int().min(1).optional().describe("Tokens, in and out, after which a run is stopped"),
  budget_run_cost: z.number().positive().optional().describe("USD for a run; then a person is asked"),
  budget_run_minutes: z.number().positive().optional().describe("Minutes for a run; then a person is asked"),
  budget_session_cost: z.number().positive().optional().describe("USD for a session; then a person is asked"),
  budget_session_minutes: z
    .number()
    .positive()
    .optional()
    .describe("Minutes for a session; then a person is asked"),
  budget_day_cost: z
    .number()
    .positive()
    .optional()
    .describe("USD for all runs of a day; then a person is asked"),
  budget_day_minutes: z
    .number()
    .positive()
    .optional()
    .describe("Minutes for all runs of a day; then a person is asked"),
  budget_agent_cost: z
    .number()
    .positive()
    .optional()
    .describe("USD for the runs of one agent in a day; then a person is asked"),
  budget_agent_minutes: z
    .number()
    .positive()
    .optional()
    .describe("Minutes for the runs of one agent in a day; then a person is asked"),
});

export const Config = z.object({
  model: z.string().optional().describe("provider/model"),
  fallback_models: z
    .array(z.string())
    .optional()
    .describe("Models that answer, in this order, when the chosen one keeps failing"),
  models_url: z
    .url()
    .optional()
    .describe("Where `hearth models refresh` reads the list of models, in models.dev's format"),
  small_model: z.string().optional().describe("provider/model, for titles and sub-agents that only look"),
  agent: z.string().optional(),
  isolation: z
    .enum(isolations)
    .optional()
    .describe('Where agents of a new session edit: "in_place", or in a git "worktree" of their own'),
  worktree: WorktreeConfig.optional(),
  on_last_detach: z.enum(["continue", "cancel"]).optional(),
  providers: z.record(z.string(), ProviderConfig).optional(),
  agents: z.record(z.string(), AgentConfig).optional(),
  permissions: PermissionsConfig.optional(),
  mcp_servers: z.record(z.string(), McpServerConfig).optional(),
  hooks: z
    .partialRecord(z.enum(hookEvents), z.array(HookConfig))
    .optional()
    .describe("Commands that run at events of a session"),
  language_servers: z
    .record(z.string(), LanguageServerConfig)
    .optional()
    .describe("Programs that check files after an edit"),
  jobs: JobsConfig.optional(),
  tools: ToolsConfig.optional(),
  notify: z
    .array(z.string().regex(/\S/, "must name a command or an address"))
    .optional()
    .describe(
      "What is told when a run or task ends or needs an answer: an http(s) address gets a JSON POST, anything else is a shell command that gets the JSON on standard input",
    ),
  registry: z
    .url()
    .optional()
    .describe("Where `hearth agents add` finds agents; default: the public registry"),
  launchers: z
    .record(z.string(), Launcher)
    .optional()
    .describe("Engines that tasks run on, by name: `hearth task run --on NAME`"),
  containers: z
    .object({
      runtime: z
        .string()
        .regex(/\S/, "must name a program")
        .optional()
        .describe(
          "podman or docker, or the path of a program that takes the same options; default: what is there",
        ),
      args: z
        .array(z.string())
        .optional()
        .describe('More options for its "run": "--network=none", "--memory=4g", another --mount'),
      env: z
        .record(z.string(), z.string())
        .optional()
        .describe('Variables that commands in a container get; "env:NAME" takes the value of your terminal'),
    })
    .optional()
    .describe("The containers of sessions that were started with --in IMAGE"),
  limits: LimitsConfig.optional(),
});
export type Config = z.infer<typeof Config>;
export type ModelConfig = z.infer<typeof ModelConfig>;
export type ProviderConfig = z.infer<typeof ProviderConfig>;
export type AgentConfig = z.infer<typeof AgentConfig>;
export type LanguageServerConfig = z.infer<typeof LanguageServerConfig>;
export type McpServerConfig = z.infer<typeof McpServerConfig>;
export type HooksConfig = NonNullable<Config["hooks"]>;

export const limitDefaults = {
  idle_exit_ms: 30 * 60_000,
  idle_evict_ms: 10 * 60_000,
  max_warm: 6,
  stall_first_byte_ms: 300_000,
  stall_progress_ms: 300_000,
  stall_notice_ms: 15_000,
  max_steps: 100,
  max_retries: 6,
  checkpoint_bytes: 2 * 1024 ** 3,
  max_run_cost: Number.POSITIVE_INFINITY,
  max_run_tokens: Number.POSITIVE_INFINITY,
  budget_run_cost: Number.POSITIVE_INFINITY,
  budget_run_minutes: Number.POSITIVE_INFINITY,
  budget_session_cost: Number.POSITIVE_INFINITY,
  budget_session_minutes: Number.POSITIVE_INFINITY,
  budget_day_cost: Number.POSITIVE_INFINITY,
  budget_day_minutes: Number.POSITIVE_INFINITY,
  budget_agent_cost: Number.POSITIVE_INFINITY,
  budget_agent_minutes: Number.POSITIVE_INFINITY,
} as const satisfies Required<z.infer<typeof LimitsConfig>>;
export type Limits = { [K in keyof typeof limitDefaults]: number };
