import { createServer, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { duplexPair } from "node:stream";
import type { MessageId, PartId, RunId, SessionId } from "../../protocol/ids.ts";
import type { Message } from "../../protocol/message.ts";
import type { Turn, TurnHost, TurnResult } from "../backend.ts";
import type { ProcessSupervisor } from "../process/types.ts";
import { createFileLedger } from "../tools/file-ledger.ts";
import { createConversation } from "./conversation.ts";
import { runLoop } from "./loop.ts";
import { createConnections } from "./models/connection.ts";
import { createModelOpener } from "./models/open.ts";
import type { NativeSettings } from "./models/settings.ts";
import type { ModelSpec } from "./models/spec.ts";
import type { ToolSet } from "./tool-set.ts";

type RehearsalDeps = {
  spec: ModelSpec;
  root: string;
  settings: NativeSettings;
  tools: ToolSet;
  processes: ProcessSupervisor;
  now(): number;
  random(): number;
};

const session_id = "ses_00000000000000000000000000000000" as SessionId;
const run_id = "run_00000000000000000000000000000000" as RunId;
const SIGNAL_AFTER_MS = 2000;

/**
 * Plays one turn with a model that answers one word, from the first line of the loop to the end of the stream,
 * over a connection that is a pair of pipes in memory. A function is compiled when it is first called, and for all
 * of these together that takes 40 ms: so they are called while nobody waits, not by the first prompt.
 */
export async function rehearseTurn({
  spec,
  root,
  settings,
  tools,
  ...deps
}: RehearsalDeps): Promise<TurnResult> {
  const theatre = createTheatre();
  const connections = createConnections(theatre.connect);
  try {
    const opener = createModelOpener(connections);
    const model = await opener.open({ ...spec, apiKey: "rehearsal", headers: {} }, {});
    const session = {
      session_id,
      agent: "hearth",
      root,
      model: null,
      mode: "ask",
      agent_mode: null,
      env: {},
    } as const;
    const conversation = createConversation({
      session: { ...session, remembered: null, remember: () => {}, onEvent: () => {} },
      tools,
      git: { begin: () => () => Promise.resolve(undefined) },
      userInstructions: () => undefined,
      now: deps.now,
    });
    const signal = AbortSignal.timeout(SIGNAL_AFTER_MS);
    await conversation.begin(turn, [prompt]);
    const context = { root, run_id, env: {}, files: createFileLedger(), processes: deps.processes };
    const limits = { ...settings.limits, max_retries: 0 };
    const wait = () => Promise.resolve();
    return await runLoop(
      { model, tools, conversation, context, limits, stepsMax: 1, ...deps, wait },
      turn,
      host,
      signal,
    );
  } finally {
    await connections.close();
    theatre.close();
  }
}

const turn: Turn = {
  ...{
    run_id,
    prompt: "?",
    attachments: [],
    model: null,
    mode: "ask",
    agent_mode: null,
    env: {},
    max_steps: null,
  },
  handover: null,
};
const prompt: Message = {
  ...{ id: "msg_00000000000000000000000000000000" as MessageId, session_id, run_id, seq: 1, role: "user" },
  ...{ agent: "hearth", model: null, finish_reason: null, created_at: "", updated_at: "", completed_at: "" },
  parts: [{ id: "prt_00000000000000000000000000000000" as PartId, type: "text", text: "?" }],
};
const host: TurnHost = {
  emit: () => {},
  authorize: async () => ({ decision: "canceled" }),
  transcript: () => [prompt],
  takeSteering: () => [],
};

/** A model server that listens nowhere. */
function createTheatre() {
  const server = createServer((request, response) => {
    request.resume().once("end", () => answer(request.url ?? "", response));
  });
  return {
    /** In the shape of undici's connectors; what a socket has and a pipe in memory lacks does nothing. */
    connect(_options: object, done: (error: null, socket: Socket) => void) {
      const [near, far] = duplexPair();
      for (const end of [near, far]) {
        const itself = () => end;
        Object.assign(end, { ref: itself, unref: itself, setTimeout: itself, setNoDelay: itself });
      }
      server.emit("connection", far);
      // undici does not hear of a connection that is there at once.
      queueMicrotask(() => done(null, near as unknown as Socket));
    },
    close: () => void server.close(),
  };
}

function answer(url: string, response: ServerResponse) {
  const events = url.includes("/chat/completions")
    ? chatAnswer
    : url.endsWith("/messages")
      ? messagesAnswer
      : url.endsWith("/responses")
        ? responsesAnswer
        : geminiAnswer;
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.end(
    events.map((event) => `event: ${event.type ?? "message"}\ndata: ${JSON.stringify(event)}\n\n`).join(""),
  );
}

type Event = { type?: string; [field: string]: unknown };
const chatChunk = (delta: object, finish_reason: string | null): Event => ({
  ...{ id: "1", object: "chat.completion.chunk", created: 1, model: "m" },
  choices: [{ index: 0, delta, finish_reason }],
});
const chatAnswer = [chatChunk({ role: "assistant", content: "Yes" }, null), chatChunk({}, "stop")];
const messagesAnswer: Event[] = [
  {
    type: "message_start",
    message: {
      ...{ id: "1", type: "message", role: "assistant", model: "m", content: [], stop_reason: null },
      usage: { input_tokens: 1, output_tokens: 1 },
    },
  },
  { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
  { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Yes" } },
  { type: "content_block_stop", index: 0 },
  {
    type: "message_delta",
    delta: { stop_reason: "end_turn", stop_sequence: null },
    usage: { output_tokens: 1 },
  },
  { type: "message_stop" },
];
const responsesAnswer: Event[] = [
  { type: "response.created", response: { id: "1", created_at: 1, model: "m" } },
  { type: "response.output_item.added", output_index: 0, item: { type: "message", id: "1" } },
  { type: "response.output_text.delta", item_id: "1", delta: "Yes" },
  { type: "response.output_item.done", output_index: 0, item: { type: "message", id: "1" } },
  {
    type: "response.completed",
    response: { incomplete_details: null, usage: { input_tokens: 1, output_tokens: 1 } },
  },
];
const geminiAnswer: Event[] = [
  {
    candidates: [{ content: { role: "model", parts: [{ text: "Yes" }] }, finishReason: "STOP", index: 0 }],
    usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1 },
  },
];
