// What must go back verbatim to the model that made it is read with the part that it belongs to.
import { describe, expect, test } from "vitest";
import { askRaw, type RawJson, sse } from "../support/raw-model.ts";

const finish = (reason: string | null, more: RawJson = {}): RawJson => ({
  choices: [{ index: 0, delta: {}, finish_reason: reason, ...more }],
});
const claude = (delta: RawJson): RawJson[] => [
  { type: "message_start", message: { usage: { input_tokens: 5 } } },
  { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "x" } },
  { type: "message_delta", delta, usage: { output_tokens: 1 } },
];

const openai = (response: RawJson, type = "response.completed"): RawJson[] => [
  { type: "response.output_text.delta", output_index: 0, item_id: "m", delta: "x" },
  { type, response },
];

describe("what must go back with a part comes with it", () => {
  test("signatures, sealed thinking, phases and a gateway's details", async () => {
    const claudes = await askRaw("anthropic", {
      body: sse([
        {
          type: "content_block_start",
          index: 0,
          content_block: { type: "redacted_thinking", data: "sealed" },
        },
        { type: "content_block_stop", index: 0 },
        ...claude({ stop_reason: "end_turn" }),
      ]),
    });
    expect(claudes.provider).toEqual([{ anthropic: { redactedData: "sealed" } }]);
    const geminis = await askRaw("google", {
      body: sse([
        { candidates: [{ content: { parts: [{ text: "Hi" }] } }] },
        {
          candidates: [{ content: { parts: [{ text: "", thoughtSignature: "sig" }] }, finishReason: "STOP" }],
        },
      ]),
    });
    expect(geminis.chunks).toContainEqual({
      type: "part_ended",
      of: "text",
      provider: { google: { thoughtSignature: "sig" } },
    });
    const phases = await askRaw("responses", {
      body: sse([
        {
          type: "response.output_item.added",
          output_index: 0,
          item: { type: "message", id: "m", phase: "commentary" },
        },
        { type: "response.output_text.delta", output_index: 0, delta: "Hi" },
        { type: "response.output_item.done", output_index: 0, item: { type: "message", id: "rotated" } },
        { type: "response.completed", response: {} },
      ]),
    });
    expect(phases.provider).toEqual([{ openai: { itemId: "m", phase: "commentary" } }]);
    const detail = (fields: RawJson): RawJson => ({ choices: [{ delta: { reasoning_details: [fields] } }] });
    const gateway = await askRaw("chat", {
      body: sse([
        detail({ type: "reasoning.text", index: 0, text: "Hm" }),
        detail({ type: "reasoning.text", index: 0, text: ".", signature: "sig" }),
        detail({ type: "reasoning.encrypted", data: "sealed", id: "rs" }),
        finish("stop"),
      ]),
    });
    expect(gateway.reasoning).toBe("Hm.");
    expect(gateway.provider).toEqual([
      {
        compatible: {
          reasoningDetails: [
            { type: "reasoning.text", index: 0, text: "Hm.", signature: "sig" },
            { type: "reasoning.encrypted", data: "sealed", id: "rs" },
          ],
        },
      },
    ]);
  });

  test("reasoning that is no summary is shown as it is", async () => {
    const { reasoning } = await askRaw("responses", {
      body: sse([
        { type: "response.reasoning_text.delta", output_index: 0, item_id: "rs", delta: "Raw." },
        ...openai({}),
      ]),
    });
    expect(reasoning).toBe("Raw.");
  });
});
