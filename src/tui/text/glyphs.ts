import type { Capabilities } from "../capabilities.ts";

const unicode = {
  bullet: "●",
  prompt: "›",
  ok: "✓",
  fail: "✗",
  running: "●",
  pending: "○",
  stopped: "■",
  denied: "✗",
  question: "?",
  warning: "!",
  thought: "∴",
  working: "✻",
  gutter: "│",
  rule: "─",
  cross: "┼",
  ellipsis: "…",
  dot: "·",
  minus: "−",
  item: ["•", "◦", "▪"],
} as const;

type Glyphs = {
  [G in keyof typeof unicode]: (typeof unicode)[G] extends string ? string : readonly string[];
};

const ascii: Glyphs = {
  bullet: "*",
  prompt: ">",
  ok: "ok",
  fail: "x",
  running: "*",
  pending: "o",
  stopped: "#",
  denied: "x",
  question: "?",
  warning: "!",
  thought: "~",
  working: "*",
  gutter: "|",
  rule: "-",
  cross: "+",
  ellipsis: "...",
  dot: "-",
  minus: "-",
  item: ["-", "*", "+"],
};

export type { Glyphs };
export const glyphsOf = (capabilities: Pick<Capabilities, "unicode">): Glyphs =>
  capabilities.unicode ? unicode : ascii;
