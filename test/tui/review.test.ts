// The review of what agents changed: files, hunks, comments, and what its keys ask of the daemon.
import { afterEach, expect, test } from "vitest";
import type { Change } from "../../src/protocol/change.ts";
import { editorText } from "../../src/tui/editor/editor.ts";
import { newReviewOverlay, withChanges } from "../../src/tui/state/review.ts";
import { replica, SESSION, session } from "../support/tui-state.ts";
import { openTuiTerminal, type TuiTerminal } from "../support/tui-terminal.ts";

let open: TuiTerminal | undefined;
afterEach(() => {
  open?.close();
  open = undefined;
});

const change = (n: number, more: Partial<Change> = {}): Change => ({
  id: `chg_${String(n).padStart(32, "0")}`,
  session_id: SESSION,
  run_id: null,
  path: `src/file${n}.ts`,
  agent: "hearth",
  state: "pending",
  kind: "modified",
  binary: false,
  old_mode: "100644",
  new_mode: "100644",
  additions: 1,
  deletions: 1,
  diff: "",
  hunks: [
    {
      ...{
        id: `h${n}a`,
        old_start: 3,
        old_lines: 3,
        new_start: 3,
        new_lines: 3,
        heading: "function price()",
      },
      ...{ text: " const a = 1;\n-const now = Date.now();\n+const now = clock.now();\n return a;\n" },
      state: "pending",
    },
    {
      ...{ id: `h${n}b`, old_start: 40, old_lines: 1, new_start: 40, new_lines: 2, heading: "" },
      ...{ text: " end();\n+more();\n" },
      state: "pending",
    },
  ],
  updated_at: "2026-01-01T00:00:00.000Z",
  ...more,
});

/** A terminal whose review has these changes. */
function review(changes: readonly Change[], columns = 100, rows = 24): TuiTerminal {
  open = openTuiTerminal(columns, rows);
  open.show(replica({ sessions: [session({ isolation: "worktree" })] }));
  open.type("\x1bc");
  expect(open.effects).toContainEqual({ do: "load_changes" });
  give(open, changes);
  return open;
}
const give = (at: TuiTerminal, changes: readonly Change[]) =>
  at.controller.update((state) => ({
    ...state,
    overlay: withChanges(state.overlay?.kind === "review" ? state.overlay : newReviewOverlay, changes),
  }));

test("files stand beside the marked one's hunks, with who made each change when several did", async () => {
  const at = review([
    change(1),
    change(2, { agent: "goose", kind: "added", additions: 9, deletions: 0 }),
    change(3, { agent: null, state: "applied" }),
  ]);
  expect(await at.window()).toMatchSnapshot();
});

test("a narrow window has the files above the diff, and a wide one old and new side by side", async () => {
  expect(await review([change(1), change(2)], 60, 20).window()).toMatchSnapshot();
  open?.close();
  expect(await review([change(1)], 160, 16).window()).toMatchSnapshot();
});

test("a key judges the file, the hunk under the cursor, or everything", async () => {
  const at = review([change(1), change(2)]);
  at.type("a");
  at.type("jd");
  at.type("]]");
  at.type("a");
  at.type("A");
  at.type("D");
  expect(await at.window()).toContain("discard the changes of 2 files? enter discards");
  at.type("\x1b[27u");
  at.type("D");
  at.type("\r");
  const id = (n: number) => change(n).id;
  expect(at.effects.filter(({ do: what }) => what === "judge_changes")).toEqual([
    { do: "judge_changes", verb: "apply", ids: [id(1)] },
    { do: "judge_changes", verb: "reject", ids: [id(2)] },
    { do: "judge_changes", verb: "apply", ids: [id(2)], hunks: ["h2b"] },
    { do: "judge_changes", verb: "apply", ids: [id(1), id(2)] },
    { do: "judge_changes", verb: "reject", ids: [id(1), id(2)] },
  ]);
});

test("what is applied is undone, and what is judged already is not judged again", async () => {
  const at = review([
    change(1, { state: "applied", hunks: change(1).hunks.map((hunk) => ({ ...hunk, state: "applied" })) }),
  ]);
  at.type("a");
  expect(await at.window()).toContain("Only what is pending or undone can be applied.");
  at.type("u");
  expect(at.effects).toContainEqual({ do: "judge_changes", verb: "revert", ids: [change(1).id] });
});

