import { z } from "zod";

/** An MCP server of a workspace. */
export const McpServer = z.object({
  name: z.string(),
  /** The configuration file that defines it. */
  source: z.string(),
  transport: z.enum(["stdio", "http"]),
  /** Its command line or address. */
  target: z.string(),
  /** idle: it starts with the first prompt. */
  state: z.enum(["idle", "starting", "ready", "failed", "needs_login", "untrusted", "disabled"]),
  /** Why it cannot be used, one sentence; null if it can. */
  reason: z.string().nullable(),
  /** The command that solves it. */
  fix: z.string().nullable(),
  /** Names of what it offers; empty until it is ready. */
  tools: z.array(z.string()),
  prompts: z.array(z.string()),
  /** URIs, and patterns of them: `file:///{path}`. */
  resources: z.array(z.string()),
});
export type McpServer = z.infer<typeof McpServer>;

const Values = z.record(z.string().max(1000), z.string().max(64 * 1024));

/** A server that a client gives to one session. Its values are meant as they are: nothing in them names a variable. */
export const SessionMcpServer = z.discriminatedUnion("transport", [
  z.object({
    transport: z.literal("stdio"),
    name: z.string().min(1).max(200),
    command: z.string().min(1).max(4096),
    args: z.array(z.string().max(64 * 1024)).max(1000),
    env: Values,
  }),
  z.object({
    transport: z.literal("http"),
    name: z.string().min(1).max(200),
    url: z.url({ protocol: /^https?$/ }).max(4096),
    headers: Values,
  }),
]);
export type SessionMcpServer = z.infer<typeof SessionMcpServer>;

/** A login at an MCP server. */
export const McpLoginState = z.object({
  state: z.enum(["waiting", "done", "failed"]),
  /** The page where the person logs in. */
  url: z.string(),
  /** What the person types there; null: nothing. */
  user_code: z.string().nullable(),
  /** Why it failed. */
  reason: z.string().nullable(),
});
export type McpLoginState = z.infer<typeof McpLoginState>;
