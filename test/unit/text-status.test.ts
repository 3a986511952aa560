import { describe, expect, test } from "vitest";
import {
  formatAgo,
  formatBytes,
  formatClock,
  formatCost,
  formatCount,
  formatDuration,
} from "../../src/tui/text/figures.ts";
import { glyphsOf } from "../../src/tui/text/glyphs.ts";
import { fittingFields, type Status, statusFields } from "../../src/tui/text/status-line.ts";

const glyphs = glyphsOf({ unicode: true, screenReader: false });
const status: Status = {
  mode: "ask",
  model: "sonnet",
  branch: "main",
  isDirty: true,
  contextPercent: 12,
  cachePercent: 83,
  cost: 0.04,
  terminals: 2,
  hint: "? keys",
};
/** What stands at the left and, behind a bar, at the right. */
const line = (width: number, changes: Partial<Status> = {}, of = status) => {
  const { left, right, separator } = fittingFields(statusFields({ ...of, ...changes }), width, glyphs);
  const sides = [left, right].map((side) => side.map(({ text }) => text).join(separator));
  return sides.filter((side) => side !== "").join(" | ");
};

describe("the status line", () => {
  test("has all fields where there is room", () => {
    expect(line(80)).toBe("ask · sonnet · main* · ctx 12% · cached 83% · $0.04 | 2 terminals · ? keys");
  });

  test("drops the least important field first, whole", () => {
    expect([60, 52, 44, 34, 22, 14, 4].map((width) => line(width))).toEqual([
      "ask · sonnet · main* · ctx 12% · $0.04 | 2 terminals",
      "ask · sonnet · ctx 12% · $0.04 | 2 terminals",
      "ask · sonnet · ctx 12% | 2 terminals",
      "ask · sonnet · ctx 12%",
      "ask · sonnet",
      "ask",
      "a…",
    ]);
  });

  test("keeps what needs a person, and a context that is nearly full", () => {
    expect(line(34, { needsYou: 1, contextPercent: 91 })).toBe("ask · ctx 91% | ? 1 needs you");
  });

  test("has no field for what is not known", () => {
    expect(line(80, {}, { mode: "accept_edits", terminals: 1 })).toBe("accept edits");
  });

  test("names another agent and what the switch to it comes to", () => {
    expect(line(90, { agent: "goose", agentState: "resumed" })).toContain("ask · goose (resumed) · sonnet");
  });
});

test("figures are short and never say that something is nothing", () => {
  expect([0, 14_400, 61_000, 3_725_000].map(formatClock)).toEqual(["0:00", "0:14", "1:01", "1:02:05"]);
  expect([40, 2_440, 9_960, 74_000].map(formatDuration)).toEqual(["0.0s", "2.4s", "0:09", "1:14"]);
  expect([0, 999, 2_100, 9_960, 48_200, 999_600, 1_300_000].map(formatCount)).toEqual([
    "0",
    "999",
    "2.1k",
    "10k",
    "48k",
    "1.0M",
    "1.3M",
  ]);
  expect([0, 0.001, 0.043, 12].map(formatCost)).toEqual(["$0.00", "<$0.01", "$0.04", "$12.00"]);
  expect([12, 48_200, 1_300_000].map(formatBytes)).toEqual(["12 B", "48 KB", "1.3 MB"]);
  expect([5_000, 720_000, 7_200_000, 260_000_000].map(formatAgo)).toEqual([
    "now",
    "12m ago",
    "2h ago",
    "3d ago",
  ]);
});
