import { expect, test } from "vitest";
import type { SessionId } from "../../src/protocol/ids.ts";
import type { Session } from "../../src/protocol/session.ts";
import type { Client } from "../../src/protocol/workspace.ts";
import type { LeftSession } from "../../src/tui/files/left-sessions.ts";
import { chooseSession, isComingBack } from "../../src/tui/session/first-session.ts";
import { awayText } from "../../src/tui/view/away.ts";
import { permission, prompt, replica, run, session } from "../support/tui-state.ts";

const TIME = "2026-01-01T00:00:00.000Z";
const id = (name: string) => `ses_${name}` as SessionId;
const of = (name: string, state: Session["state"] = "idle") => session({ id: id(name), state });
const terminal = (name: string, shows: string | null): Client => ({
  id: name,
  kind: "tui",
  label: name,
  attached_at: TIME,
  session_id: shows === null ? null : id(shows),
});
const left = (name: string, runs: readonly string[] = [], from = "pts/1"): LeftSession => ({
  session: id(name),
  terminal: from,
  runs,
});
const choose = (
  there: { sessions?: Session[]; clients?: Client[]; left?: LeftSession[] },
  wishes: { continueLast?: boolean; hasPrompt?: boolean } = {},
) =>
  chooseSession(
    { sessions: there.sessions ?? [], clients: there.clients ?? [] },
    {
      continueLast: false,
      hasPrompt: false,
      clientId: "me",
      terminal: "pts/1",
      left: there.left ?? [],
      ...wishes,
    },
  );

test("a session that was left at work comes back, whether its work is done or not", () => {
  const there = { sessions: [of("script"), of("mine")], left: [left("mine", ["run_1"])] };
  expect(choose(there)).toBe(id("mine"));
  expect(choose({ ...there, sessions: [of("script", "running"), of("mine", "waiting")] })).toBe(id("mine"));
});

test("of several that were left at work the one that waits for a person comes first, then the last one", () => {
  const entries = [left("a", ["run_1"]), left("b", ["run_2"])];
  expect(choose({ sessions: [of("a"), of("b")], left: entries })).toBe(id("b"));
  expect(choose({ sessions: [of("a", "waiting"), of("b")], left: entries })).toBe(id("a"));
});

test("one that was left idle, archived or deleted does not come back by itself", () => {
  expect(choose({ sessions: [of("idle")], left: [left("idle")] })).toBe(null);
  expect(choose({ sessions: [of("other")], left: [left("gone", ["run_1"])] })).toBe(null);
});

test("what another terminal shows is joined before what runs by itself, and nothing else that is idle is", () => {
  const sessions = [of("script", "running"), of("theirs"), of("old")];
  expect(choose({ sessions, clients: [terminal("other", "theirs")] })).toBe(id("theirs"));
  expect(choose({ sessions, clients: [terminal("other", null)] })).toBe(id("script"));
  expect(choose({ sessions: [of("old")], clients: [terminal("other", null)] })).toBe(null);
  const script: Client = { ...terminal("run", "old"), kind: "headless" };
  expect(choose({ sessions: [of("old")], clients: [script] })).toBe(null);
});

test("what is left at work elsewhere does not draw a terminal away from what others have open", () => {
  const there = {
    sessions: [of("elsewhere"), of("theirs")],
    clients: [terminal("other", "theirs")],
    left: [left("elsewhere", ["run_1"], "pts/9")],
  };
  expect(choose(there)).toBe(id("theirs"));
  expect(choose({ ...there, clients: [] })).toBe(id("elsewhere"));
});

test("a prompt is a new matter: it joins what works, and never what is done", () => {
  const entries = [left("mine", ["run_1"])];
  expect(choose({ sessions: [of("mine")], left: entries }, { hasPrompt: true })).toBe(null);
  expect(choose({ sessions: [of("mine", "running")], left: entries }, { hasPrompt: true })).toBe(id("mine"));
});

test("--continue takes what was left here last, then what was left anywhere, then the newest", () => {
  const sessions = [of("script"), of("mine"), of("theirs")];
  const entries = [left("mine"), left("theirs", [], "pts/9")];
  const goOn = { continueLast: true };
  expect(choose({ sessions, left: entries }, goOn)).toBe(id("mine"));
  expect(choose({ sessions, left: entries.slice(1) }, goOn)).toBe(id("theirs"));
  expect(choose({ sessions }, goOn)).toBe(id("script"));
  expect(choose({}, goOn)).toBe(null);
});

test("what happened meanwhile is said: how it ended, how many files changed, that a question waits", () => {
  const done = run(1, {
    state: "completed",
    outcome: "end_turn",
    completed_at: "2026-01-01T00:04:12.000Z",
  });
  const edit = (path: string, number: number) => ({
    ...prompt(10 + number, ""),
    run_id: done.id,
    role: "assistant" as const,
    parts: [
      {
        id: `prt_${number}` as const,
        type: "tool_call" as const,
        tool_call_id: `c${number}`,
        name: "edit",
        kind: "edit" as const,
        title: path,
        input: {},
        status: "completed" as const,
        output: "",
        view: { kind: "diff" as const, path, unified: "", additions: 1, deletions: 0 },
      },
    ],
  });
  const there = replica({ messages: [edit("a.ts", 1), edit("b.ts", 2), edit("a.ts", 3)] });
  expect(awayText(there, [done])).toBe("done after 4:12, 2 files changed");
  expect(awayText(replica({}), [run(1)])).toBe(undefined);
  expect(awayText(replica({ permissions: [permission(1)] }), [run(1)])).toBe("a question waits for you");
  const failed = run(2, { ...done, outcome: "error", completed_at: TIME });
  expect(awayText(replica({}), [done, failed])).toBe("2 turns ended, the last failed after 0:00");
});

test("a session that another terminal still shows is joined; nobody comes back to it", () => {
  const here = { clientId: "me", terminal: "pts/1" };
  const theirs = left("shown", ["run_1"], "pts/2");
  expect(isComingBack(theirs, { clients: [terminal("other", "shown")] }, here)).toBe(false);
  expect(isComingBack(theirs, { clients: [terminal("other", null)] }, here)).toBe(true);
  expect(isComingBack(left("shown", ["run_1"]), { clients: [terminal("other", "shown")] }, here)).toBe(true);
});
