import fc from "fast-check";
import { expect, test } from "vitest";
import type { Message, Part } from "../../src/protocol/message.ts";
import type { Block } from "../../src/tui/text/blocks/block.ts";
import { type BlockContext, blocksOf, createMessageFeed } from "../../src/tui/text/blocks/message-blocks.ts";
import { createTranscriptFeed } from "../../src/tui/text/blocks/transcript-feed.ts";
import { createTextStream, type Piece, splitText } from "../../src/tui/text/markdown/open-text.ts";
import { sanitizeLine, sanitizeText, spellOut } from "../../src/tui/text/sanitize.ts";
import { markdown, oddText, phrase } from "./text-markdown.ts";

const odd = fc.array(oddText, { maxLength: 30 }).map((parts) => parts.join(""));
const lines = fc.array(fc.oneof(odd, phrase), { maxLength: 8 }).map((parts) => parts.join("\n"));
const cuts = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 30 });

/** Cuts a text at any code unit, also inside a character or an escape sequence. */
function chunks(text: string, sizes: readonly number[]): string[] {
  const cut: string[] = [];
  for (let at = 0, index = 0; at < text.length; index += 1) {
    const size = sizes[index % sizes.length] ?? 1;
    cut.push(text.slice(at, at + size));
    at += size;
  }
  return cut;
}

test("streamed Markdown falls into the same blocks however it is cut", () => {
  fc.assert(
    fc.property(fc.oneof(markdown, lines), cuts, (source, sizes) => {
      const stream = createTextStream();
      const closed: Piece[] = [];
      for (const chunk of chunks(source, sizes)) {
        closed.push(...stream.push(chunk));
        stream.open(); // looking at the tail changes nothing
      }
      closed.push(...stream.end());
      expect(closed).toEqual(splitText(source));
      expect(stream.open()).toBeUndefined();
    }),
    { numRuns: 150 },
  );
});

test("the blocks hold every letter of the text, in order", () => {
  // Table headers are repeated where a long table is cut, so this looks at texts without tables.
  fc.assert(
    fc.property(
      fc.array(
        phrase.map((text) => text.replaceAll("|", "")),
        { maxLength: 20 },
      ),
      (paragraphs) => {
        const source = paragraphs.join("\n\n");
        const letters = (text: string) => text.replace(/[^a-z]/g, "");
        const pieces = splitText(source).map((piece) => (piece.type === "text" ? piece.text : piece.code));
        expect(letters(pieces.join(""))).toBe(letters(sanitizeText(source)));
      },
    ),
  );
});

const context: BlockContext = { agent: "hearth", run: () => undefined, nameOf: (id) => id };

type Growth = { part: "text" | "reasoning" | "tool_call" | "notice"; text: string; steps: number };
const growth: fc.Arbitrary<Growth> = fc.record({
  part: fc.constantFrom(
    "text" as const,
    "text" as const,
    "reasoning" as const,
    "tool_call" as const,
    "notice" as const,
  ),
  text: fc.oneof(markdown, lines),
  steps: fc.integer({ min: 1, max: 6 }),
});

function partAt(growth: Growth, index: number, step: number): Part {
  const id = `prt_${index}` as const;
  const shown = growth.text.slice(0, Math.ceil((growth.text.length * step) / growth.steps));
  switch (growth.part) {
    case "text":
    case "reasoning":
      return { id, type: growth.part, text: shown };
    case "notice":
      return { id, type: "notice", level: "info", code: "retry", text: growth.text };
    case "tool_call": {
      const status = step < growth.steps ? "running" : "completed";
      const call = {
        tool_call_id: id,
        name: "bash",
        kind: "execute",
        title: "x",
        input: {},
        status,
      } as const;
      return { id, type: "tool_call", ...call, output: shown };
    }
  }
}

const messageOf = (parts: Part[], isDone: boolean, id: Message["id"] = "msg_1"): Message => ({
  id,
  session_id: "ses_1",
  run_id: "run_1",
  seq: 1,
  role: "assistant",
  agent: "hearth",
  model: null,
  parts,
  finish_reason: isDone ? "canceled" : null,
  created_at: "2026-01-01T00:00:00.000Z",
  updated_at: "2026-01-01T00:00:00.000Z",
  completed_at: isDone ? "2026-01-01T00:00:01.000Z" : null,
});

