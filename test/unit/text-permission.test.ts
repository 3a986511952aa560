import { describe, expect, test } from "vitest";
import type { Permission, PermissionDetail } from "../../src/protocol/permission.ts";
import { detectCapabilities } from "../../src/tui/local/capabilities.ts";
import { type PermissionView, permissionLines } from "../../src/tui/text/blocks/permission-view.ts";
import { layoutFor } from "../../src/tui/text/layout.ts";
import { lineText } from "../../src/tui/text/line.ts";

const can = detectCapabilities({ TERM: "dumb", LANG: "C.UTF-8" }, { isTTY: true });
const capabilities = { ...can, unicode: true };

const ask = (
  detail: PermissionDetail,
  rowsMax = 20,
  changes: Partial<Permission> = {},
  view: Partial<PermissionView> = {},
) => {
  const { lines, ...hidden } = permissionLines(
    {
      id: "prm_1",
      session_id: "ses_1",
      run_id: "run_1",
      tool_call_id: "call_1",
      agent: "hearth",
      kind: "execute",
      title: "a title",
      detail,
      options: [
        { decision: "allow_once", label: "allow once", rules: [] },
        { decision: "allow_session", label: 'allow "bash(ls *)" this session', rules: ["bash(ls *)"] },
        { decision: "deny", label: "deny", rules: [] },
      ],
      asked_at: "2026-01-01T00:00:00.000Z",
      state: "open",
      decision: null,
      message: null,
      answered_by: null,
      answered_at: null,
      ...changes,
    },
    {
      selected: 1,
      askedMs: 65_000,
      terminals: 3,
      waiting: 2,
      rowsMax,
      hints: ["esc stop"],
      home: "/home/ada",
      ...view,
    },
    80,
    layoutFor(capabilities),
  );
  return { rows: lines.map((line) => lineText(line).trimEnd()), ...hidden };
};
const command = (text: string, reasons: string[] = []): PermissionDetail => ({
  type: "command",
  command: text,
  cwd: "/home/ada/shop",
  reasons,
});

