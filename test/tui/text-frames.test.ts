/**
 * Whole screens of text as a person sees them, as files to be read and reviewed: test/tui/fixtures/text-*.txt.
 * Styles are left out of them; the unit tests of text look at those.
 */
import { describe, expect, test } from "vitest";
import type { Message, Part } from "../../src/protocol/message.ts";
import type { Permission } from "../../src/protocol/permission.ts";
import { noUsage } from "../../src/protocol/usage.ts";
import { type Capabilities, detectCapabilities } from "../../src/tui/local/capabilities.ts";
import type { Block } from "../../src/tui/text/blocks/block.ts";
import { type BlockContext, blocksOf } from "../../src/tui/text/blocks/message-blocks.ts";
import { blockOfPermission } from "../../src/tui/text/blocks/permission-block.ts";
import { permissionLines } from "../../src/tui/text/blocks/permission-view.ts";
import { renderBlocks } from "../../src/tui/text/blocks/render-block.ts";
import { loadHighlight } from "../../src/tui/text/highlight/load-highlight.ts";
import { layoutFor, type RenderExtras } from "../../src/tui/text/layout.ts";
import { lineText } from "../../src/tui/text/line.ts";
import { themes } from "../../src/tui/theme.ts";

const highlight = await loadHighlight();
const color = { ...detectCapabilities({ TERM: "xterm-kitty" }, { isTTY: true }), hyperlinks: false };
const plain = detectCapabilities({ TERM: "dumb", LANG: "C" }, { isTTY: true });
const spoken: Capabilities = { ...color, screenReader: true };

