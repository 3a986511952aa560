// Moments of a terminal, for frames and pictures.
import type { HearthEvent } from "../../src/protocol/events.ts";
import type { Message } from "../../src/protocol/message.ts";
import { permission, prompt, replica, run, SESSION, session } from "./tui-state.ts";
import type { TuiTerminal } from "./tui-terminal.ts";

const TIME = "2026-01-01T00:00:00.000Z";
let seq = 1;
const event = <T extends HearthEvent["type"]>(
  type: T,
  payload: Extract<HearthEvent, { type: T }>["payload"],
) => {
  seq += 1;
  return { seq, type, time: TIME, session_id: SESSION, payload } as HearthEvent;
};

const id = <P extends string>(prefix: P, number: number): `${P}_${string}` =>
  `${prefix}_${String(number).padStart(32, "0")}`;
const answer = (fields: Partial<Message>): Message => ({
  ...prompt(10, ""),
  id: id("msg", 10),
  seq: 10,
  run_id: id("run", 1),
  role: "assistant",
  completed_at: null,
  parts: [],
  ...fields,
});
const diff = "@@ -1,3 +1,4 @@\n const a = 1;\n-const b = 2;\n+const b = 3;\n+const c = 4;\n export { a };\n";

const todo = [
  { content: "read the test", status: "completed" as const },
  { content: "find what is slow", status: "completed" as const },
  { content: "make the clock injectable", status: "completed" as const },
  {
    content: "use it in the cart, its discount and everything else that asks for the time",
    status: "in_progress" as const,
  },
  { content: "run the tests", status: "pending" as const },
  { content: "update the changelog", status: "pending" as const },
  { content: "open a PR", status: "pending" as const },
];

