// What a model said is the same however its bytes are cut; an answer that breaks off ends as a failure that has a
// name, and what a reader does not know it leaves out (providers.md 16). On every wire.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ModelFailure } from "../../src/agent/native/models/errors/failure.ts";
import type { ModelChunk } from "../../src/agent/native/models/model.ts";
import type { ModelFetch } from "../../src/agent/native/models/network/model-fetch.ts";
import { createAnthropicReader } from "../../src/agent/native/models/wire/anthropic.ts";
import { createChatReader } from "../../src/agent/native/models/wire/chat.ts";
import { exchange } from "../../src/agent/native/models/wire/exchange.ts";
import { createGoogleReader } from "../../src/agent/native/models/wire/google.ts";
import type { WireReader } from "../../src/agent/native/models/wire/reader.ts";
import { createResponsesReader } from "../../src/agent/native/models/wire/responses.ts";
import { createGeminiWire, createResponsesWire } from "../support/agent-wires.ts";
import { createAnthropicWire, createOpenAiWire, type ModelWire } from "../support/model-wire.ts";

type Wire = { createReader(): WireReader; createWire(): ModelWire };
const wires: Record<string, Wire> = {
  chat: {
    createReader: () => createChatReader(new Set(["read"])),
    createWire: () => createOpenAiWire("m", true),
  },
  anthropic: { createReader: createAnthropicReader, createWire: () => createAnthropicWire("m") },
  responses: { createReader: createResponsesReader, createWire: () => createResponsesWire("m") },
  google: { createReader: createGoogleReader, createWire: () => createGeminiWire("m") },
};

type Part = { say: string[] } | { think: string[] } | { call: Record<string, unknown> };
const words = fc.array(fc.string({ unit: "binary", minLength: 1, maxLength: 12 }), {
  minLength: 1,
  maxLength: 4,
});
const part: fc.Arbitrary<Part> = fc.oneof(
  fc.record({ say: words }),
  fc.record({ think: words }),
  fc.record({
    call: fc.dictionary(fc.string({ maxLength: 5 }), fc.oneof(fc.string(), fc.integer(), fc.boolean()), {
      maxKeys: 3,
    }),
  }),
);
const usage = { input: 100, output: 20, reasoning: 3, cache_read: 10, cache_write: 0 };

/** Events as the provider would write them. */
function written(wire: ModelWire, parts: readonly Part[]): string[] {
  const events = [wire.begin(usage)];
  for (const [at, part] of parts.entries()) {
    if ("say" in part) events.push(...part.say.map((text) => wire.text(text.toWellFormed())));
    else if ("think" in part)
      events.push(...part.think.map((text) => wire.reasoning(text.toWellFormed(), "c2ln")));
    else events.push(wire.callBegin(`call_${at}`, "read"), wire.callArguments(JSON.stringify(part.call)));
  }
  events.push(wire.finish("stop", usage));
  return events.flatMap((text) => text.split(/(?<=\n\n)/)).filter((text) => text !== "");
}

/** Everything but signs of life. */
type Played = { said: ModelChunk[]; error: unknown };
async function play({ createReader }: Wire, pieces: readonly Uint8Array[]): Promise<Played> {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
  const fetch = (async () => new Response(body)) as ModelFetch;
  const origin = { label: "Some", keyFrom: null, addressFrom: "a test", baseUrl: "http://some", model: "m" };
  const said: ModelChunk[] = [];
  const chunks = exchange(
    { url: "http://some", init: { body: "{}" } },
    { fetch, createReader, origin },
    new AbortController().signal,
  );
  try {
    for await (const chunk of chunks) if (chunk.type !== "progress") said.push(chunk);
    return { said, error: undefined };
  } catch (error) {
    return { said, error };
  }
}

/** Neighbouring words are one: a cut may fall between them. */
const told = ({ said }: Played) =>
  JSON.stringify({
    text: said.map((chunk) => (chunk.type === "text" ? chunk.text : "")).join(""),
    reasoning: said.map((chunk) => (chunk.type === "reasoning" ? chunk.text : "")).join(""),
    rest: said.filter(({ type }) => type !== "text" && type !== "reasoning"),
  });
const textOf = (played: Played, type: "text" | "reasoning") =>
  played.said.map((chunk) => (chunk.type === type ? chunk.text : "")).join("");

const cuts = fc.array(fc.nat(), { maxLength: 12 });
function cutAt(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const sorted = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].sort(
    (a, b) => a - b,
  );
  return sorted
    .slice(1)
    .map((end, at) => bytes.subarray(sorted[at], end))
    .filter(({ length }) => length > 0);
}

