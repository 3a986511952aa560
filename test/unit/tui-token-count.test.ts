import { expect, test } from "vitest";
import type { Message, Part } from "../../src/protocol/message.ts";
import { noUsage } from "../../src/protocol/usage.ts";
import { countTokens, withTokenCount } from "../../src/tui/state/token-count.ts";
import { connected, prompt, run } from "../support/tui-state.ts";

const text = (said: string): Part => ({ id: "prt_1", type: "text", text: said });
const answer = (fields: Partial<Message>): Message => ({
  ...prompt(10, ""),
  run_id: run(1).id,
  role: "assistant",
  ...fields,
});
const used = (output_tokens: number) => ({ ...noUsage, input_tokens: 900, output_tokens });

test("a step whose figures are known counts as it says, the open one by its letters", () => {
  const settled = answer({ parts: [text("x".repeat(4000))], usage: used(700) });
  expect(countTokens([settled])).toEqual({ tokens: 700, isEstimate: false });
  const call: Part = {
    ...{ id: "prt_2", type: "tool_call", tool_call_id: "c", name: "bash", kind: "execute", title: "" },
    ...{ input: { command: "x".repeat(86) }, status: "running", output: "y".repeat(10_000) },
  };
  const open = answer({ parts: [text("x".repeat(400)), call] });
  expect(countTokens([settled, open])).toEqual({ tokens: 700 + 100 + 26, isEstimate: true });
  expect(countTokens([])).toEqual({ tokens: 0, isEstimate: false });
});

test("the figure changes four times a second at most, and is gone with its run", () => {
  const streaming = (length: number) =>
    connected({
      runs: [run(1)],
      messages: [prompt(1, "a long prompt"), answer({ parts: [text("x".repeat(length))] })],
    });
  const first = withTokenCount(streaming(40), 1000);
  expect(first.tokenCount).toMatchObject({ tokens: 10, isEstimate: true });
  const grown = (length: number) => ({ ...streaming(length), tokenCount: first.tokenCount });
  expect(withTokenCount(grown(4000), 1249).tokenCount?.tokens).toBe(10);
  expect(withTokenCount(grown(4000), 1250).tokenCount?.tokens).toBe(1000);
  expect(withTokenCount({ ...connected(), tokenCount: first.tokenCount }, 1300).tokenCount).toBeUndefined();
  // Another run begins at its own figures, at once.
  const next = connected({
    runs: [run(2)],
    messages: [answer({ run_id: run(2).id, parts: [text("12345678")] })],
  });
  expect(withTokenCount({ ...next, tokenCount: first.tokenCount }, 1001).tokenCount?.tokens).toBe(2);
});
