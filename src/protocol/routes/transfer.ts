import { z } from "zod";
import { SessionId } from "../ids.ts";
import { Session } from "../session.ts";
import { ExportPage, ImportedHead, ImportedMessage, SessionPatch } from "../session-file.ts";
import { by, byClient, count, ofSession, ofWorkspace, route } from "./shared.ts";

export const transferRoutes = {
  "GET /v1/workspaces/{wid}/sessions/{sid}/export": route({
    summary: "All of a session in pages, oldest first, with the bytes of attachments",
    params: ofSession,
    query: z.object({ ...by, after: z.coerce.number().int().min(0).default(0), limit: count(200, 1000) }),
    replies: { 200: ExportPage },
  }),
  "POST /v1/workspaces/{wid}/imports": route({
    summary: "Begin to import a session: nobody sees it before it is finished",
    params: ofWorkspace,
    query: byClient,
    body: ImportedHead,
    replies: { 201: z.object({ import_id: SessionId }) },
  }),
  "POST /v1/workspaces/{wid}/imports/{sid}/messages": route({
    summary: "Add messages to an import, after those that came before",
    params: ofSession,
    query: byClient,
    body: z.object({ messages: z.array(ImportedMessage).max(10_000) }),
    replies: { 200: z.object({ messages: z.int() }) },
  }),
  "POST /v1/workspaces/{wid}/imports/{sid}/finish": route({
    summary: "Show an imported session, with those of its sub-agents, in the default mode",
    params: ofSession,
    query: byClient,
    body: z.object({ patch: SessionPatch.optional() }).optional(),
    replies: {
      201: z.object({
        session: Session,
        /** Why its changes are kept as a patch, and do not wait in a worktree. */
        note: z.string().optional(),
      }),
    },
  }),
  "DELETE /v1/workspaces/{wid}/imports/{sid}": route({
    summary: "Drop an import that is not finished",
    params: ofSession,
    query: byClient,
    replies: { 200: z.object({}) },
  }),
} as const;
