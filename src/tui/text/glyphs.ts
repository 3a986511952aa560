import type { Capabilities } from "../local/capabilities.ts";

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
  separator: " · ",
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
  separator: " - ",
  minus: "-",
  item: ["-", "*", "+"],
};

/** For screen readers, which would spell drawing characters out. */
const spoken: Glyphs = {
  ...ascii,
  ok: "done",
  fail: "failed",
  denied: "denied",
  dot: ",",
  separator: ", ",
  gutter: ">",
};

export type { Glyphs };
export const glyphsOf = ({
  unicode: hasUnicode,
  screenReader,
}: Pick<Capabilities, "unicode" | "screenReader">): Glyphs =>
  screenReader ? spoken : hasUnicode ? unicode : ascii;
