import { z } from "zod";
import { PermissionId } from "../ids.ts";
import { Decision, Grant, Permission } from "../permission.ts";
import { Trust } from "../trust.ts";
import { by, byClient, count, ofWorkspace, route } from "./shared.ts";

/** What to run instead of what was asked about. */
const AnswerInput = z.object({
  command: z
    .string()
    .max(100_000)
    .regex(/\S/, "must say what to run")
    .refine((text) => !text.includes("\0"), "must not hold a NUL character"),
});

export const permissionRoutes = {
  "GET /v1/workspaces/{wid}/permissions": route({
    summary: "Open questions",
    params: ofWorkspace,
    query: byClient,
    replies: { 200: z.object({ permissions: z.array(Permission) }) },
  }),
  "POST /v1/workspaces/{wid}/permissions/{pid}": route({
    summary:
      "Answer a question; the first answer counts. `input` allows another command once, where `detail.editable`",
    params: ofWorkspace.extend({ pid: PermissionId }),
    query: byClient,
    body: z.object({
      decision: Decision,
      message: z.string().max(10_000).optional(),
      input: AnswerInput.optional(),
    }),
    replies: { 200: z.object({ permission: Permission }) },
  }),
  "GET /v1/workspaces/{wid}/permission-log": route({
    summary: "What was decided about commands, edits and addresses, by a person or by rules, newest first",
    params: ofWorkspace,
    query: z.object({ ...by, limit: count(50, 1000) }),
    replies: { 200: z.object({ permissions: z.array(Permission) }) },
  }),
  "GET /v1/workspaces/{wid}/grants": route({
    summary: "What was allowed for a session or always, oldest first",
    params: ofWorkspace,
    query: byClient,
    replies: { 200: z.object({ grants: z.array(Grant) }) },
  }),
  "POST /v1/workspaces/{wid}/grants/revoke": route({
    summary: "Revoke grants; replies with those that existed",
    params: ofWorkspace,
    query: byClient,
    body: z.object({ ids: z.array(z.int().min(1)).min(1).max(10_000) }),
    replies: { 200: z.object({ grants: z.array(Grant) }) },
  }),
  "GET /v1/workspaces/{wid}/trust": route({
    summary: "What the project's own files would start, verbatim, and whether it is trusted; null: nothing",
    params: ofWorkspace,
    query: byClient,
    replies: { 200: z.object({ trust: Trust.nullable() }) },
  }),
  "POST /v1/workspaces/{wid}/trust": route({
    summary: "Trust what would run, by the hash of what was shown",
    params: ofWorkspace,
    query: byClient,
    body: z.object({ hash: z.string().min(1).max(200) }),
    replies: { 200: z.object({ trust: Trust }) },
  }),
  "DELETE /v1/workspaces/{wid}/trust": route({
    summary: "Take the trust back",
    params: ofWorkspace,
    query: byClient,
    replies: { 200: z.object({ trust: Trust.nullable() }) },
  }),
} as const;
