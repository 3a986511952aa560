import {
  type AgentConnectionLifecycle,
  type AgentContext,
  agent,
  agentProtocolRouter,
  type ClientCapabilities,
  type InitializeResponse,
  RequestError,
} from "@agentclientprotocol/sdk/experimental/v2/unstable";
import { inBackground } from "../async/in-background.ts";
import { HearthError } from "../protocol/errors.ts";
import { VERSION } from "../protocol/version.ts";
import { SETUP } from "./auth.ts";
import type { Editor } from "./editor.ts";
import { answerForm, wordsIn } from "./form.ts";
import { createGuard, sentenceOf } from "./guarded.ts";
import { serversOf } from "./mcp-servers.ts";
import type { PromptBlock } from "./prompt.ts";
import type { ServeDeps } from "./serve.ts";
import type { OpenSession } from "./session.ts";
import type { Wire } from "./stdio.ts";
import { callFields, questionContent } from "./tool-call.ts";
import { v2Call, v2Command, v2Content, v2Option, v2Updates } from "./v2-update.ts";

const guarded = createGuard(RequestError);

/** hearth as an agent of the draft of protocol version 2: a prompt is accepted, its end is told as a state. */
export function serveV2(wire: Wire, { sessionsFor, log }: ServeDeps): AgentConnectionLifecycle {
  let offered: ClientCapabilities = {};
  let client: AgentContext | undefined;
  const editor = createEditor(
    () => {
      if (client === undefined) throw new Error("the editor is not connected");
      return client;
    },
    () => offered,
  );
  const sessions = sessionsFor(editor);
  const onError = (error: unknown) => log(sentenceOf(error));

  /** Events of a session follow the reply that opens it. */
  const opened = (session: OpenSession) => {
    setImmediate(() => inBackground(session.begin, onError));
    return {
      configOptions: session.options().map(v2Option),
      availableCommands: session.commands().map(v2Command),
    };
  };

  const app = agent({ name: "hearth" })
    .onConnect((connection) => {
      client = connection.client;
    })
    .onRequest("initialize", ({ params }) => {
      offered = params.capabilities ?? {};
      return initialized(offered);
    })
    .onRequest("auth/login", ({ params }) => {
      if (params.methodId !== SETUP.id)
        throw RequestError.invalidParams(undefined, `there is no method "${params.methodId}"`);
      return {};
    })
    .onRequest("session/new", ({ params }) =>
      guarded(async () => {
        const session = await sessions.create(params.cwd, serversOf(params.mcpServers));
        return { sessionId: session.id, ...opened(session) };
      }),
    )
    .onRequest("session/resume", ({ params }) =>
      guarded(async () => {
        const isReplayed = params.replayFrom !== undefined && params.replayFrom !== null;
        const open = isReplayed ? sessions.load : sessions.resume;
        return opened(await open(params.cwd, params.sessionId, serversOf(params.mcpServers)));
      }),
    )
    .onRequest("session/fork", ({ params }) =>
      guarded(async () => {
        const session = await sessions.fork(params.cwd, params.sessionId, serversOf(params.mcpServers));
        return { sessionId: session.id, ...opened(session) };
      }),
    )
    .onRequest("session/list", ({ params }) =>
      guarded(() => sessions.list(params.cwd ?? undefined, params.cursor ?? undefined)),
    )
    .onRequest("session/close", ({ params }) => guarded(() => sessions.close(params.sessionId)))
    .onRequest("session/delete", ({ params }) => guarded(() => sessions.remove(params.sessionId)))
    .onRequest("session/set_config_option", ({ params }) =>
      guarded(async () => {
        const options = await sessions.get(params.sessionId).set(params.configId, params.value);
        return { configOptions: options.map(v2Option) };
      }),
    )
    .onRequest("session/prompt", ({ params }) =>
      guarded(async () => {
        const session = sessions.get(params.sessionId);
        const { messageId, ended } = await session.accept(params.prompt.map(blockOf));
        inBackground(
          () => ended,
          (error) => inBackground(() => editor.update(session.id, failed(error)), onError),
        );
        return { messageId };
      }),
    )
    .onNotification("session/cancel", ({ params }) => {
      const session = sessions.find(params.sessionId);
      if (session !== undefined) inBackground(session.cancel, onError);
    });
  return agentProtocolRouter()
    .withV2(app)
    .connect(wire as never);
}

/** The end of a turn that nobody could tell. */
const failed = (error: unknown) => {
  const code = error instanceof HearthError ? error.code : "internal";
  const message = sentenceOf(error);
  return { kind: "idle", end: { outcome: "error", error: { code, message, retryable: true } } } as const;
};

const known: ReadonlySet<string> = new Set(["text", "image", "audio", "resource_link", "resource"]);

/** Later versions may know more kinds of content. */
function blockOf(block: { type: string }): PromptBlock {
  if (known.has(block.type)) return block as PromptBlock;
  throw new HearthError("invalid_request", `prompt: hearth does not take content of type "${block.type}".`);
}

function createEditor(client: () => AgentContext, offered: () => ClientCapabilities): Editor {
  return {
    tellsOwn: true,
    hasCommands: true,
    get hasForms() {
      return Boolean(offered().elicitation?.form);
    },
    async update(sessionId, update) {
      for (const each of v2Updates(update))
        await client().notify("session/update", { sessionId, update: each });
    },
    readText: async () => undefined, // the draft has no such method
    async choose(sessionId, { permission, answers, call, root }, signal) {
      const { outcome } = await client().request(
        "session/request_permission",
        {
          sessionId,
          title: permission.title,
          subject: {
            type: "tool_call",
            toolCall: {
              ...v2Call(
                call?.id ?? permission.tool_call_id,
                call === undefined ? {} : callFields(call, root),
              ),
              title: permission.title,
              kind: permission.kind,
              status: "pending",
              content: questionContent(permission.detail, root).map(v2Content),
            },
          },
          options: answers.map(({ id, name, kind }) => ({ optionId: id, name, kind })),
        },
        { cancellationSignal: signal, stopWaitingOnCancel: true },
      );
      return outcome.outcome === "selected" && "optionId" in outcome ? String(outcome.optionId) : undefined;
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
  const { id, name, description } = SETUP;
  return {
    protocolVersion: 2,
    info: { name: "hearth", title: "hearth", version: VERSION },
    capabilities: {
      session: {
        prompt: { image: {}, embeddedContext: {} },
        mcp: { stdio: {}, http: {} },
        delete: {},
        fork: {},
      },
    },
    ...(auth?.terminal && {
      authMethods: [{ type: "terminal" as const, methodId: id, name, description, args: ["setup"] }],
    }),
  };
}
