import { expect, test } from "vitest";
import type { HearthEvent } from "../../src/protocol/events.ts";
import { runCommand } from "../../src/tui/commands/table.ts";
import { newListOverlay } from "../../src/tui/state/overlay.ts";
import { type AppState, currentSessionId } from "../../src/tui/state/state.ts";
import { sessionToJoin, withBegun } from "../../src/tui/steps/beside.ts";
import { openingBlocks, switchBlocks } from "../../src/tui/view/opening.ts";
import { connected, prompt, replica, run, SESSION } from "../support/tui-state.ts";

const begun = { seq: 2, type: "run.accepted", time: "", payload: { run: run(1) } } as const;
/** The session that this terminal joins when a run begins in SESSION. */
const joins = (state: AppState, event: HearthEvent = begun) =>
  sessionToJoin(withBegun(state, replica({ session_id: currentSessionId(state) }), event));
const blank = connected({ session_id: null });

test("a terminal without a session joins the one in which a run begins", () => {
  expect(joins(blank)).toBe(SESSION);
  expect(joins(blank, { ...begun, type: "run.started" })).toBe(SESSION);
});

test("one that shows a session, makes one, or was told to begin a new one joins nothing", () => {
  expect(joins(connected({ session_id: `ses_${"9".repeat(32)}` }))).toBe(undefined);
  expect(joins({ ...blank, sending: [{ runId: `run_${"1".repeat(32)}`, text: "x", isShell: false }] })).toBe(
    undefined,
  );
  const asked = runCommand(blank, "/new");
  expect(asked?.effects.at(-1)).toMatchObject({ do: "open_session", id: null });
  expect(asked?.state.flash?.text).toContain("a new session");
  expect(joins(asked?.state ?? blank)).toBe(undefined);
});

test("a terminal in whose list a person looks joins once the list is closed", () => {
  const looking = withBegun(
    { ...blank, overlay: newListOverlay("models") },
    replica({ session_id: null }),
    begun,
  );
  expect(sessionToJoin(looking)).toBe(undefined);
  expect(sessionToJoin({ ...looking, overlay: undefined })).toBe(SESSION);
});

test("joining is said in one line, which names who began", () => {
  const joined = replica({ messages: [prompt(1, "go")], runs: [run(1, { by: "pts/2-1a2b" })] });
  expect(switchBlocks(joined, undefined, 0, "begun_beside")).toEqual([]);
  expect(openingBlocks(joined, "me", 0, 0, "after", { opening: "begun_beside" })).toMatchObject([
    {
      type: "presence",
      text: expect.stringMatching(/^joined "fix the cart" · started by .+ · \/new starts/),
    },
  ]);
});