describe("a question", () => {
  test("says who wants what where, since when, and who else sees it", () => {
    expect(`\n${ask(command("ls -l", ["outside the workspace"])).rows.join("\n")}\n`).toBe(`
? hearth wants to run a command in ~/shop
  asked 1:05 · seen on 3 terminals · 2 more questions
    $ ls -l
      outside the workspace
    1 allow once
  › 2 allow "bash(ls *)" this session
    3 deny
    esc stop
`);
  });

  test("shows what an agent wants to know", () => {
    const choices = [{ label: "red" }, { label: "blue" }];
    const { rows } = ask({
      type: "question",
      question: "Which colour?\nFor the door.",
      choices,
      reasons: [],
    });
    expect(rows[0]).toMatch(/^\? hearth asks {2,}asked 1:05/);
    expect(rows.slice(1, 4)).toEqual(["    Which colour?", "    For the door.", "    1 allow once"]);
  });

  test("leaves no blank row where there is nothing to say beside it", () => {
    const quiet = { askedMs: undefined, terminals: 1, waiting: 0 };
    const { rows } = ask(command("ls -l"), 20, {}, quiet);
    expect(rows.slice(0, 2)).toEqual(["? hearth wants to run a command in ~/shop", "    $ ls -l"]);
    const far: PermissionDetail = {
      type: "command",
      command: "ls",
      cwd: `/${"long/".repeat(30)}`,
      reasons: [],
    };
    expect(ask(far, 20, {}, quiet).rows).not.toContain("");
  });

  test("is shown whole, its options too, where somebody asked to see all of it", () => {
    const rule = `bash(touch ${"x".repeat(800)})`;
    const options: Permission["options"] = [{ decision: "allow_session", label: "allow it", rules: [rule] }];
    const agent = "a long name ".repeat(60);
    expect(ask(command("ls"), 20, { options, agent }).hiddenRows).toBeGreaterThan(0);
    const whole = ask(command("ls"), 10_000, { options, agent });
    expect(whole.hiddenRows).toBe(0);
    expect(whole.rows.map((row) => row.trim()).join("")).toContain(rule);
    expect(whole.rows.join("\n")).not.toContain("not shown");
  });

  test("spells out what a terminal would hide or obey", () => {
    const rows = ask(command("echo ok \x1b[2K\r\u202e fr- mr")).rows.join("\n");
    expect(rows).toContain("$ echo ok \\x1b[2K\\r\\u202e fr- mr");
    expect(ask(command("x"), 20, { agent: "a\x1b]0;x\x07" }).rows[0]).toContain("a\\x1b]0;x\\x07 wants to");
  });

  test("shows both ends of what is too long for it, and says how much is missing", () => {
    const script = Array.from({ length: 50 }, (_, index) => `echo ${index}`).join("\n");
    const { rows, hiddenRows } = ask(command(script), 14);
    expect(rows).toHaveLength(14);
    expect(hiddenRows).toBe(43);
    expect(rows.slice(2, 10)).toEqual([
      "    $ echo 0",
      "      echo 1",
      "      echo 2",
      "      echo 3",
      "    … 43 rows not shown · ctrl+o",
      "      echo 47",
      "      echo 48",
      "      echo 49",
    ]);
  });

  test("does not let a continued row look like a command of its own", () => {
    const [, , first, second] = ask(command(`echo ${"x".repeat(64)} && rm -rf ~`)).rows;
    expect(first).toMatch(/^ {4}\$ echo x+/);
    expect(second).toMatch(/^ {8} *rm -rf ~$/);
  });

  test("about an edit shows the whole diff, or that there is none to show", () => {
    const edit = {
      type: "edit",
      path: "/home/ada/shop/a.ts",
      unified: "@@ -1 +1 @@\n-a\n+b",
      reasons: [],
    } as const;
    expect(ask({ ...edit, reasons: [] }, 20, { kind: "edit" }).rows.slice(0, 4)).toEqual([
      "? hearth wants to change ~/shop/a.ts",
      "  asked 1:05 · seen on 3 terminals · 2 more questions",
      "    1 - a",
      "    1 + b",
    ]);
    const unsaid = ask({ ...edit, unified: "", reasons: [] }, 20, { kind: "delete" }).rows;
    expect(unsaid[0]).toContain("wants to delete ~/shop/a.ts");
    expect(unsaid[2]).toBe("    It does not say what it will write.");
    // A tool that takes several files has one kind for all of them.
    const told = (kind: "deleted" | "renamed", unified: string) =>
      ask({ ...edit, unified, reasons: [], file: { path: edit.path, kind } }, 20, { kind: "edit" }).rows;
    expect(told("deleted", "@@ -1 +0,0 @@\n-a")[0]).toContain("wants to delete ~/shop/a.ts");
    const moved = told("renamed", "");
    expect([moved[0], moved[2]]).toEqual([
      "? hearth wants to move ~/shop/a.ts",
      "    Its text stays as it is.",
    ]);
  });

  test("about anything else shows its text", () => {
    const rows = ask({ type: "text", text: "Fetch https://x.org\nand read it", reasons: [] }).rows;
    expect(rows[0]).toContain("hearth asks: a title");
    expect(rows.slice(1, 3)).toEqual(["    Fetch https://x.org", "    and read it"]);
  });

  test("shows the rules that an option stores, also those that its label leaves out", () => {
    const options = [
      { decision: "allow_always", label: "always", rules: ["bash(a *)", "bash(b\n*)"] },
    ] as const;
    const rows = ask(command("a && b"), 20, {
      options: options.map((option) => ({ ...option, rules: [...option.rules] })),
    }).rows;
    expect(rows).toContain("    1 always  bash(a *), bash(b\\n*)");
  });
});
