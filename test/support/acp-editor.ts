import { spawn } from "node:child_process";
import { Writable } from "node:stream";
import { type ClientCapabilities, client, type SessionUpdate } from "@agentclientprotocol/sdk/unstable";
import { createHappenings, soon } from "./happenings.ts";
import { type Home, launcher } from "./home.ts";

type Params = Record<string, unknown>;
/** One message on the wire, either way. */
export type Sent = { from: "editor" | "hearth"; message: Params };
export type Asked = { options: { optionId: string; name: string; kind: string }[]; toolCall: Params };

export type EditorOptions = {
  capabilities?: ClientCapabilities;
  protocolVersion?: number;
  /** The answer to a question: an option's id, undefined for `cancelled`. Never, unless it is given. */
  answer?: (asked: Asked) => Promise<string | undefined> | string | undefined;
  fillIn?: (form: Params) => Params;
  /** The text of a file in its buffer. */
  buffer?: (path: string) => string;
};

/** `hearth acp` as a child, and its two pipes. */
export function startEditor(home: Home) {
  const child = spawn(process.execPath, [launcher, "acp"], { cwd: home.project, env: home.env });
  const wire = createHappenings<Sent>(
    ({ from, message }) => `${from}: ${JSON.stringify(message).slice(0, 300)}`,
  );
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  child.stdin.on("error", () => {}); // it may have ended
  const exited = new Promise<number | null>((resolve) => child.once("close", resolve));
  void exited.then((code) => wire.finish(`hearth acp ended with ${code}: ${stderr}`));

  let rest = "";
  const lines = new ReadableStream<Params>({
    start(controller) {
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        const parts = (rest + text).split("\n");
        rest = parts.pop() ?? "";
        for (const part of parts) {
          const message = JSON.parse(part) as Params;
          wire.add({ from: "hearth", message });
          controller.enqueue(message);
        }
      });
      child.stdout.once("end", () => controller.close());
    },
  });
  const output = Writable.toWeb(child.stdin);
  const writer = output.getWriter();
  const encode = new TextEncoder();
  const messages = new WritableStream<Params>({
    async write(message) {
      wire.add({ from: "editor", message });
      await writer.write(encode.encode(`${JSON.stringify(message)}\n`));
    },
  });
  const send = (line: string) => void child.stdin.write(`${line}\n`);
  const updatesOf = (sessionId: string): SessionUpdate[] =>
    wire.all.flatMap(({ from, message }) => {
      const { sessionId: id, update } = (message["params"] ?? {}) as {
        sessionId?: string;
        update?: SessionUpdate;
      };
      return from === "hearth" && message["method"] === "session/update" && id === sessionId && update
        ? [update]
        : [];
    });
  return {
    lines,
    messages,
    child,
    wire,
    send,
    updatesOf,
    exited: () => soon(exited, "hearth acp to end"),
    stderr: () => stderr,
    /** Waits for an update of that kind that fits. */
    update: async (fits: (update: SessionUpdate) => boolean, what: string): Promise<SessionUpdate> => {
      const found = await wire.until(({ from, message }) => {
        if (from !== "hearth" || message["method"] !== "session/update") return false;
        return fits((message["params"] as { update: SessionUpdate }).update);
      }, what);
      return (found.message["params"] as { update: SessionUpdate }).update;
    },
    /** The reply to the request with that id. */
    reply: async (id: unknown): Promise<Params> =>
      (
        await wire.until(
          ({ from, message }) => from === "hearth" && message["id"] === id && !("method" in message),
          `a reply to ${id}`,
        )
      ).message,
    close: () => void child.stdin.end(),
  };
}

/** `hearth acp` driven by the library that editors use. */
export async function openEditor(home: Home, options: EditorOptions = {}) {
  const started = startEditor(home);
  const connection = client({ name: "test" })
    .onNotification("session/update", () => {})
    .onRequest("session/request_permission", async ({ params, signal }) => {
      const asked = params as unknown as Asked;
      const withdrawn = new Promise<undefined>((resolve) =>
        signal.addEventListener("abort", () => resolve(undefined), { once: true }),
      );
      const id = options.answer === undefined ? await withdrawn : await options.answer(asked);
      return { outcome: id === undefined ? { outcome: "cancelled" } : { outcome: "selected", optionId: id } };
    })
    .onRequest("fs/read_text_file", ({ params }) => {
      if (options.buffer === undefined) throw new Error("it reads no files");
      return { content: options.buffer(params.path) };
    })
    .onRequest("elicitation/create", ({ params }) => ({
      action: "accept" as const,
      content: (options.fillIn?.(params as unknown as Params) ?? {}) as never,
    }))
    .connect({ readable: started.lines as never, writable: started.messages as never });
  const initialized = await connection.agent.request("initialize", {
    protocolVersion: options.protocolVersion ?? 1,
    clientCapabilities: options.capabilities ?? {},
  });
  return { ...started, agent: connection.agent, initialized };
}
export type TestEditor = Awaited<ReturnType<typeof openEditor>>;

/** The text that an editor shows of a kind of chunk. */
export const shownText = (updates: readonly SessionUpdate[], kind = "agent_message_chunk"): string =>
  updates
    .map((update) =>
      update.sessionUpdate === kind && "content" in update && !Array.isArray(update.content)
        ? (update.content as { text?: string }).text
        : "",
    )
    .join("");
