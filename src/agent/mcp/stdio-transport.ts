import type { JSONRPCMessage, Transport } from "@modelcontextprotocol/client";
import { ignoreError, inBackground } from "../../async/in-background.ts";
import { settlesWithin } from "../../async/wait.ts";
import { longMessage } from "../../wire/long-message.ts";
import { errorAnswer, TOO_LONG } from "../../wire/message-pipe.ts";
import { createLineSplitter } from "../../wire/split-lines.ts";
import { createTextRing } from "../children/text-ring.ts";
import type { GroupProcess, ProcessSupervisor } from "../process/types.ts";
import type { McpServerSpec } from "./spec.ts";

const LINE_BYTES_MAX = 16 * 1024 * 1024;
const STDERR_BYTES_MAX = 64 * 1024;
const TAIL_CHARS = 400;
/** How long a server may take to exit after its input was closed; then it is killed. */
const EXIT_GRACE_MS = 500;
const LAST_WORDS_MS = 1000;

export type StdioTransport = Transport & {
  /** Why the process ended or cannot be used: its exit and its last output. */
  lastWords(): string;
};

type Stdio = Extract<McpServerSpec["transport"], { kind: "stdio" }>;

/**
 * JSON-RPC over the pipes of a supervised child, which dies with the daemon. Lines on stdout that are no messages count
 * as stderr: many servers print a banner.
 */
export function createStdioTransport(
  { command, cwd, env }: Stdio,
  owner: string,
  processes: ProcessSupervisor,
): StdioTransport {
  const words = createTextRing(STDERR_BYTES_MAX);
  let child: GroupProcess | undefined;
  let exit = "";
  let isClosed = false;

  function receive(bytes: Buffer) {
    if (bytes.length === 0) return;
    let message: unknown;
    try {
      message = JSON.parse(bytes.toString("utf8"));
    } catch {
      message = undefined;
    }
    if (typeof message === "object" && message !== null && "jsonrpc" in message)
      transport.onmessage?.(message as JSONRPCMessage); // the client checks it
    else words.push(Buffer.concat([bytes, Buffer.from("\n")]));
  }

  /** The call that it answers fails at once, instead of when its time is over. */
  function receiveLong(head: string, tail: string) {
    const message = `a message of more than ${LINE_BYTES_MAX / 1024 / 1024} MB`;
    transport.onerror?.(new Error(message));
    const { id, isRequest } = longMessage(head, tail);
    if (!isRequest && id !== undefined && id !== null)
      transport.onmessage?.({ ...errorAnswer(id, TOO_LONG, message), id });
  }

  const transport: StdioTransport = {
    async start() {
      child = await processes.spawn({ command, cwd, env, owner });
      const lines = createLineSplitter(LINE_BYTES_MAX);
      child.stdout.on("data", (chunk: Buffer) => {
        for (const line of lines.push(chunk)) {
          if (line.kind === "line") receive(line.bytes);
          else receiveLong(line.head, line.tail);
        }
      });
      child.stderr.on("data", (chunk: Buffer) => words.push(chunk));
      const running = child;
      const said = new Promise((resolve) => running.stderr.once("close", resolve));
      inBackground(async () => {
        const { code, signal } = await running.exited;
        exit = signal === null ? `exited with code ${code}` : `was ended by ${signal}`;
        // Its last words may come after its end; what it left running may hold the pipe open.
        await settlesWithin(said, LAST_WORDS_MS);
        transport.onclose?.();
      }, ignoreError);
    },
    async send(message) {
      const { stdin } = child ?? {};
      if (stdin === undefined || stdin.destroyed) throw new Error("the server is gone");
      const isTaken = stdin.write(`${JSON.stringify(message)}\n`);
      if (!isTaken) await new Promise<void>((resolve) => stdin.once("drain", resolve).once("close", resolve));
    },
    async close() {
      if (isClosed) return;
      isClosed = true;
      if (child === undefined) return;
      child.stdin.end();
      await settlesWithin(child.exited, EXIT_GRACE_MS);
      await processes.stopOwner(owner);
      transport.onclose?.();
    },
    lastWords() {
      const said = words.tail(TAIL_CHARS).split("\n").at(-1) ?? "";
      return [exit, said].filter((part) => part !== "").join(": ");
    },
  };
  return transport;
}
