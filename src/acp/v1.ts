import {
  type AgentConnection,
  type AgentContext,
  type AnyMessage,
  agent,
  type ClientCapabilities,
  type InitializeResponse,
  type PromptResponse,
  RequestError,
  type RequestPermissionRequest,
} from "@agentclientprotocol/sdk/unstable";
import { inBackground } from "../async/in-background.ts";
import { HearthError } from "../protocol/errors.ts";
import { VERSION } from "../protocol/version.ts";
import { authMethods, SETUP } from "./auth.ts";
import type { Editor } from "./editor.ts";
import { turnEndOf } from "./end.ts";
import { answerForm, wordsIn } from "./form.ts";
import { createGuard, sentenceOf, usageOf } from "./guarded.ts";
import { serversOf } from "./mcp-servers.ts";
import { modes } from "./options.ts";
import type { ServeDeps } from "./serve.ts";
import type { OpenSession } from "./session.ts";
import type { Wire } from "./stdio.ts";
import { callFields, questionContent } from "./tool-call.ts";
import type { Option, TurnOutcome } from "./update.ts";
import { v1Call, v1Content, v1Option, v1Updates } from "./v1-update.ts";

/** A prompt waits for it. */
const READ_MS_MAX = 1000;

const guarded = createGuard(RequestError);

/** hearth as an agent of protocol version 1. Returns the connection; it closes when the editor's end does. */
export function serveV1(wire: Wire, { sessionsFor, log }: ServeDeps): AgentConnection {
  let offered: ClientCapabilities = {};
  const editor = createEditor(
    () => connection.client,
    () => offered,
  );
  const sessions = sessionsFor(editor);

  /** Events of a session follow the reply that names it. */
  const told = (session: OpenSession): OpenSession => {
    setImmediate(() => inBackground(session.begin, (error) => log(sentenceOf(error))));
    return session;
  };

  const app = agent({ name: "hearth" })
    .onRequest("initialize", ({ params }) => {
      offered = params.clientCapabilities ?? {};
      return initialized(offered);
    })
    .onRequest("authenticate", ({ params }) => {
      if (params.methodId !== SETUP.id)
        throw RequestError.invalidParams(undefined, noMethod(params.methodId));
      return {};
    })
    .onRequest("session/new", ({ params }) =>
      guarded(async () => {
        const session = told(await sessions.create(params.cwd, serversOf(params.mcpServers)));
        return { sessionId: session.id, ...optionsOf(session.options()) };
      }),
    )
    .onRequest("session/load", ({ params }) =>
      guarded(async () =>
        optionsOf(
          told(await sessions.load(params.cwd, params.sessionId, serversOf(params.mcpServers))).options(),
        ),
      ),
    )
    .onRequest("session/resume", ({ params }) =>
      guarded(async () =>
        optionsOf(
          told(await sessions.resume(params.cwd, params.sessionId, serversOf(params.mcpServers))).options(),
        ),
      ),
    )
    .onRequest("session/fork", ({ params }) =>
      guarded(async () => {
        const session = told(await sessions.fork(params.cwd, params.sessionId, serversOf(params.mcpServers)));
        return { sessionId: session.id, ...optionsOf(session.options()) };
      }),
    )
    .onRequest("session/list", ({ params }) =>
      guarded(() => sessions.list(params.cwd ?? undefined, params.cursor ?? undefined)),
    )
    .onRequest("session/close", ({ params }) => guarded(() => sessions.close(params.sessionId)))
    .onRequest("session/delete", ({ params }) => guarded(() => sessions.remove(params.sessionId)))
    .onRequest("session/set_mode", ({ params }) =>
      guarded(async () => void (await sessions.get(params.sessionId).set("mode", params.modeId))),
    )
    .onRequest("session/set_config_option", ({ params }) =>
      guarded(async () => {
        const options = await sessions.get(params.sessionId).set(params.configId, params.value);
        return { configOptions: options.map(v1Option) };
      }),
    )
    .onRequest("session/prompt", ({ params, signal }) =>
      guarded(async () => {
        const session = sessions.get(params.sessionId);
        const { ended } = await session.accept(params.prompt);
        // It also aborts when the editor goes; the run goes on then.
        const onAbort = () => setImmediate(() => connection.signal.aborted || cancel(session));
        signal.addEventListener("abort", onAbort, { once: true });
        if (signal.aborted) onAbort();
        return promptReply(await ended);
      }),
    )
    .onNotification("session/cancel", ({ params }) => {
      const session = sessions.find(params.sessionId);
      if (session !== undefined) cancel(session);
    });
  const cancel = (session: OpenSession) => inBackground(session.cancel, (error) => log(sentenceOf(error)));
  const connection = app.connect({
    readable: wire.readable as ReadableStream as ReadableStream<AnyMessage>,
    writable: wire.writable as WritableStream as WritableStream<AnyMessage>,
  });
  return connection;
}

