import type { Connection } from "../../client/connect.ts";
import { canAnswer } from "../../protocol/choices.ts";
import { DEMO_MODEL } from "../../protocol/demo-model.ts";
import type { HearthEvent } from "../../protocol/events.ts";
import type { SessionId } from "../../protocol/ids.ts";
import { plural } from "../../protocol/plural.ts";
import type { PromptReply } from "../../protocol/routes/runs.ts";
import type { Workspace } from "../../protocol/workspace.ts";
import type { Context } from "../context.ts";
import { shortId } from "../output/format.ts";
import { withoutEscapes } from "../output/printable.ts";

/**
 * Prints what a person who waits for a headless run must know in any format: that it waits, for what and where to
 * answer, and that no real model answers.
 */
export function createRunNotes(
  connection: Connection,
  { err, env }: Pick<Context, "err" | "env">,
  wishedModel: string | undefined,
) {
  let isDemoTold = wishedModel === DEMO_MODEL;
  // The daemon is asked only where there can be something to say.
  let isNoticeTold = wishedModel !== undefined || !env["OLLAMA_HOST"];
  let trouble: string | undefined;
  const note = (text: string) => err.line(`hearth: ${text}`);
  return {
    /** Names the existing session that the prompt goes to. */
    async follows({ id, title }: { id: SessionId; title: string }): Promise<void> {
      await note(`Continues "${withoutEscapes(title) || "untitled"}" (${shortId(id)}).`);
    },
    /** Prints why the workspace waits, and when it goes on. */
    async workspace({ trouble: now }: Workspace): Promise<void> {
      if (now === trouble) return;
      trouble = now;
      await note(now === undefined ? "It goes on." : withoutEscapes(now));
    },
    async event(event: HearthEvent): Promise<void> {
      if (event.type === "permission.requested") {
        const { title } = event.payload.permission;
        const places = await placesToAnswer(connection);
        const where = places.length === 0 ? "" : ` in ${places.join(", ")}`;
        await note(`Waits for an answer${where}: ${title.replaceAll(/\s+/g, " ")}`);
      } else if (event.type === "message.created" || event.type === "message.updated") {
        const { role, model } = event.payload.message;
        if (!isNoticeTold && role === "assistant" && model !== null) {
          isNoticeTold = true;
          const notice = await noticeOf(connection, model);
          if (notice !== undefined) await note(withoutEscapes(notice));
        }
        if (isDemoTold || role !== "assistant" || model !== DEMO_MODEL) return;
        isDemoTold = true;
        await note(
          "No model provider was found: the built-in demo answers, from a script. Set a key such as ANTHROPIC_API_KEY, or start Ollama.",
        );
      }
    },
    async accepted({ state, queue_position: before }: PromptReply): Promise<void> {
      if (state !== "queued" || before === 0) return;
      const prompts = plural(before, "prompt runs", "prompts run");
      await note(`Waits for its turn: ${prompts} before it in this session.`);
    },
  };
}

/** Why hearth's own agent answers with that model rather than with what the environment names. */
async function noticeOf(connection: Connection, model: string): Promise<string | undefined> {
  try {
    const params = { wid: connection.workspace.id };
    const { agents } = await connection.request("GET /v1/workspaces/{wid}/agent", { params });
    return agents.find((agent) => agent.backend === "native" && agent.model === model)?.notice;
  } catch {
    return undefined; // the answer comes without it
  }
}

/** The terminals that show the question. */
async function placesToAnswer(connection: Connection): Promise<string[]> {
  try {
    const { clients } = await connection.request("GET /v1/workspaces/{wid}/snapshot", {
      params: { wid: connection.workspace.id },
      query: { limit: 1 },
    });
    return clients.flatMap(({ kind, label }) => (canAnswer(kind) && label !== "" ? [label] : []));
  } catch {
    return []; // the note is useful without them
  }
}
