import { z } from "zod";
import { Change, changeStates, Resolve } from "../change.ts";
import { ChangeId, RunId, SessionId } from "../ids.ts";
import { RedoBody, UndoBody, Undone, UndoTurn } from "../undo.ts";
import { by, byClient, count, ofSession, ofWorkspace, route } from "./shared.ts";

const ofChange = ofWorkspace.extend({ chid: ChangeId });

const hunks = z.array(z.string().min(1).max(100)).min(1).max(100_000).optional();

const changeIds = z.array(ChangeId).min(1).max(100_000);

const OneChange = z.object({ change: Change });

const SeveralChanges = z.object({ changes: z.array(Change) });

export const changeRoutes = {
  "POST /v1/workspaces/{wid}/sessions/{sid}/undo": route({
    summary:
      "Take back the last turn, or all from a message on: files and conversation; 409 conflict changes nothing. Right after a compaction: take back that",
    params: ofSession,
    query: byClient,
    body: UndoBody.optional(),
    replies: { 200: Undone },
  }),
  "POST /v1/workspaces/{wid}/sessions/{sid}/redo": route({
    summary:
      "Bring back the turn that was taken back first of those still gone; 409 conflict changes nothing",
    params: ofSession,
    query: byClient,
    body: RedoBody.optional(),
    replies: { 200: Undone },
  }),
  "GET /v1/workspaces/{wid}/sessions/{sid}/turns": route({
    summary: "The turns that can be taken back or brought back, oldest first; the newest page",
    params: ofSession,
    query: z.object({ ...by, limit: count(100, 1000) }),
    replies: { 200: z.object({ turns: z.array(UndoTurn) }) },
  }),
  "GET /v1/workspaces/{wid}/changes": route({
    summary: "What agents changed, oldest first; of a session also in place, and the folder of its files",
    params: ofWorkspace,
    query: z.object({ ...by, session_id: SessionId.optional(), state: z.enum(changeStates).optional() }),
    replies: {
      200: SeveralChanges.extend({
        root: z.string().optional(),
        /** Turns in place whose checkpoints are damaged, so that their changes are missing here. */
        unread: z.array(RunId),
      }),
    },
  }),
  "GET /v1/workspaces/{wid}/sessions/{sid}/patch": route({
    summary: "A session's pending changes as one patch for `git apply`; base64",
    params: ofSession,
    query: byClient,
    replies: {
      200: z.object({
        patch: z.string(),
        /** The commit that it builds on, if that is known. */
        base: z.string().nullable(),
        /** For a patch that came with the session from elsewhere: why its changes do not wait here. */
        note: z.string().optional(),
      }),
    },
  }),
  "GET /v1/workspaces/{wid}/changes/{chid}/text": route({
    summary: "A changed file whole, as the agent left it; null with the reason if it is not to be shown",
    params: ofChange,
    query: byClient,
    replies: { 200: z.object({ text: z.string().nullable(), reason: z.string().nullable() }) },
  }),
  "POST /v1/workspaces/{wid}/changes/{chid}/apply": route({
    summary: "Merge a change, or some of its hunks, into the workspace; 409 conflict writes nothing",
    params: ofChange,
    query: byClient,
    body: z.object({ hunks, resolve: Resolve.optional() }).optional(),
    replies: { 200: OneChange },
  }),
  "POST /v1/workspaces/{wid}/changes/{chid}/reject": route({
    summary: "Take a change, or some of its hunks, out of the session's worktree",
    params: ofChange,
    query: byClient,
    body: z.object({ hunks }).optional(),
    replies: { 200: OneChange },
  }),
  "POST /v1/workspaces/{wid}/changes/{chid}/revert": route({
    summary:
      "Take an applied change, or some of its hunks, out of the workspace again; 409 conflict writes nothing",
    params: ofChange,
    query: byClient,
    body: z.object({ hunks, resolve: Resolve.optional() }).optional(),
    replies: { 200: OneChange },
  }),
  "POST /v1/workspaces/{wid}/changes/apply": route({
    summary: "Merge several changes of one session into the workspace: all, or none of them",
    params: ofWorkspace,
    query: byClient,
    body: z.object({ ids: changeIds, resolve: Resolve.optional() }),
    replies: { 200: SeveralChanges },
  }),
  "POST /v1/workspaces/{wid}/changes/reject": route({
    summary: "Take several changes of one session out of its worktree: all, or none of them",
    params: ofWorkspace,
    query: byClient,
    body: z.object({ ids: changeIds }),
    replies: { 200: SeveralChanges },
  }),
  "POST /v1/workspaces/{wid}/changes/revert": route({
    summary: "Take several applied changes of one session out of the workspace: all, or none of them",
    params: ofWorkspace,
    query: byClient,
    body: z.object({ ids: changeIds, resolve: Resolve.optional() }),
    replies: { 200: SeveralChanges },
  }),
  "POST /v1/workspaces/{wid}/sessions/{sid}/branch": route({
    summary: "Commit the state of the session's worktree to its branch, for checkout, merge or push",
    params: ofSession,
    query: byClient,
    body: z.object({ message: z.string().min(1).max(10_000).optional() }).optional(),
    replies: { 200: z.object({ branch: z.string(), commit: z.string(), path: z.string() }) },
  }),
} as const;
