// What laying out a transcript takes: `npm run bench -- text [--write]`.
import { Lexer } from "marked";
import type { Message, Part } from "../src/protocol/message.ts";
import { detectCapabilities } from "../src/tui/local/capabilities.ts";
import type { Block } from "../src/tui/text/blocks/block.ts";
import { type BlockContext, blocksOf, createMessageFeed } from "../src/tui/text/blocks/message-blocks.ts";
import { renderBlock, renderBlocks } from "../src/tui/text/blocks/render-block.ts";
import { loadHighlight } from "../src/tui/text/highlight/load-highlight.ts";
import { themes } from "../src/tui/theme.ts";
import { type Row, report, sample } from "./measure/report.ts";

const BLOCKS = 10_000;
const COLUMNS = 100;
const ROUNDS = 15;
const capabilities = detectCapabilities({ TERM: "xterm-kitty" }, { isTTY: true });
const context: BlockContext = { agent: "hearth", run: () => undefined, nameOf: () => undefined };

const paragraph =
  "The **clock** is read twice in `cart.ts`, see [the docs](https://example.com/clock): once when the discount is " +
  "computed and once when the cart is drawn, so a test that runs across a second's end sees two values.";
const code =
  "```ts\nexport const total = (cart: Cart): Money => {\n  const now = clock.now(); // once\n  return sum(cart, now);\n};\n```";
const texts = [
  `${paragraph}\n\n- one item of a list\n- another with \`code\`\n- a third\n\n${paragraph}`,
  `## What to do\n\n${paragraph}\n\n${code}`,
  paragraph,
];
const unified =
  "@@ -38,5 +38,5 @@\n export function cart() {\n   const a = 1;\n-  const now = Date.now();\n+  const now = clock.now();\n   return a;\n";

let parts = 0;
const tool = (more: Partial<Extract<Part, { type: "tool_call" }>>): Part => ({
  id: `prt_${++parts}`,
  type: "tool_call",
  tool_call_id: `call_${parts}`,
  name: "read",
  kind: "read",
  title: `src/file-${parts}.ts`,
  input: {},
  status: "completed",
  output: "",
  ...more,
});

function messageOf(index: number, messageParts: Part[], isDone = true): Message {
  const at = "2026-01-01T00:00:00.000Z";
  const ids = { id: `msg_${index}`, session_id: "ses_1", run_id: "run_1" } as const;
  const times = { created_at: at, updated_at: at, completed_at: isDone ? at : null };
  const finish = isDone ? "tool_use" : null;
  return {
    ...ids,
    seq: index,
    role: "assistant",
    agent: "hearth",
    model: null,
    parts: messageParts,
    finish_reason: finish,
    ...times,
  };
}

function transcript(): Block[] {
  const blocks: Block[] = [];
  for (let index = 0; blocks.length < BLOCKS; index += 1) {
    const step: Part[] = [
      { id: `prt_t${index}`, type: "text", text: texts[index % texts.length] ?? "" },
      tool({ view: { kind: "file", path: "src/cart.ts", line_count: 120 } }),
      tool({
        name: "bash",
        kind: "execute",
        title: "npm test -- cart",
        output: "some output of the tests\n".repeat(40),
        view: { kind: "command", command: "npm test", exit_code: 0, duration_ms: 900, truncated: false },
      }),
      tool({
        name: "edit",
        kind: "edit",
        view: { kind: "diff", path: "src/cart.ts", unified, additions: 1, deletions: 1 },
      }),
    ];
    blocks.push(...blocksOf(messageOf(index, step), context));
  }
  return blocks.slice(0, BLOCKS);
}

const timed = (work: () => unknown) => {
  const began = performance.now();
  work();
  return Promise.resolve(performance.now() - began);
};

const highlight = await loadHighlight();
const blocks = transcript();
const sources = blocks.flatMap((block) => (block.type === "text" ? [block.text] : []));
const lexAll = () => {
  for (const source of sources) Lexer.lex(source);
};

const tail = `${paragraph}\n- a\n- b **bold** \`x\`\n`.repeat(3).slice(0, 600);
const tailBlock = {
  id: "m/p/0",
  type: "text",
  text: tail,
  isFirst: true,
  isOpen: true,
  isTight: false,
} as const;

const long = `${paragraph}\n\n${code}\n\n- a\n- b\n\n`.repeat(250).slice(0, 90_000);
const DELTA = 40;
const stream = () => {
  const feed = createMessageFeed(context);
  for (let end = DELTA; end <= long.length; end += DELTA) {
    const message = messageOf(1, [{ id: "prt_1", type: "text", text: long.slice(0, end) }], false);
    const { closed, open } = feed.update(message);
    renderBlocks(closed, COLUMNS, themes.dark, capabilities, { highlight });
    renderBlocks(open, COLUMNS, themes.dark, capabilities, { highlight });
  }
};
const updates = Math.floor(long.length / DELTA);

const rows: Row[] = [
  {
    name: `${BLOCKS.toLocaleString("en")} blocks laid out, in colours`,
    unit: "ms",
    samples: await sample(ROUNDS, () =>
      timed(() => renderBlocks(blocks, COLUMNS, themes.dark, capabilities, { highlight })),
    ),
    floor: await sample(ROUNDS, () => timed(lexAll)),
    aim: "≤ 1000 (floor: marked alone)",
  },
  {
    name: "the open tail of a stream, 600 characters",
    unit: "ms",
    samples: await sample(ROUNDS * 20, () =>
      timed(() => renderBlock(tailBlock, COLUMNS, themes.dark, capabilities, { highlight })),
    ),
    floor: await sample(ROUNDS * 20, () => timed(() => Lexer.lex(tail))),
    aim: "≤ 1",
    p99: true,
  },
  {
    name: "one update of a 90 KB answer, to its end",
    unit: "ms",
    samples: (await sample(ROUNDS, () => timed(stream))).map((ms) => ms / updates),
    floor: await sample(ROUNDS, () => timed(() => Lexer.lex(long))),
    aim: "≤ 1 (floor: lexing all of it once)",
  },
];
report("Text", rows);
