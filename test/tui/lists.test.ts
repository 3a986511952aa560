// What the screens around the conversation say: lists, the transcript, and where one session follows another.
import { afterEach, expect, test, vi } from "vitest";
import { scenes } from "../support/tui-scenes.ts";
import { permission, prompt, replica, run, session } from "../support/tui-state.ts";
import { openTuiTerminal, type TuiTerminal } from "../support/tui-terminal.ts";

let open: TuiTerminal | undefined;
afterEach(() => {
  open?.close();
  open = undefined;
  vi.useRealTimers();
});
const terminal = (columns = 80, rows = 24): TuiTerminal => {
  open = openTuiTerminal(columns, rows);
  return open;
};

test("what is said of a key is whole for the marked row, however narrow the window", async () => {
  const narrow = terminal(40, 12);
  narrow.show(replica());
  narrow.type("?");
  narrow.type("steer");
  const rows = (await narrow.window()).split("\n").map((row) => row.trim());
  expect(rows.join(" ")).toContain("send into the running turn at its next step · prompt.steer");
});

test("before a session is deleted the question names it", async () => {
  const at = terminal();
  at.show(replica({ sessions: [session({ title: "fix the cart" })] }));
  at.type("\x14\x1bd");
  expect(await at.window()).toContain('delete "fix the cart" for good? enter deletes, esc keeps it');
});

test("a session that is opened here stands below a line with its name, and what runs on is said", async () => {
  const other = `ses_${"2".padStart(32, "0")}` as const;
  const at = terminal();
  const sessions = [
    session({ title: "fix the cart", state: "running" }),
    session({ id: other, title: "write docs" }),
  ];
  at.show(replica({ sessions, messages: [prompt(1, "fix it")], runs: [run(1)] }));
  const next = replica({
    sessions,
    session_id: other,
    messages: [{ ...prompt(2, "docs"), session_id: other }],
  });
  at.controller.onChange(next, undefined, true);
  const shown = await at.window();
  const rule = shown.indexOf('── "write docs" · "fix the cart" goes on ──');
  expect(rule).toBeGreaterThan(shown.indexOf("fix it"));
  expect(rule).toBeLessThan(shown.indexOf("› docs"));
});

test("the transcript marks what is searched for, and says when it is not there", async () => {
  const at = terminal(80, 10);
  const messages = Array.from({ length: 12 }, (_, index) => prompt(index + 1, `thing ${index}`));
  at.show(replica({ messages }));
  at.type("\x0f");
  at.controller.update((state) => ({
    ...state,
    overlay:
      state.overlay?.kind === "transcript" ? { ...state.overlay, messages, isLoading: false } : undefined,
  }));
  at.type("/thing 3");
  at.type("\r");
  await at.window();
  const marked = at.emulator.cells().flatMap((row) => row.filter((cell) => cell.inverse));
  expect(marked.map(({ text }) => text).join("")).toBe("thing 3");
  at.type("/unicorn");
  at.type("\r");
  expect((await at.window()).split("\n").at(-1)).toContain('no "unicorn"');
  at.type("k");
  expect((await at.window()).split("\n").at(-1)).toContain("q closes");
});

test("a connection that is back is said for a moment", async () => {
  const at = terminal();
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  scenes["lost"]?.(at);
  at.controller.onLink({ state: "connected" });
  expect(at.store.get().flash?.text).toBe("reconnected");
  await new Promise((resolve) => setImmediate(resolve));
  vi.advanceTimersByTime(5000);
  vi.useRealTimers();
  expect(await at.window()).not.toContain("reconnected");
});

test("who writes a prompt under a question is told how to get to the answers", async () => {
  const at = terminal();
  at.show(replica({ messages: [prompt(1, "go")], runs: [run(1)], permissions: [permission(1)] }));
  at.at(5000);
  at.type("a draft");
  expect(await at.window()).toContain("tab to the answers");
});
