// Screens that are said in lines, and screens on which nothing moves by itself.
import { expect, test } from "vitest";
import { parsePreferences } from "../../src/tui/files/preferences.ts";
import { createKeyMap } from "../../src/tui/keys.ts";
import type { AppState, DisplayMode } from "../../src/tui/state/state.ts";
import { stepInput } from "../../src/tui/steps/input.ts";
import { withQuestion } from "../../src/tui/steps/question.ts";
import { glyphsOf } from "../../src/tui/text/glyphs.ts";
import { homePath } from "../../src/tui/text/home-path.ts";
import { announcement } from "../../src/tui/view/announcement.ts";
import { questionView } from "../../src/tui/view/question.ts";
import { runLine } from "../../src/tui/view/run-line.ts";
import { connected, permission, replica, run, session } from "../support/tui-state.ts";

const keys = createKeyMap({});
const display = (fields: Partial<DisplayMode>): { display: DisplayMode } => ({
  display: { isLines: false, isStill: false, home: "/home/me", ...fields },
});
/** What the terminal of lines makes of typed lines. */
function typeLines(state: AppState, ...lines: string[]) {
  const effects: unknown[] = [];
  let current = state;
  for (const line of lines) {
    const isKey = /^[\de]$/.test(line);
    const events = isKey
      ? [{ type: "text", text: line } as const]
      : [
          ...(line === "" ? [] : [{ type: "paste", text: line } as const]),
          { type: "key", chord: "enter" } as const,
        ];
    for (const event of events) {
      const step = stepInput(current, event, keys, 0);
      current = step.state;
      effects.push(...step.effects);
    }
  }
  return { state: current, effects };
}
const asked = () => {
  const open = permission(1, {
    detail: { type: "command", command: "npm test", cwd: "/project", reasons: [], editable: true },
  });
  return withQuestion(
    connected({ runs: [run(1)], permissions: [open] }, display({ isLines: true, isStill: true })),
    0,
  );
};

test("in lines a question is answered by a number, or by typing another command", () => {
  expect(typeLines(asked(), "1").effects).toMatchObject([{ do: "answer", decision: "allow_once" }]);
  const editing = typeLines(asked(), "e");
  expect(editing.state.flash?.text).toContain("Type the command");
  expect(typeLines(editing.state, "npm test -- cart").effects).toMatchObject([
    { do: "answer", decision: "allow_once", command: "npm test -- cart" },
  ]);
  const back = typeLines(editing.state, "");
  expect(back.effects).toEqual([]);
  expect(back.state.question?.writing).toBeUndefined();
  const denying = typeLines(asked(), "3");
  expect(denying.state.flash?.text).toContain("Why not?");
  expect(typeLines(denying.state, "not now").effects).toMatchObject([
    { decision: "deny", message: "not now" },
  ]);
});

test("what is said of a question stays the same while it is answered, so that it is said once", () => {
  const open = permission(1);
  const view = (state: AppState) => {
    const { hints, askedMs } = questionView(state, open, 10, {});
    return { hints, askedMs };
  };
  const start = asked();
  expect(view({ ...start, now: 60_000 })).toEqual(view(start));
  expect(view(typeLines(start, "3").state)).toEqual(view(start));
});

test("changes of mode, agent and model are announced, and nothing else is", () => {
  const at = (fields: Parameters<typeof session>[0]) => connected({ sessions: [session(fields)] });
  expect(announcement(at({}), at({ mode: "accept_edits" }))).toBe("mode accept edits");
  expect(announcement(at({}), at({ model: "local/big" }))).toBe("model local/big");
  expect(announcement(at({}), at({ cost: 3, title: "another", queued: 2 }))).toBeUndefined();
  expect(announcement({ ...at({}), replica: undefined }, at({ mode: "plan" }))).toBeUndefined();
});

test("without animations no clock and no counter stands in the line of the run", () => {
  const text = (state: AppState) =>
    runLine(state, glyphsOf({ unicode: true, screenReader: false }), {})
      ?.map((part) => part.text)
      .join("");
  const busy = connected(
    { runs: [run(1)] },
    { tokenCount: { runId: run(1).id, tokens: 40, isEstimate: true, at: 0 } },
  );
  expect(text(busy)).toMatch(/Working \d+.* · ~40 tokens · esc to cancel/);
  expect(text({ ...busy, ...display({ isStill: true }) })).toBe("✻ Working · esc to cancel");
});

test("while nothing can be stored the line of the run says so, whatever was going on or asked for", () => {
  const text = (state: AppState) =>
    runLine(state, glyphsOf({ unicode: true, screenReader: false }), {})
      ?.map((part) => part.text)
      .join("");
  const trouble = "Nothing can be saved: the disk is full. Free some space there.";
  const workspace = { ...replica().workspace, trouble };
  for (const state of [
    connected({ workspace }),
    connected({ workspace, runs: [run(1)] }),
    connected({ workspace, runs: [run(1)] }, { cancelAsked: run(1).id }),
  ])
    expect(text(state)).toBe(`! ${trouble}`);
});

test("terminal.jsonc has a switch for each, and says what is wrong with it", () => {
  expect(parsePreferences({ screen_reader: true, animations: false })).toMatchObject({
    screenReader: true,
    animations: false,
    problems: [],
  });
  expect(parsePreferences({ animations: "no" })).toMatchObject({
    animations: true,
    problems: ['terminal.jsonc: "animations" is true or false.'],
  });
});

test.each([
  ["/home/me", "~"],
  ["/home/me/shop", "~/shop"],
  ["/home/mean", "/home/mean"],
  ["/", "/"],
])("%s is shown as %s", (path, shown) => {
  expect(homePath(path, "/home/me")).toBe(shown);
  expect(homePath(path, undefined)).toBe(path);
  expect(homePath(path, "/")).toBe(path);
});
