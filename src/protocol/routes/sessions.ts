import { z } from "zod";
import { AgentSession } from "../agent.ts";
import { MessageId, SessionId } from "../ids.ts";
import { Message } from "../message.ts";
import { PermissionMode } from "../permission.ts";
import { ContainerImage, ForkedFiles, Isolation, Session } from "../session.ts";
import { FoundSession } from "../session-search.ts";
import { by, byClient, count, flag, ofSession, ofWorkspace, route } from "./shared.ts";

const SessionFields = z.object({
  title: z.string().max(500).optional(),
  agent: z.string().optional(),
  model: z.string().nullable().optional(),
  mode: PermissionMode.optional(),
  /** Another agent starts without one. */
  agent_mode: z.string().max(200).nullable().optional(),
  isolation: Isolation.optional(),
});

/** A client may choose the new session's id: a repeated request then creates only one session. */
const newSessionId = { id: SessionId.optional() };

const NewSession = SessionFields.extend({
  ...newSessionId,
  /** Its commands run in a container of this image. A session keeps it. */
  container: ContainerImage.optional(),
});

export const sessionRoutes = {
  "POST /v1/workspaces/{wid}/sessions": route({
    summary: "Create a session",
    params: ofWorkspace,
    query: byClient,
    body: NewSession,
    replies: { 201: z.object({ session: Session }) },
  }),
  "GET /v1/workspaces/{wid}/sessions": route({
    summary: "List sessions, most recently used first",
    params: ofWorkspace,
    query: z.object({
      ...by,
      limit: count(50, 500),
      before: z.string().optional(),
      query: z.string().max(200).optional(),
      archived: flag.optional(),
    }),
    replies: { 200: z.object({ sessions: z.array(Session), next_before: z.string().nullable() }) },
  }),
  "GET /v1/sessions/search": route({
    summary: "Sessions of all workspaces with a text in title or messages, most recently used first",
    query: z.object({
      ...by,
      query: z.string().max(200).default(""),
      limit: count(20, 200),
      before: SessionId.optional(),
    }),
    replies: { 200: z.object({ sessions: z.array(FoundSession), next_before: z.string().nullable() }) },
  }),
  "GET /v1/workspaces/{wid}/sessions/{sid}": route({
    summary: "Read one session",
    params: ofSession,
    query: byClient,
    replies: { 200: z.object({ session: Session }) },
  }),
  "PATCH /v1/workspaces/{wid}/sessions/{sid}": route({
    summary: "Change title, agent, model, mode, isolation or archived",
    params: ofSession,
    query: byClient,
    body: SessionFields.extend({ archived: z.boolean().optional() }),
    replies: { 200: z.object({ session: Session }) },
  }),
  "DELETE /v1/workspaces/{wid}/sessions/{sid}": route({
    summary: "Cancel its runs and delete a session",
    params: ofSession,
    query: z.object({ ...by, force: flag.optional() }),
    replies: { 200: z.object({ session: Session }) },
  }),
  "POST /v1/workspaces/{wid}/sessions/{sid}/fork": route({
    summary: "A new session with the transcript up to a message, or all of it",
    params: ofSession,
    query: byClient,
    body: z
      .object({
        ...newSessionId,
        /** The last message that is copied. */
        message_id: MessageId.optional(),
        /** Without that message itself. */
        before: z.boolean().optional(),
        /** The fork works in a worktree with the files as they were then; without `message_id`: as they are. */
        files: z.literal("then").optional(),
      })
      .optional(),
    /** `files` is left out where an equal request made the fork before. */
    replies: { 201: z.object({ session: Session, files: ForkedFiles.optional() }) },
  }),
  "GET /v1/workspaces/{wid}/sessions/{sid}/messages": route({
    summary: "The newest page first, rows oldest to newest",
    params: ofSession,
    query: z.object({ ...by, before: z.string().optional(), limit: count(100, 1000) }),
    replies: { 200: z.object({ messages: z.array(Message), next_before: z.string().nullable() }) },
  }),
  "GET /v1/workspaces/{wid}/sessions/{sid}/agent-sessions": route({
    summary: "Warm state and usage per agent",
    params: ofSession,
    query: byClient,
    replies: { 200: z.object({ agent_sessions: z.array(AgentSession) }) },
  }),
} as const;