function createEditor(client: () => AgentContext, offered: () => ClientCapabilities): Editor {
  return {
    tellsOwn: false,
    hasCommands: false,
    get hasForms() {
      return Boolean(offered().elicitation?.form);
    },
    async update(sessionId, update) {
      const { session } = offered();
      const offers = { notices: Boolean(session?.notices), compaction: Boolean(session?.compaction) };
      for (const each of v1Updates(update, offers))
        await client().notify("session/update", { sessionId, update: each });
    },
    async readText(sessionId, path) {
      if (offered().fs?.readTextFile !== true) return undefined;
      const inTime = { cancellationSignal: AbortSignal.timeout(READ_MS_MAX), stopWaitingOnCancel: true };
      return client()
        .request("fs/read_text_file", { sessionId, path }, inTime)
        .then(
          ({ content }) => content,
          () => undefined, // a file that it does not open, or no time for it
        );
    },
    async choose(sessionId, { permission, answers, call, root }, signal) {
      const params: RequestPermissionRequest = {
        sessionId,
        toolCall: {
          toolCallId: call?.id ?? permission.tool_call_id,
          ...(call !== undefined && v1Call(callFields(call, root))),
          title: permission.title,
          kind: permission.kind,
          status: "pending",
          content: questionContent(permission.detail, root).flatMap(v1Content),
        },
        options: answers.map(({ id, name, kind }) => ({ optionId: id, name, kind })),
      };
      const withdrawn = { cancellationSignal: signal, stopWaitingOnCancel: true };
      const { outcome } = await client().request("session/request_permission", params, withdrawn);
      return outcome.outcome === "selected" ? outcome.optionId : undefined;
    },
    async write(sessionId, permission, signal) {
      const reply = await client().request(
        "elicitation/create",
        { sessionId, ...answerForm(permission) },
        { cancellationSignal: signal, stopWaitingOnCancel: true },
      );
      return reply.action === "accept" && "content" in reply ? wordsIn(reply.content) : undefined;
    },
  };
}

function initialized({ auth }: ClientCapabilities): InitializeResponse {
  return {
    protocolVersion: 1,
    agentInfo: { name: "hearth", title: "hearth", version: VERSION },
    agentCapabilities: {
      loadSession: true,
      promptCapabilities: { image: true, audio: false, embeddedContext: true },
      mcpCapabilities: { http: true, sse: false },
      sessionCapabilities: { list: {}, delete: {}, resume: {}, close: {}, fork: {} },
    },
    authMethods: authMethods(auth?.terminal === true),
  };
}

const optionsOf = (options: readonly Option[]) => ({
  modes: {
    currentModeId: options.find(({ id }) => id === "mode")?.current ?? "ask",
    availableModes: modes.map(({ value, name, description }) => ({
      id: value,
      name,
      description: description ?? null,
    })),
  },
  configOptions: options.map(v1Option),
});

function promptReply(outcome: TurnOutcome): PromptResponse {
  const end = turnEndOf(outcome);
  if ("error" in end) throw new HearthError(end.error.code, end.error.message);
  const { usage } = outcome;
  if (usage === undefined) return end;
  return { ...end, usage: usageOf(usage) };
}

const noMethod = (id: string) => `there is no way to authenticate called "${id}"`;
