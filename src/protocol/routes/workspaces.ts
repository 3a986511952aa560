import { z } from "zod";
import { Away } from "../away.ts";
import { ClientId, SessionId } from "../ids.ts";
import { Snapshot } from "../snapshot.ts";
import { Trust } from "../trust.ts";
import { Client, ClientKindSaid, Environment, Workspace } from "../workspace.ts";
import { by, byClient, count, ofWorkspace, route } from "./shared.ts";

const OpenedWorkspace = z.object({
  workspace: Workspace,
  /** What is ignored of the configuration, one sentence each: unknown keys, what a project may not set. */
  warnings: z.array(z.string()),
  /** What the project's own files would start; absent where that is nothing. */
  trust: Trust.optional(),
});

export const workspaceRoutes = {
  "POST /v1/workspaces": route({
    summary: "Open a directory, or return the workspace of that real path",
    query: byClient,
    body: z.object({
      path: z.string().min(1),
      client_id: ClientId.optional(),
      env: Environment.optional(),
    }),
    replies: { 200: OpenedWorkspace, 201: OpenedWorkspace },
  }),
  "GET /v1/workspaces": route({
    summary: "List workspaces",
    query: byClient,
    replies: { 200: z.object({ workspaces: z.array(Workspace) }) },
  }),
  "GET /v1/workspaces/{wid}": route({
    summary: "Read one workspace",
    params: ofWorkspace,
    query: byClient,
    replies: { 200: z.object({ workspace: Workspace }) },
  }),
  "DELETE /v1/workspaces/{wid}": route({
    summary: "Close a workspace: cancel what runs, deliver the ends, end its streams",
    params: ofWorkspace,
    query: byClient,
    replies: { 202: z.object({ workspace: Workspace }) },
  }),
  "GET /v1/workspaces/{wid}/events": route({
    summary: "Attach and stream events",
    params: ofWorkspace,
    query: z.object({
      ...by,
      kind: ClientKindSaid.optional(),
      label: z.string().max(200).optional(),
      since: z.coerce.number().int().min(0).optional(),
      session_id: SessionId.optional(),
    }),
    replies: { 200: "stream" },
  }),
  "PATCH /v1/workspaces/{wid}/clients/{cid}": route({
    summary: "Set the session that an attached client shows; null: none",
    params: ofWorkspace.extend({ cid: ClientId }),
    query: byClient,
    body: z.object({ session_id: SessionId.nullable() }),
    replies: { 200: z.object({ client: Client }) },
  }),
  "GET /v1/workspaces/{wid}/snapshot": route({
    summary: "The present state and its seq",
    params: ofWorkspace,
    query: z.object({ ...by, session_id: SessionId.optional(), limit: count(100, 1000) }),
    replies: { 200: Snapshot },
  }),
  "GET /v1/workspaces/{wid}/files": route({
    summary: "Files and folders by letters of their path, best first; more may come where not `complete`",
    params: ofWorkspace,
    query: z.object({
      ...by,
      query: z.string().max(500).default(""),
      limit: count(20, 200),
      /** Of this session's folder, which may be a worktree. */
      session_id: SessionId.optional(),
    }),
    replies: {
      200: z.object({ files: z.array(z.string()), truncated: z.boolean(), complete: z.boolean() }),
    },
  }),
  "GET /v1/workspaces/{wid}/away": route({
    summary: "What has ended and what waits since the last terminal left",
    params: ofWorkspace,
    query: byClient,
    replies: { 200: Away },
  }),
} as const;