test("a conflict is told, and taken one way or the other, or handed to the agent", async () => {
  const conflict = {
    text: "src/file1.ts was changed in the workspace too.",
    ours: "@@ -4 +4 @@\n-const now = Date.now();\n+const now = time.now();\n",
    theirs: null,
  };
  const at = review([change(1, { conflict })]);
  const told = await at.window();
  expect(told).toMatch(/! src\/file1\.ts was changed in the workspace too\./);
  expect(told).toMatch(
    /in your files:[\s\S]*4 \+ const now = time\.now\(\);[\s\S]*the agent's:[\s\S]*clock\.now/,
  );
  at.type("T");
  at.type("O");
  expect(at.effects.filter(({ do: what }) => what === "judge_changes")).toMatchObject([
    { verb: "apply", resolve: "theirs" },
    { verb: "apply", resolve: "ours" },
  ]);
  at.type("H");
  const draft = editorText(at.store.get().editor);
  expect(draft).toContain("Your change of src/file1.ts no longer fits");
  expect(draft).toContain("+const now = time.now();");
});

test("what stands in the way of an undo is taken one way or the other, too, or handed to the agent", async () => {
  const conflict = { text: "src/file1.ts was changed since.", ours: null, theirs: null };
  const at = review([change(1, { state: "applied", conflict })]);
  const hints = await at.window();
  expect(hints).toContain("T as it was before");
  at.type("T");
  at.type("O");
  expect(at.effects.filter(({ do: what }) => what === "judge_changes")).toMatchObject([
    { verb: "revert", resolve: "theirs" },
    { verb: "revert", resolve: "ours" },
  ]);
  at.type("H");
  expect(editorText(at.store.get().editor)).toContain(
    "I want your change of src/file1.ts out of the file again",
  );
});

test("the whole file stands around its hunks on demand, with the line numbers of both versions", async () => {
  const at = review([change(1)], 160);
  at.type("f");
  expect(at.effects).toContainEqual({ do: "load_whole", id: change(1).id });
  const lines = Array.from({ length: 45 }, (_, index) => `line ${index + 1}`);
  lines.splice(2, 3, " const a = 1;", "const now = clock.now();", " return a;");
  lines.splice(39, 2, "end();", "more();");
  at.controller.update((state) => ({
    ...state,
    overlay:
      state.overlay?.kind === "review"
        ? { ...state.overlay, whole: { id: change(1).id, text: `${lines.join("\n")}\n` } }
        : state.overlay,
  }));
  const top = await at.window();
  expect(top).toMatch(/1\s+line 1 [\s\S]*2\s+line 2 [\s\S]*hunk 1\/2[\s\S]*6\s+line 6 [\s\S]*7\s+line 7 /);
  expect(top).toContain("f hunks alone");
  at.type("]");
  at.type("]");
  const end = await at.window();
  expect(end).toMatch(/39\s+line 39[\s\S]*hunk 2\/2[\s\S]*more\(\);[\s\S]*41\s+line 42[^\n]*42\s+line 42/);
  // A line between hunks counts to the next one.
  at.type("k");
  at.type("a");
  expect(at.effects.at(-1)).toMatchObject({ do: "judge_changes", verb: "apply", hunks: ["h1b"] });
  at.type("f");
  expect(await at.window()).not.toContain("line 39");
});

test("comments on lines become the next prompt, with the code they are about", async () => {
  const at = review([change(1)]);
  at.type("]jj");
  at.type("c");
  at.type("use the injected clock");
  expect(await at.window()).toContain("comment: use the injected clock");
  at.type("\r");
  at.type("\x1b[27u");
  at.type("c");
  at.type("needs a test");
  at.type("\r");
  expect(await at.window()).toContain("s send 2 comments");
  at.type("s");
  const shown = await at.window();
  expect(shown).toContain("src/file1.ts, line 4: use the injected clock");
  expect(shown).toContain("-const now = Date.now();");
  expect(shown).toContain("src/file1.ts: needs a test");
});

test("newer changes keep the mark, and a file that is gone gives it up", async () => {
  const at = review([change(1), change(2)]);
  at.type("j");
  give(at, [change(1), change(2), change(3)]);
  expect(at.store.get().overlay).toMatchObject({ marked: change(2).id });
  give(at, [change(3)]);
  expect(at.store.get().overlay).toMatchObject({ marked: change(3).id, row: null });
  expect(await at.window()).toContain("src/file3.ts");
});

test("what a change holds cannot draw on the screen", async () => {
  const at = review([
    change(1, {
      path: "a\x1b[2Jb\nc.ts",
      hunks: change(1).hunks.map((hunk) => ({ ...hunk, text: "+\x1b]0;evil\x07x\n" })),
    }),
  ]);
  const shown = await at.window();
  expect(shown).not.toContain("evil\x07");
  expect(at.emulator).toBeDefined();
  expect(shown).toMatch(/a.*b c\.ts/);
});
