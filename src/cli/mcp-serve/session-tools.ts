import { z } from "zod";
import { newId } from "../../client/repeatable-calls.ts";
import { cancelRun } from "../../client/withdraw-run.ts";
import { allowsMore } from "../../protocol/choices.ts";
import { RunId, SessionId } from "../../protocol/ids.ts";
import type { PermissionMode } from "../../protocol/permission.ts";
import { addAnswerTool } from "./answer-tool.ts";
import { applyOf, diffOf } from "./changes.ts";
import { carriedIn, follow, onCancel } from "./follow.ts";
import {
  isolationInput,
  limit,
  maxCost,
  maxSteps,
  pathInput,
  paths,
  planOnly,
  prompt,
  waitSeconds,
} from "./inputs.ts";
import type { Place } from "./places.ts";
import { readSession } from "./read.ts";
import { addTool, type Desk, type ToolCall } from "./tool.ts";
import { AppliedView, DiffView, SessionRow, SessionView, sessionRow } from "./views.ts";

const session_id = SessionId.describe("From session_start or session_list");
const name = z.string().min(1).max(200).optional();

export function addSessionTools(desk: Desk): void {
  const { places } = desk;

  type Sent = {
    prompt: string;
    mode?: PermissionMode | undefined;
    max_steps?: number | undefined;
    max_cost?: number | undefined;
  };
  /** Sends the prompt, once, also when a modern client calls again with an answer. */
  async function send(place: Place, sid: SessionId, body: Sent, seconds: number, call: ToolCall) {
    const { connection } = place;
    const wid = connection.workspace.id;
    const [, carried] = carriedIn(call)?.id.split(" ") ?? [];
    const again = RunId.safeParse(carried).data;
    const rid = again ?? newId("run");
    if (again === undefined)
      await connection.request("POST /v1/workspaces/{wid}/agent", {
        params: { wid },
        body: { ...body, session_id: sid, run_id: rid },
      });
    const done = onCancel(call, desk, () => cancelRun(connection, sid, rid));
    const read = () => readSession(sid, place, desk, rid);
    return follow({ id: `${sid} ${rid}`, place, seconds, read }, desk, call).finally(done);
  }

  addTool(desk, {
    name: "session_start",
    title: "Start a session",
    description:
      "Starts a conversation with a coding agent that can go on over many prompts, and that the person sees in hearth. For work that stands alone use task_start.",
    input: z.object({
      prompt,
      title: z.string().max(500).optional(),
      agent: name,
      model: name,
      path: pathInput,
      isolation: isolationInput.describe("The person's own setting by default"),
      mode: planOnly,
      max_steps: maxSteps,
      max_cost: maxCost,
      wait_seconds: waitSeconds,
    }),
    output: SessionView,
    annotations: { readOnlyHint: false, destructiveHint: false, openWorldHint: true },
    async run(
      { wait_seconds, path, mode = desk.widest, max_steps, max_cost, prompt: text, ...fields },
      call,
    ) {
      const [carried] = carriedIn(call)?.id.split(" ") ?? [];
      const again = SessionId.safeParse(carried).data;
      const sent = { prompt: text, max_steps, max_cost };
      if (again !== undefined)
        return send((await places.session(again)).place, again, sent, wait_seconds, call);
      const place = await places.at(path);
      const { session } = await place.connection.request("POST /v1/workspaces/{wid}/sessions", {
        params: { wid: place.connection.workspace.id },
        body: { ...fields, mode },
      });
      return send(place, session.id, sent, wait_seconds, call);
    },
  });

  addTool(desk, {
    name: "session_prompt",
    title: "Go on with a session",
    description: "Sends a session its next prompt. While it is busy the prompt waits its turn.",
    input: z.object({
      session_id,
      prompt,
      mode: planOnly,
      max_steps: maxSteps,
      max_cost: maxCost,
      wait_seconds: waitSeconds,
    }),
    output: SessionView,
    annotations: { readOnlyHint: false, destructiveHint: false, openWorldHint: true },
    async run({ session_id: sid, wait_seconds, mode, ...sent }, call) {
      const { place, session } = await places.session(sid);
      // A mode that the person chose for their own prompts is not one for this client's.
      const widest = desk.widest ?? "ask";
      const narrowed = mode ?? (allowsMore(session.mode, widest) ? widest : undefined);
      return send(place, sid, { ...sent, mode: narrowed }, wait_seconds, call);
    },
  });

  addTool(desk, {
    name: "session_status",
    title: "How a session stands",
    description: "What a session does, what its agent said last, and the questions that wait.",
    input: z.object({ session_id, wait_seconds: waitSeconds }),
    output: SessionView,
    annotations: { readOnlyHint: true, openWorldHint: false },
    async run({ session_id: sid, wait_seconds }, call) {
      const { place } = await places.session(sid);
      const read = () => readSession(sid, place, desk);
      return follow({ id: sid, place, seconds: wait_seconds, read }, desk, call);
    },
  });

  addTool(desk, {
    name: "session_list",
    title: "Sessions here",
    description: "The sessions of a directory, the last used first.",
    input: z.object({
      path: pathInput,
      query: z.string().max(200).optional().describe("Words of the title"),
      limit,
    }),
    output: z.object({ sessions: z.array(SessionRow) }),
    annotations: { readOnlyHint: true, openWorldHint: false },
    async run({ path, query, limit: most }) {
      const { connection } = await places.at(path);
      const { sessions } = await connection.request("GET /v1/workspaces/{wid}/sessions", {
        params: { wid: connection.workspace.id },
        query: { limit: most, query },
      });
      return { sessions: sessions.map(sessionRow) };
    },
  });

  addTool(desk, {
    name: "session_diff",
    title: "What a session changed",
    description: "The changes that a session's agent made, as a patch.",
    input: z.object({ session_id, paths }),
    output: DiffView,
    annotations: { readOnlyHint: true, openWorldHint: false },
    async run({ session_id: sid, paths: only }) {
      const { connection } = (await places.session(sid)).place;
      return diffOf(connection, { wid: connection.workspace.id, sid, paths: only });
    },
  });

  addTool(desk, {
    name: "session_apply",
    title: "Take over what a session changed",
    description:
      "Merges the waiting changes of a session that works in a worktree into the directory: all of them, or nothing where they conflict with it.",
    input: z.object({ session_id, paths }),
    output: AppliedView,
    annotations: { readOnlyHint: false, destructiveHint: true, openWorldHint: false },
    async run({ session_id: sid, paths: only }) {
      const { connection } = (await places.session(sid)).place;
      return applyOf(connection, { wid: connection.workspace.id, sid, paths: only });
    },
  });

  addTool(desk, {
    name: "session_cancel",
    title: "Cancel what a session does",
    description: "Cancels the running prompt of a session and those that wait behind it.",
    input: z.object({ session_id }),
    output: SessionView,
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
    async run({ session_id: sid }) {
      const { place } = await places.session(sid);
      const params = { wid: place.connection.workspace.id, sid };
      await place.connection.request("POST /v1/workspaces/{wid}/agent/sessions/{sid}/cancel", { params });
      return (await readSession(sid, place, desk)).view;
    },
  });

  addAnswerTool(desk, "session");
}
