import type { MessageId, NewId, RunId, SessionId } from "../../protocol/ids.ts";
import type { ContextChange, Message, Part } from "../../protocol/message.ts";
import type { PermissionMode } from "../../protocol/permission.ts";
import type { Attachment } from "../../protocol/routes/runs.ts";
import type { Delivery } from "../../protocol/run.ts";
import { noUsage } from "../../protocol/usage.ts";
import type { RunRecord } from "./record.ts";

/** An accepted prompt. It has been checked. */
export type AcceptedPrompt = {
  run_id: RunId;
  prompt: string;
  /** The notice that takes the prompt's place when nobody prompted. */
  note?: { code: string; text: string; context?: ContextChange };
  attachments: readonly Attachment[];
  agent: string;
  model: string | null;
  mode: PermissionMode | null;
  delivery: Delivery;
  env: Record<string, string> | null;
  max_steps: number | null;
  on_question: RunRecord["on_question"];
  request_hash: string;
  by: string | null;
};

const WORKS_ON = "works_on";

/** The prompt of a run that an agent starts by itself after its turn. */
export const ownPrompt = (run_id: RunId, agent: string): AcceptedPrompt => ({
  ...{ run_id, agent, prompt: "", attachments: [], model: null, mode: null, delivery: "queue", env: null },
  ...{ max_steps: null, on_question: "wait", request_hash: WORKS_ON, by: null },
  note: { code: WORKS_ON, text: `${agent} works on by itself.` },
});

export const isOwnRun = ({ request_hash }: Pick<RunRecord, "request_hash">): boolean =>
  request_hash === WORKS_ON;

type Place = { session_id: SessionId; seq: number; newId: NewId; at: string };

/** The user message of a prompt. */
export function promptMessage(prompt: AcceptedPrompt, { session_id, seq, newId, at }: Place): Message {
  const files = prompt.attachments.map(
    (file): Part => ({
      id: newId("prt"),
      type: "file",
      name: file.name,
      media_type: file.media_type,
      size: file.data === undefined ? 0 : Buffer.byteLength(file.data, "base64"),
      ...(file.path === undefined ? {} : { path: file.path }),
      ...(file.data === undefined ? {} : { data: file.data }),
    }),
  );
  const note: Part[] =
    prompt.note === undefined ? [] : [{ id: newId("prt"), type: "notice", level: "info", ...prompt.note }];
  const text: Part[] = prompt.prompt === "" ? [] : [{ id: newId("prt"), type: "text", text: prompt.prompt }];
  return {
    id: newId("msg"),
    session_id,
    run_id: prompt.run_id,
    seq,
    role: "user",
    agent: prompt.agent,
    model: prompt.model,
    parts: [...note, ...text, ...files],
    finish_reason: null,
    created_at: at,
    updated_at: at,
    completed_at: at,
  };
}

/** The attachments of a stored user message. */
export const attachmentsOf = (message: Message): Attachment[] =>
  message.parts
    .filter((part) => part.type === "file")
    .map(({ name, media_type, path, data }) => ({
      name,
      media_type,
      ...(path === undefined ? {} : { path }),
      ...(data === undefined ? {} : { data }),
    }));

/** The run of a prompt when it is accepted. */
export function promptRun(
  prompt: AcceptedPrompt,
  messageId: MessageId,
  sessionId: SessionId,
  at: string,
): RunRecord {
  return {
    id: prompt.run_id,
    session_id: sessionId,
    agent: prompt.agent,
    model: prompt.model,
    mode: prompt.mode,
    state: "accepted",
    delivery: prompt.delivery,
    outcome: null,
    error: null,
    message_id: messageId,
    request_hash: prompt.request_hash,
    env: prompt.env,
    max_steps: prompt.max_steps,
    on_question: prompt.on_question,
    accepted_at: at,
    started_at: null,
    completed_at: null,
    usage: noUsage,
    cost: 0,
    by: prompt.by,
    canceled_by: null,
  };
}
