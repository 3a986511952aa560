import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createOpenAiWire } from "../../test/support/model-wire.ts";

/** When a request began to arrive and its answer was out, by `performance.now()`, and how long its body was. */
export type Step = { receivedAt: number; endedAt: number; bytes: number };

const usage = { input: 100, output: 10, reasoning: 0, cache_read: 0, cache_write: 0 };

/**
 * A model that asks for `calls` calls of a tool, one an answer, and keeps nothing of what it is sent: hundreds of
 * requests of megabytes would otherwise be this process's own garbage, and its pauses be counted.
 */
export async function startStepModel(
  tool: string,
  calls: number,
  input: (index: number) => object,
  onRequest?: (index: number) => void,
) {
  const steps: Step[] = [];
  const done = Promise.withResolvers<void>();
  const server = createServer((request, response) => {
    const index = steps.length;
    const step: Step = { receivedAt: performance.now(), endedAt: Number.NaN, bytes: 0 };
    steps.push(step);
    onRequest?.(index);
    request.on("data", (chunk: Buffer) => {
      step.bytes += chunk.length;
    });
    request.once("end", () => {
      const wire = createOpenAiWire("big", true);
      const isLast = index >= calls;
      const call = wire.callBegin(`call_${index}`, tool) + wire.callArguments(JSON.stringify(input(index)));
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.end(
        wire.begin(usage) + wire.text("Reading.") + (isLast ? "" : call) + wire.finish("stop", usage),
        () => {
          step.endedAt = performance.now();
          if (isLast) done.resolve();
        },
      );
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    steps,
    done: done.promise,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