/** A message as a client sees it grow: parts one after the other, tool calls ending after later parts have begun. */
function statesOf(growths: readonly Growth[]): Message[] {
  const states: Message[] = [];
  const done: Part[] = [];
  for (const [index, part] of growths.entries()) {
    for (let step = 0; step <= part.steps; step += 1)
      states.push(messageOf([...done, partAt(part, index, step)], false));
    const isLate = part.part === "tool_call" && index % 2 === 0;
    done.push(partAt(part, index, isLate ? part.steps - 1 : part.steps));
  }
  const whole = growths.map((part, index) => partAt(part, index, part.steps));
  return [...states, messageOf(whole, false), messageOf(whole, true)];
}

test("while a message streams each block is closed once, in order, and as a replay of the whole has it", () => {
  fc.assert(
    fc.property(fc.array(growth, { maxLength: 5 }), fc.nat({ max: 3 }), (growths, skipped) => {
      const states = statesOf(growths).filter(
        (_, index, all) => index % (skipped + 1) === 0 || index === all.length - 1,
      );
      const feed = createMessageFeed(context);
      const closed: Block[] = [];
      for (const state of states) {
        const update = feed.update(state);
        closed.push(...update.closed);
        expect(new Set([...closed, ...update.open].map((block) => block.id)).size).toBe(
          closed.length + update.open.length,
        );
      }
      const last = states.at(-1);
      if (last === undefined) throw new Error("there is always a last state");
      expect(closed).toEqual(blocksOf(last, context));
      expect(feed.isDone()).toBe(true);
      expect(feed.update(last)).toEqual({ closed: [], open: [] });
    }),
    { numRuns: 200 },
  );
});

test("of two messages the later closes nothing before the earlier is done", () => {
  fc.assert(
    fc.property(fc.array(growth, { minLength: 1, maxLength: 3 }), phrase, (growths, answer) => {
      const feed = createTranscriptFeed(context);
      const later = messageOf([{ id: "prt_l", type: "text", text: answer }], true, "msg_2");
      const states = statesOf(growths);
      const closed: Block[] = [];
      for (const state of states) {
        const update = feed.update([state, later]);
        closed.push(...update.closed);
        if (state.completed_at === null)
          expect(update.closed.filter((block) => block.id.startsWith("msg_2"))).toEqual([]);
      }
      const last = states.at(-1);
      const whole = [...(last === undefined ? [] : blocksOf(last, context)), ...blocksOf(later, context)];
      expect(closed.map((block) => block.id)).toEqual(whole.map((block) => block.id));
    }),
    { numRuns: 60 },
  );
});

const obeyed = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/;
const hidden = /[\u{e0100}-\u{e01ef}\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]/u;

test("sanitised text has nothing that a terminal obeys, hides or reorders by", () => {
  fc.assert(
    fc.property(fc.oneof(lines, odd, fc.string({ unit: "binary", maxLength: 200 })), (text) => {
      const safe = sanitizeText(text);
      expect(obeyed.test(safe)).toBe(false);
      expect(hidden.test(safe)).toBe(false);
      expect(safe.isWellFormed()).toBe(true);
      expect(sanitizeText(safe)).toBe(safe);
      expect(sanitizeLine(text)).not.toMatch(/[\n\t]/);
    }),
    { numRuns: 1000 },
  );
});

test("sanitising the lines one by one gives the same as sanitising the whole", () => {
  fc.assert(
    fc.property(fc.array(odd, { maxLength: 6 }), (parts) => {
      expect(sanitizeText(parts.join("\n"))).toBe(parts.map(sanitizeText).join("\n"));
    }),
  );
});

test("text spelled out has nothing hidden and loses nothing", () => {
  fc.assert(
    fc.property(fc.oneof(lines, fc.string({ unit: "binary", maxLength: 100 })), (text) => {
      const spelled = spellOut(text);
      expect(obeyed.test(spelled)).toBe(false);
      expect(hidden.test(spelled)).toBe(false);
      const back = spelled
        .replace(/\\x([0-9a-f]{2})|\\u([0-9a-f]{4})|\\u\{([0-9a-f]+)\}/g, (_, ...codes) =>
          String.fromCodePoint(
            Number.parseInt(codes.slice(0, 3).find((code) => code !== undefined) ?? "0", 16),
          ),
        )
        .replaceAll("\\r", "\r");
      if (!text.includes("\\")) expect(back).toBe(text);
    }),
    { numRuns: 500 },
  );
});
