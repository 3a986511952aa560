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
