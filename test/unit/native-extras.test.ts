import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ModelServer, refuse, say, startModelServer } from "../support/model-server.ts";
import { oneProvider, openNative } from "./native-host.ts";

let server: ModelServer;
beforeEach(async () => {
  server = await startModelServer();
});
afterEach(() => server.close());

const echo = { call: "echo", input: { text: "a" } } as const;
type Gateway = (sent: string, beta: string) => string | false;

/** Fields that a gateway may not know, and how it says so. */
const named = (name: string): [string, Gateway] => [
  name,
  (sent) => sent.includes(`"${name.split(".").at(-1)}"`) && name,
];
const anthropic: [string, Gateway][] = [
  ...["eager_input_streaming", "thinking.display", "block_binding", "cache_control"].map(named),
  ...["tool_choice", "thinking"].map(named),
  ["anthropic-beta", (_sent, beta) => beta !== "" && "anthropic-beta"],
];

describe("a gateway that refuses what only helps is asked without it, and the turn goes on", () => {
  async function play(type: "anthropic" | "openai-compatible", model: string, words: Gateway) {
    let turn = 0;
    server.script(({ body, headers }) => {
      const refused = words(JSON.stringify(body), String(headers["anthropic-beta"] ?? ""));
      if (refused !== false) return refuse(400, refused);
      turn += 1;
      return turn === 1 ? say({ reasoning: "Hm.", signature: "c2ln" }, echo) : say("Done.");
    });
    const native = await openNative({ config: oneProvider(server.baseUrl, type, model) });
    expect(await native.start("Go").result).toEqual({ outcome: "end_turn" });
    expect(await native.start("And").result).toEqual({ outcome: "end_turn" });
    const asked = server.requests.length;
    expect(await native.start("Again").result).toEqual({ outcome: "end_turn" });
    expect(server.requests.length).toBe(asked + 1);
    await native.close();
  }

  test.each(anthropic)("Anthropic's %s, named", async (_name, refuses) => {
    await play("anthropic", "claude-opus-5-5", (sent, beta) => {
      const name = refuses(sent, beta);
      return name !== false && `${name}: Extra inputs are not permitted`;
    });
  });

  test.each(anthropic)("Anthropic's %s, not named", async (_name, refuses) => {
    await play("anthropic", "claude-opus-5-5", (sent, beta) =>
      refuses(sent, beta) === false ? false : "Extra inputs are not permitted",
    );
  });

  test("stream_options of chat completions", async () => {
    await play("openai-compatible", "big", (sent) =>
      sent.includes('"stream_options"') ? "Unrecognized request argument supplied: stream_options" : false,
    );
  });

  test("an answer of chat completions whose content is null", async () => {
    await play("openai-compatible", "big", (sent) =>
      sent.includes('"content":null') ? "messages.2.content: invalid type: null, expected a string" : false,
    );
  });

  test("and a server that misses reasoning gets a blank for the answers of other models", async () => {
    await play("openai-compatible", "big", (sent) => {
      const { messages } = JSON.parse(sent) as { messages: { role: string; reasoning_content?: string }[] };
      const isMissed = messages.some(
        ({ role, reasoning_content }) => role === "assistant" && !reasoning_content,
      );
      return isMissed && "The `reasoning_content` in the thinking mode must be passed back to the API.";
    });
  });
});