export const scenes: Readonly<Record<string, (terminal: TuiTerminal) => void>> = {
  idle(terminal) {
    terminal.show(replica({ session_id: null, sessions: [] }));
  },
  streaming(terminal) {
    terminal.at(31_000);
    terminal.show(replica({ messages: [prompt(1, "fix the flaky cart test")], runs: [run(1)] }));
    terminal.play(
      event("message.created", {
        message: answer({
          parts: [
            { id: id("prt", 1), type: "text", text: "I'll look at the test first." },
            {
              id: id("prt", 2),
              type: "tool_call",
              tool_call_id: "c1",
              name: "read",
              kind: "read",
              title: "src/cart.test.ts",
              input: {},
              status: "completed",
              output: "…",
              view: { kind: "file", path: "src/cart.test.ts", line_count: 120 },
            },
            {
              id: id("prt", 3),
              type: "tool_call",
              tool_call_id: "c2",
              name: "bash",
              kind: "execute",
              title: "npm test -- cart",
              input: {},
              status: "running",
              output: "✗ applies discount twice\n  expected 90, got 81\n",
            },
          ],
        }),
      }),
    );
  },
  question(terminal) {
    terminal.at(5000);
    terminal.show(
      replica({
        messages: [prompt(1, "install sinon")],
        runs: [run(1)],
        clients: [
          { id: "me", kind: "tui", label: "pts/2", attached_at: TIME, session_id: SESSION },
          { id: "other", kind: "tui", label: "pts/4", attached_at: TIME, session_id: SESSION },
        ],
        permissions: [
          permission(1, {
            title: "npm install sinon",
            detail: {
              type: "command",
              command: "npm install sinon --save-dev",
              cwd: "/project",
              reasons: ["writes package.json", "network: registry"],
            },
          }),
        ],
      }),
    );
  },
  edit_command(terminal) {
    terminal.at(5000);
    terminal.show(
      replica({
        messages: [prompt(1, "install sinon")],
        runs: [run(1)],
        permissions: [
          permission(1, {
            title: "npm install sinon",
            detail: {
              type: "command",
              command: "npm install sinon --save-dev",
              cwd: "/project",
              reasons: ["network: registry"],
              editable: true,
            },
          }),
        ],
      }),
    );
    terminal.type("e");
    terminal.type(" --save-exact\nnpm test");
  },
  edited_command(terminal) {
    terminal.at(9000);
    terminal.show(replica({ messages: [prompt(1, "install sinon")], runs: [run(1)] }));
    terminal.play(
      event("permission.resolved", {
        permission: permission(1, {
          state: "answered",
          decision: "allow_once",
          answered_by: "me",
          answered_at: "2026-01-01T00:00:08.000Z",
          detail: {
            type: "command",
            command: "npm install sinon",
            cwd: "/project",
            reasons: [],
            editable: true,
            edited: "npm install sinon --save-dev",
          },
        }),
      }),
    );
    terminal.play(
      event("message.created", {
        message: answer({
          parts: [
            {
              id: id("prt", 1),
              type: "tool_call",
              tool_call_id: "c1",
              name: "bash",
              kind: "execute",
              title: "npm install sinon --save-dev",
              input: { command: "npm install sinon --save-dev" },
              edited: { by: "me", input: { command: "npm install sinon" } },
              status: "running",
              output: "added 1 package\n",
            },
          ],
        }),
      }),
    );
  },
  edit_question(terminal) {
    terminal.show(
      replica({
        workspace: { ...replica().workspace, path: "/home/me/shop" },
        messages: [prompt(1, "rename it")],
        runs: [run(1)],
        permissions: [
          permission(1, {
            kind: "edit",
            title: "src/a.ts",
            detail: { type: "edit", path: "/home/me/shop/src/a.ts", unified: diff, reasons: [] },
          }),
        ],
      }),
    );
  },
  queue(terminal) {
    terminal.at(72_000);
    terminal.show(
      replica({
        messages: [
          prompt(1, "fix it"),
          prompt(2, "update the changelog"),
          prompt(3, "then open a PR with everything that was said above and more"),
        ],
        runs: [
          run(1),
          run(2, { state: "queued", started_at: null }),
          run(3, { state: "queued", started_at: null, by: "other" }),
        ],
        clients: [{ id: "other", kind: "tui", label: "pts/4", attached_at: TIME, session_id: SESSION }],
      }),
    );
    terminal.type("and a draft\nof two lines");
  },
  lost(terminal) {
    terminal.show(replica({ messages: [prompt(1, "fix it")], runs: [run(1)] }));
    terminal.type("my draft");
    terminal.controller.onLink({
      state: "lost",
      attempt: 3,
      retryAt: Date.parse(TIME) + 2000,
      error: new Error("gone") as never,
    });
  },
  plan(terminal) {
    terminal.at(12_000);
    terminal.show(
      replica({
        sessions: [session({ context: { used: 24_000, window: 200_000 }, cost: 0.07 })],
        messages: [prompt(1, "fix it")],
        runs: [run(1)],
        plans: [{ session_id: SESSION, entries: todo }],
      }),
    );
  },
  plan_unfolded(terminal) {
    scenes["plan"]?.(terminal);
    terminal.type("\x14");
  },
  commands(terminal) {
    terminal.show(replica());
    terminal.type("/\x1b[B");
  },
  files(terminal) {
    terminal.at(31_000);
    terminal.show(
      replica({
        messages: [prompt(1, "fix it"), prompt(2, "npm test -- cart")],
        runs: [run(1), run(2, { state: "queued", started_at: null, agent: "shell" })],
      }),
    );
    terminal.type("and look at @cart");
    terminal.controller.update((state) => ({
      ...state,
      completion: state.completion && {
        ...state.completion,
        found: [
          "src/cart.ts",
          "src/cart.test.ts",
          "packages/shop/frontend/src/components/checkout/cart/CartTotalWithDiscount.tsx",
        ],
      },
    }));
  },
  shell(terminal) {
    terminal.at(2000);
    terminal.show(
      replica({
        messages: [{ ...prompt(1, "npm test"), agent: "shell" }],
        runs: [run(1, { agent: "shell" })],
      }),
    );
    terminal.type("!git status");
  },
  sessions(terminal) {
    terminal.show(
      replica({
        workspace: { ...replica().workspace, path: "/home/me/shop" },
        sessions: [
          session({ state: "waiting", context: { used: 82_000, window: 200_000 } }),
          session({
            id: id("ses", 2),
            title: "upgrade vite",
            updated_at: "2025-12-31T23:48:00.000Z",
            cost: 0.42,
          }),
        ],
      }),
    );
    terminal.type("\x14");
  },
  help(terminal) {
    terminal.show(replica());
    terminal.type("?");
  },
};