const sgr = /\x1b\[[\d;]*m/g;
const frame = (rows: readonly string[]) => `${rows.join("\n").replace(sgr, "")}\n`;
const file = (name: string) => `fixtures/text-${name}.txt`;

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
let partCount = 0;
const nextPart = () => `prt_${++partCount}` as const;
const text = (value: string): Part => ({ id: nextPart(), type: "text", text: value });
const tool = (changes: Partial<Extract<Part, { type: "tool_call" }>>): Part => ({
  id: nextPart(),
  type: "tool_call",
  tool_call_id: `call_${partCount}`,
  name: "read",
  kind: "read",
  title: "",
  input: {},
  status: "completed",
  output: "",
  ...changes,
});
const message = (id: string, parts: Part[], changes: Partial<Message> = {}): Message => ({
  id: `msg_${id}`,
  session_id: "ses_1",
  run_id: `run_${id}`,
  seq: 1,
  role: "assistant",
  agent: "hearth",
  model: "sonnet",
  parts,
  finish_reason: "tool_use",
  created_at: at(0),
  updated_at: at(0),
  completed_at: at(1),
  ...changes,
});

const run = {
  error: null,
  started_at: at(0),
  by: "tui-1",
  canceled_by: null,
  delivery: "queue",
  usage: { ...noUsage, output_tokens: 12_400 },
  cost: 0.043,
} as const;
const context: BlockContext = {
  agent: "hearth",
  run: (id) => {
    if (id === "run_end") return { ...run, outcome: "end_turn", completed_at: at(42) };
    if (id === "run_stop")
      return { ...run, outcome: "canceled", completed_at: at(102), canceled_by: "tui-2" };
    if (id === "run_other") return { ...run, outcome: null, completed_at: null, by: "tui-2" };
    return undefined;
  },
  nameOf: (id) => (id === "tui-1" ? undefined : "pts/4"),
  held: (id) => (id === "run_stop" ? 2 : 0),
  elapsedMs: () => 14_000,
};

const diff = {
  kind: "diff",
  path: "src/cart.ts",
  additions: 4,
  deletions: 2,
  unified: `@@ -38,8 +38,10 @@
 import { tax } from "./tax.ts";

 export function total(cart: Cart, clock: Clock): Money {
-  const now = Date.now();
-  return cart.items.filter((item) => item.expires > now).reduce(sum, zero);
+  const now = clock.now();
+  return cart.items.filter((item) => item.expires > now).map(tax).reduce(sum, zero);
+}
+
 export const empty: Cart = { items: [] };
`,
} as const;

const npmTest = Array.from(
  { length: 26 },
  (_, index) => `  ✓ keeps item ${index} until it expires (${index} ms)`,
);
const failing = [
  ...npmTest,
  "\x1b[31m  ✗ applies discount twice (expected 90, got 81)\x1b[39m",
  "",
  "1 failed",
].join("\n");

const session: Block[] = [
  {
    id: "header",
    type: "header",
    version: "0.1.0",
    path: "~/src/shop",
    branch: "main",
    facts: ["workspace 7f3a", "daemon started"],
  },
  ...blocksOf(message("p", [text("fix the flaky cart test")], { role: "user" }), context),
  ...blocksOf(
    message("1", [
      {
        id: nextPart(),
        type: "reasoning",
        text: "**Finding the test**\n\nThe test seems to depend on the clock.",
      },
      text("I'll look at the test first."),
      tool({ title: "src/cart.test.ts", view: { kind: "file", path: "src/cart.test.ts", line_count: 120 } }),
      tool({
        name: "grep",
        kind: "search",
        title:
          '"setTimeout|Date.now" in src and test, every TypeScript file, with two lines of context around each',
        view: { kind: "matches", count: 4, truncated: false },
      }),
    ]),
    context,
  ),
  ...blocksOf(
    message("2", [
      text(`The test reads the **real clock** twice, see \`total()\`. There are two ways out:

1. Freeze time in the test, as [the docs](https://example.com/fake-timers) say.
2. Pass a clock in:
   - nothing global changes
   - the test says what time it is

| Where | Reads | 日本語 |
|:--|--:|:-:|
| cart.ts | 2 | 時計 |
| cart.test.ts | 14 | なし |

I'll take the second:

\`\`\`ts
type Clock = { now(): number };
const fixed: Clock = { now: () => 1_000 }; // the time of the test, a line that is longer than small screens
\`\`\`
`),
      tool({ name: "edit", kind: "edit", title: "src/cart.ts", view: diff }),
      tool({
        name: "bash",
        kind: "execute",
        title: "npm test -- cart",
        status: "failed",
        output: failing,
        view: {
          kind: "command",
          command: "npm test -- cart",
          exit_code: 1,
          duration_ms: 14_200,
          truncated: false,
        },
      }),
      tool({ name: "write", kind: "edit", title: "/etc/hosts", status: "denied" }),
    ]),
    context,
  ),
  ...blocksOf(
    message(
      "end",
      [
        {
          id: nextPart(),
          type: "notice",
          level: "warning",
          code: "retry",
          text: "Provider: 529 overloaded · retry 2/5 in 8 s",
        },
        text(
          "> Done: the clock is injected.\n\n- [x] make the clock injectable\n- [ ] update the changelog\n\n---",
        ),
      ],
      { finish_reason: "end_turn" },
    ),
    context,
  ),
  { id: "presence", type: "presence", text: "pts/4 attached", isRule: false },
  ...blocksOf(
    message(
      "other",
      [
        text("now the changelog, please, and say in it that the clock is injected everywhere"),
        { id: nextPart(), type: "file", name: "notes.png", media_type: "image/png", size: 48_200 },
      ],
      { role: "user" },
    ),
    context,
  ),
  ...blocksOf(
    message(
      "stop",
      [
        text("On it."),
        tool({
          name: "mcp__docs__search",
          kind: "other",
          title: "changelog format",
          input: { q: "x" },
          output: "a\nb",
        }),
        tool({
          name: "bash",
          kind: "execute",
          title: "npm run docs",
          status: "canceled",
          output: "10%\r20%\r30%",
        }),
      ],
      { agent: "goose", finish_reason: "canceled" },
    ),
    context,
  ),
];

const permission: Permission = {
  id: "prm_1",
  session_id: "ses_1",
  run_id: "run_1",
  tool_call_id: "call_1",
  agent: "hearth",
  kind: "execute",
  title: "npm install",
  detail: {
    type: "command",
    command: "npm install sinon --save-dev \\\n  && npm test",
    cwd: "/home/ada/src/shop",
    reasons: ["writes package.json", "network: registry"],
  },
  options: [
    { decision: "allow_once", label: "allow once", rules: [] },
    {
      decision: "allow_session",
      label: "allow this session",
      rules: ["bash(npm install *)", "bash(npm test)"],
    },
    { decision: "deny", label: "deny and say why", rules: [] },
  ],
  asked_at: at(0),
  state: "open",
  decision: null,
  message: null,
  answered_by: null,
  answered_at: null,
};
const view = {
  selected: 0,
  askedMs: 5000,
  terminals: 2,
  waiting: 0,
  rowsMax: 16,
  hints: ["esc deny and stop the turn", "e edit command"],
  home: "/home/ada",
};
test("a search that the provider made shows what it has found first", () => {
  const output = ["About carts · https://a.example", "https://b.example", "c", "d", "e"].join("\n");
  const view = { kind: "matches", count: 5, truncated: false } as const;
  const call = { name: "web_search", kind: "search", title: "flaky carts", provider_run: true } as const;
  const blocks = blocksOf(message("1", [tool({ ...call, output, view })]), context);
  expect(
    frame(renderBlocks(blocks, 80, themes.dark, color))
      .trim()
      .split("\n"),
  ).toEqual([
    expect.stringMatching(/^✓ web_search flaky carts +5 matches$/),
    "    │ About carts · https://a.example",
    "    │ https://b.example",
    "    │ c",
    expect.stringMatching(/^ {4}… 2 more/),
  ]);
});

function draw(width: number, capabilities: Capabilities, extras: RenderExtras = { highlight }): string {
  const ask = (question: Permission, more: Partial<typeof view> = {}) =>
    permissionLines(question, { ...view, ...more }, width, layoutFor(capabilities)).lines.map(lineText);
  const edit: Permission = {
    ...permission,
    kind: "edit",
    detail: { type: "edit", path: "/home/ada/src/shop/src/cart.ts", unified: diff.unified, reasons: [] },
  };
  const answered = blockOfPermission(
    { ...permission, state: "answered", decision: "allow_once", answered_by: "tui-2", answered_at: at(9) },
    context,
  );
  return frame([
    ...renderBlocks(session, width, themes.dark, capabilities, extras),
    "",
    ...ask(permission),
    "",
    ...ask(edit, { rowsMax: 14, terminals: 1 }),
    "",
    ...renderBlocks([answered], width, themes.dark, capabilities),
  ]);
}

describe("a session", () => {
  test.each([40, 80, 120])("at %i columns", async (width) => {
    await expect(draw(width, color)).toMatchFileSnapshot(file(`session-${width}`));
  });

  test("without colours, attributes and glyphs", async () => {
    await expect(draw(80, plain)).toMatchFileSnapshot(file("session-80-plain"));
  });

  test("for a screen reader", async () => {
    await expect(draw(80, spoken)).toMatchFileSnapshot(file("session-80-spoken"));
  });

  test("in full, as the transcript shows it", async () => {
    await expect(draw(80, color, { highlight, isExpanded: true })).toMatchFileSnapshot(
      file("session-80-expanded"),
    );
  });
});

test("a block drawn alone is the same as drawn among others", () => {
  const alone = session.flatMap((block) => renderBlocks([block], 80, themes.dark, color, { highlight }));
  const together = renderBlocks(session, 80, themes.dark, color, { highlight }).filter((row) => row !== "");
  expect(alone.filter((row) => row !== "")).toEqual(together);
});
