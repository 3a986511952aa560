import { z } from "zod";
import { MessageId, RunId, SessionId } from "../ids.ts";
import { Job, JobId } from "../job.ts";
import { PermissionMode } from "../permission.ts";
import { ContextFill, RequestDetail, RequestMeta } from "../request.ts";
import { Delivery, Run } from "../run.ts";
import { Environment } from "../workspace.ts";
import { by, byClient, count, ofSession, ofWorkspace, route } from "./shared.ts";

const ofJob = ofSession.extend({ jid: JobId });

const ofRun = ofSession.extend({ rid: RunId });

const Attachment = z.object({
  name: z.string().min(1).max(255),
  media_type: z.string().min(1).max(127),
  /** A file of the workspace, by path … */
  path: z.string().optional(),
  /** … or its bytes, base64. */
  data: z.base64().optional(),
});

export type Attachment = z.infer<typeof Attachment>;

export const PromptBody = z.object({
  session_id: SessionId,
  prompt: z.string(),
  run_id: RunId.optional(),
  attachments: z.array(Attachment).max(32).optional(),
  agent: z.string().optional(),
  model: z.string().optional(),
  mode: PermissionMode.optional(),
  delivery: Delivery.optional(),
  env: Environment.optional(),
  /** Ends the run with outcome `max_steps` after this many model answers. */
  max_steps: z.int().min(1).max(10_000).optional(),
  /** USD after which a person is asked whether the run may go on; without one it ends with `budget_reached`. */
  max_cost: z.number().positive().optional(),
  /** When a question cannot be answered now: wait for a client, end the run, or deny it. */
  on_question: z.enum(["wait", "fail", "deny"]).optional(),
  /** False: the session's agent is stopped after this prompt, unless another prompt to the session keeps it warm. */
  keep_warm: z.boolean().optional(),
});

export type PromptBody = z.infer<typeof PromptBody>;

export const PromptReply = z.object({
  run_id: RunId,
  message_id: MessageId,
  state: z.enum(["accepted", "active", "queued"]),
  /** The number of prompts that run before this one. */
  queue_position: z.int(),
});

export type PromptReply = z.infer<typeof PromptReply>;

export const runRoutes = {
  "GET /v1/workspaces/{wid}/sessions/{sid}/runs": route({
    summary: "The ledger of runs, oldest first; the newest page",
    params: ofSession,
    query: z.object({ ...by, limit: count(100, 1000) }),
    replies: { 200: z.object({ runs: z.array(Run) }) },
  }),
  "GET /v1/workspaces/{wid}/sessions/{sid}/runs/{rid}": route({
    summary: "Read one run",
    params: ofRun,
    query: byClient,
    replies: { 200: z.object({ run: Run }) },
  }),
  "GET /v1/workspaces/{wid}/sessions/{sid}/runs/{rid}/requests": route({
    summary: "A run's requests to its model, oldest first; old ones are deleted",
    params: ofRun,
    query: byClient,
    replies: { 200: z.object({ requests: z.array(RequestMeta) }) },
  }),
  "GET /v1/workspaces/{wid}/sessions/{sid}/runs/{rid}/request": route({
    summary: "One of them with what was sent and what came back, without keys",
    params: ofRun,
    query: z.object({ ...by, n: count(1, 100_000) }),
    replies: { 200: z.object({ request: RequestDetail }) },
  }),
  "GET /v1/workspaces/{wid}/sessions/{sid}/context": route({
    summary:
      "What fills the context window of the session's model, and how much comes from its provider's cache",
    params: ofSession,
    query: byClient,
    replies: { 200: z.object({ context: ContextFill }) },
  }),
  "GET /v1/workspaces/{wid}/sessions/{sid}/jobs": route({
    summary: "Background commands of the session, oldest first; old ones that have ended are left out",
    params: ofSession,
    query: byClient,
    replies: { 200: z.object({ jobs: z.array(Job) }) },
  }),
  "GET /v1/workspaces/{wid}/sessions/{sid}/jobs/{jid}/output": route({
    summary: "A job's output from `offset` on; `offset` in the reply is later where what was asked is gone",
    params: ofJob,
    query: z.object({
      ...by,
      offset: z.coerce.number().int().min(0).default(0),
      limit: count(30_000, 200_000),
    }),
    replies: {
      200: z.object({
        job: Job,
        /** UTF-16 code units from the start of the output. */
        offset: z.int(),
        text: z.string(),
        next_offset: z.int(),
        total: z.int(),
        /** Holds the whole output if that is long. */
        file: z.string().nullable(),
      }),
    },
  }),
  "POST /v1/workspaces/{wid}/sessions/{sid}/jobs/{jid}/cancel": route({
    summary: "End a job and what it started; harmless once it has ended",
    params: ofJob,
    query: byClient,
    replies: { 200: z.object({ job: Job }) },
  }),
  "PATCH /v1/workspaces/{wid}/sessions/{sid}/queue/{rid}": route({
    summary: "Edit a queued or held prompt",
    params: ofRun,
    query: byClient,
    body: z.object({ prompt: z.string().optional(), delivery: Delivery.optional() }),
    replies: { 200: z.object({ run: Run }) },
  }),
  "DELETE /v1/workspaces/{wid}/sessions/{sid}/queue/{rid}": route({
    summary: "Withdraw a queued or held prompt",
    params: ofRun,
    query: byClient,
    replies: { 200: z.object({ run: Run }) },
  }),
  "POST /v1/workspaces/{wid}/sessions/{sid}/queue/resume": route({
    summary: "Release held prompts to the queue",
    params: ofSession,
    query: byClient,
    replies: { 200: z.object({ runs: z.array(Run) }) },
  }),
  "POST /v1/workspaces/{wid}/agent": route({
    summary: "Accept a prompt; everything else comes over the event stream",
    params: ofWorkspace,
    query: byClient,
    body: PromptBody,
    replies: { 202: PromptReply },
  }),
  "POST /v1/workspaces/{wid}/agent/sessions/{sid}/cancel": route({
    summary: "Cancel the unfinished runs of a session",
    params: ofSession,
    query: byClient,
    body: z
      .object({
        /** `active` holds what waits. */
        scope: z.enum(["all", "active"]).optional(),
        /** This run alone, instead of a scope; what waits goes on. */
        run_id: RunId.optional(),
      })
      .optional(),
    replies: { 200: z.object({ canceled: z.array(RunId), held: z.array(RunId) }) },
  }),
  "POST /v1/workspaces/{wid}/sessions/{sid}/compact": route({
    summary: "Replace the older messages by a summary in what the model is sent; a run that waits its turn",
    params: ofSession,
    query: byClient,
    body: z
      .object({
        /** What must not be lost. */
        keep: z.string().max(10_000).optional(),
        run_id: RunId.optional(),
      })
      .optional(),
    replies: { 202: PromptReply },
  }),
} as const;