/** Objects of the words that the wires know, put together in any way. */
const vocabulary =
  "type index delta content content_block text thinking signature id name input partial_json message usage error stop_reason choices finish_reason tool_calls function arguments reasoning_content reasoning_details item item_id output_index output summary summary_index call_id encrypted_content phase response status incomplete_details reason candidates parts thought thoughtSignature functionCall args partialArgs jsonPath stringValue willContinue finishReason finishMessage usageMetadata promptFeedback blockReason promptTokenCount role detail object".split(
    " ",
  );
const types =
  "message_start content_block_start content_block_delta content_block_stop message_delta message_stop text_delta thinking_delta signature_delta input_json_delta tool_use text thinking response.output_item.added response.output_item.done response.output_text.delta response.refusal.delta response.reasoning_summary_text.delta response.reasoning_text.delta response.function_call_arguments.delta response.completed response.incomplete response.failed response.done error function_call reasoning message STOP stop $.a[0]".split(
    " ",
  );
const { value } = fc.letrec<{ value: unknown; object: Record<string, unknown> }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: "small" },
    fc.constantFrom<unknown[]>(...types, null, true, 0, 1, -1, 1e21, ""),
    fc.array(tie("value"), { maxLength: 3 }),
    tie("object"),
  ),
  object: fc.dictionary(fc.constantFrom(...vocabulary), tie("value"), { maxKeys: 6 }),
}));
const anyEvent = fc
  .tuple(
    fc.option(fc.constantFrom(...types)),
    fc.dictionary(fc.constantFrom(...vocabulary), value, { maxKeys: 8 }),
  )
  .map(([type, fields]) => (type === null ? fields : { ...fields, type }));

describe.each(Object.entries(wires))("an answer by the wire %s", (_name, wire) => {
  test("is the same however its bytes are cut", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 6 }), cuts, async (parts, places) => {
        const bytes = Buffer.from(written(wire.createWire(), parts).join(""));
        const whole = await play(wire, [bytes]);
        expect(whole.error).toBeUndefined();
        for (const type of ["say", "think"] as const) {
          const meant = parts.flatMap((each) =>
            type in each ? (each as Record<string, string[]>)[type] : [],
          );
          const heard = textOf(whole, type === "say" ? "text" : "reasoning");
          expect(heard.replaceAll("\n\n", "")).toBe(meant.join("").toWellFormed().replaceAll("\n\n", ""));
        }
        expect(told(await play(wire, cutAt(bytes, places)))).toBe(told(whole));
      }),
    );
  });

  test("that breaks off anywhere is whole or a failure that has a name, and says nothing else", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 5 }), fc.nat(), async (parts, place) => {
        const bytes = Buffer.from(written(wire.createWire(), parts).join(""));
        const whole = await play(wire, [bytes]);
        const cut = await play(wire, [bytes.subarray(0, place % bytes.length)]);
        for (const type of ["text", "reasoning"] as const)
          expect(textOf(whole, type).startsWith(textOf(cut, type))).toBe(true);
        const calls = ({ said }: Played) => said.filter(({ type }) => type === "tool_call");
        expect(calls(whole).slice(0, calls(cut).length)).toEqual(calls(cut));
        if (cut.error !== undefined) expect(cut.error).toBeInstanceOf(ModelFailure);
        // Whole it is only when nothing is missing.
        else expect(calls(cut)).toEqual(calls(whole));
        if (cut.error === undefined) expect(textOf(cut, "text")).toBe(textOf(whole, "text"));
      }),
    );
  });

  test("goes on over events that nobody knows", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 5 }), cuts, async (parts, places) => {
        const events = written(wire.createWire(), parts);
        const whole = await play(wire, [Buffer.from(events.join(""))]);
        const strange = [...events];
        for (const [at, place] of places.entries())
          strange.splice(
            place % (strange.length + 1),
            0,
            [": hello\n\n", 'data: {"type":"brand_new","a":[1]}\n\n', 'event: news\ndata: {"x":{}}\n\n'][
              at % 3
            ] ?? "",
          );
        expect(told(await play(wire, [Buffer.from(strange.join(""))]))).toBe(told(whole));
      }),
    );
  });

  test("of any events at all makes no reader throw, and what it says is text and calls", () => {
    fc.assert(
      fc.property(fc.array(anyEvent, { maxLength: 8 }), (events) => {
        const reader = wire.createReader();
        const said = events.flatMap((event) => [...(reader.read(event, undefined) ?? [])]);
        reader.error();
        reader.done();
        reader.ending();
        for (const chunk of [...said, ...reader.close()]) {
          if ("text" in chunk) expect(typeof chunk.text).toBe("string");
          if (chunk.type === "tool_call") expect(typeof chunk.arguments).toBe("string");
        }
        for (const count of Object.values(reader.usage()))
          expect(Number.isSafeInteger(count) && count >= 0).toBe(true);
      }),
      { numRuns: 400 },
    );
  });
});
