// An Ollama as strict as the real one: `/v1` takes no window, a model has the one that it was loaded with, and what does
// not fit is cut from the prompt without a word.
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { createOpenAiWire } from "../support/model-wire.ts";
import { echoTool, openNative } from "./native-host.ts";

const usage = { input: 10, output: 5, reasoning: 0, cache_read: 0, cache_write: 0 };

type Ollama = { window: number; tellsWindow?: boolean; isOld?: boolean };

let close = async () => {};
afterEach(() => close());

async function startOllama(state: Ollama) {
  const asked: string[] = [];
  let loaded: number | undefined;
  const bodyOf = async (request: IncomingMessage) => {
    let text = "";
    for await (const chunk of request) text += String(chunk);
    return text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
  };
  const server = createServer(async (request, response) => {
    const body = await bodyOf(request);
    const path = request.url ?? "";
    asked.push(path);
    const json = (status: number, value: unknown) =>
      void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
    if (path === "/api/tags") return json(200, { models: [{ name: "qwen3:4b", model: "qwen3:4b" }] });
    if (path === "/api/ps" && state.isOld !== true) {
      const context = state.tellsWindow === false ? {} : { context_length: loaded };
      const one = { name: "qwen3:4b", model: "qwen3:4b", size: 1, ...context };
      return json(200, { models: loaded === undefined ? [] : [one] });
    }
    if (path === "/api/generate" && state.isOld !== true) {
      if (body["model"] !== "qwen3:4b")
        return json(404, { error: `model '${String(body["model"])}' not found` });
      loaded = state.window;
      return json(200, { model: "qwen3:4b", response: "", done: true, done_reason: "load" });
    }
    if (path !== "/v1/chat/completions") return void response.writeHead(404).end("404 page not found");
    loaded ??= state.window;
    const wire = createOpenAiWire("qwen3:4b", true);
    response.writeHead(200, { "content-type": "text/event-stream" });
    const said = wire.begin(usage) + wire.text("Fine.") + wire.finish("stop", usage);
    response.end(said.replaceAll('"object":', '"system_fingerprint":"fp_ollama","object":'));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    asked,
    host: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    restart(window: number) {
      state.window = window;
      loaded = undefined;
    },
  };
}

const open = (host: string) =>
  openNative({ providerEnv: { OLLAMA_HOST: host, HEARTH_MODEL: "ollama/qwen3:4b" }, tools: [echoTool] });

test("an Ollama whose window is too small for the tools is not asked, and one sentence says what to set", async () => {
  const ollama = await startOllama({ window: 4_096 });
  const native = await open(ollama.host);
  expect(await native.start("Hello").result).toMatchObject({
    outcome: "error",
    error: {
      code: "context_overflow",
      message: expect.stringMatching(
        /^Ollama runs qwen3:4b with a context window of 4,096 tokens.*OLLAMA_CONTEXT_LENGTH=65536/,
      ),
      retryable: false,
    },
  });
  expect(ollama.asked).not.toContain("/v1/chat/completions");
  ollama.restart(65_536);
  expect(await native.start("And now?").result).toEqual({ outcome: "end_turn" });
  await native.close();
});

test("an Ollama whose window is large enough is asked, and its window is read once", async () => {
  const ollama = await startOllama({ window: 65_536 });
  const native = await open(ollama.host);
  expect(await native.start("Hello").result).toEqual({ outcome: "end_turn" });
  expect(await native.start("Again").result).toEqual({ outcome: "end_turn" });
  expect(ollama.asked.filter((path) => path !== "/api/tags")).toEqual([
    ...["/api/ps", "/api/generate", "/api/ps", "/v1/chat/completions", "/v1/chat/completions"],
  ]);
  await native.close();
});

test("a conversation that is certain to be cut is not sent", async () => {
  const ollama = await startOllama({ window: 16_384 });
  const native = await open(ollama.host);
  expect(await native.start("x".repeat(200_000)).result).toMatchObject({
    error: {
      code: "context_overflow",
      message: expect.stringContaining("no longer fits the context window of 16,384"),
    },
  });
  await native.close();
});

test.each([
  { window: 4_096, isOld: true },
  { window: 4_096, tellsWindow: false },
])("an Ollama that does not tell its window is asked as it is (%o)", async (state) => {
  const ollama = await startOllama(state);
  const native = await open(ollama.host);
  expect(await native.start("Hello").result).toEqual({ outcome: "end_turn" });
  await native.close();
});

test("an Ollama under another name and port is known by its first answer, and its window counts from then on", async () => {
  const ollama = await startOllama({ window: 4_096 });
  const own = {
    type: "openai-compatible",
    base_url: `${ollama.host}/v1`,
    models: { "qwen3:4b": {} },
  } as const;
  const native = await openNative({
    config: { providers: { own }, model: "own/qwen3:4b" },
    tools: [echoTool],
  });
  expect(await native.start("Hello").result).toEqual({ outcome: "end_turn" });
  expect(ollama.asked).toEqual(["/v1/chat/completions"]);
  expect(await native.start("Again").result).toMatchObject({ error: { code: "context_overflow" } });
  await native.close();
});
