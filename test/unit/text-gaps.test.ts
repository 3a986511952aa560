import { expect, test } from "vitest";
import type { Block } from "../../src/tui/text/blocks/block.ts";
import { gapBefore } from "../../src/tui/text/blocks/render-block.ts";

const header: Block = { id: "h", type: "header", version: "1", path: "~/shop", branch: null, facts: [] };
const notice: Block = { id: "n", type: "notice", level: "warning", code: "start", text: "careful" };
const presence: Block = { id: "p", type: "presence", text: "3 earlier messages", isRule: false };

test("what comes first stands a row below the header, and notices stand together", () => {
  expect(gapBefore(header, notice)).toBe(1);
  expect(gapBefore(header, presence)).toBe(1);
  expect(gapBefore(notice, notice)).toBe(0);
});
