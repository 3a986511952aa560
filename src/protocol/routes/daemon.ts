import { z } from "zod";
import { WorkspaceId } from "../ids.ts";
import { Time } from "../time.ts";
import { UsageBy, UsageRow } from "../usage.ts";
import { by, byClient, flag, route } from "./shared.ts";

export const Health = z.object({
  status: z.literal("ok"),
  version: z.string(),
  build: z.string(),
  /** "major.minor": a client and a daemon with the same major number understand each other. */
  protocol: z.string(),
  pid: z.int(),
  started_at: Time,
  clients: z.int(),
  active_runs: z.int(),
  /** Whether commands of hearth's own agent can be sandboxed; absent while that is not known. */
  sandbox: z
    .object({ state: z.enum(["sandboxed", "unsandboxed"]), reason: z.string().nullable() })
    .optional(),
  /** Messages for people about this daemon's start, such as a store that was moved aside. */
  notices: z.array(z.string()).optional(),
});

export type Health = z.infer<typeof Health>;

export const daemonRoutes = {
  "GET /v1/health": route({
    summary: "Liveness; with `checks` also what takes a moment to find out",
    query: byClient.extend({ checks: flag.optional() }),
    replies: { 200: Health },
  }),
  "GET /v1/openapi.json": route({
    summary: "This document",
    replies: { 200: z.record(z.string(), z.unknown()) },
  }),
  "POST /v1/daemon/shutdown": route({
    summary: "Stop the daemon cleanly",
    query: byClient,
    body: z.object({
      grace_ms: z.int().min(0).max(60_000).optional(),
      only_if_idle: z.boolean().optional(),
      /** The next daemon starts right away, so clients reconnect by themselves. */
      restart: z.boolean().optional(),
      /** Who stops it, for people at other terminals; default: the client's name. */
      by: z.string().max(200).optional(),
    }),
    replies: { 202: z.object({}) },
  }),
  "GET /v1/usage": route({
    summary: "What runs have used, by day, session, agent or model; of all workspaces unless one is named",
    query: z.object({ ...by, by: UsageBy.default("day"), workspace_id: WorkspaceId.optional() }),
    replies: { 200: z.object({ by: UsageBy, rows: z.array(UsageRow), total: UsageRow }) },
  }),
} as const;
