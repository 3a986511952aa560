import { expect, test } from "vitest";
import type { Undone, UndoTurn } from "../../src/protocol/undo.ts";
import { createKeyMap } from "../../src/tui/keys.ts";
import { newRewindOverlay, type RewindOverlay, rewindItems } from "../../src/tui/state/rewind.ts";
import type { AppState } from "../../src/tui/state/state.ts";
import { stepInput } from "../../src/tui/steps/input.ts";
import { connected, prompt } from "../support/tui-state.ts";

const keys = createKeyMap({});
const press = (state: AppState, chord: string) => stepInput(state, { type: "key", chord }, keys, 0);

const turn = (n: number, fields: Partial<UndoTurn> = {}): UndoTurn => ({
  ...{ message_id: `msg_${String(n).padStart(32, "0")}`, run_id: `run_${String(n).padStart(32, "0")}` },
  ...{ prompt: `prompt ${n}`, created_at: "2026-01-02T03:04:05.006Z", undone: false },
  ...{ changed: { files: 1, additions: 1, deletions: 0 }, files: "changed", reason: null },
  ...fields,
});

test("escape twice on an empty prompt leads to a prompt, to what would change, and to an undo of what is chosen", () => {
  const empty = connected();
  expect(press(press(empty, "escape").state, "escape").state.overlay).toBeUndefined();
  const talked = connected({ messages: [prompt(1, "prompt 1")] });
  const opened = press(press(talked, "escape").state, "escape");
  expect(opened.state.overlay).toEqual(newRewindOverlay);
  expect(opened.effects).toEqual([{ do: "load_turns" }]);
  const overlay: RewindOverlay = {
    ...newRewindOverlay,
    found: [turn(1), turn(2), turn(3, { undone: true })],
  };
  expect(rewindItems(overlay).map(({ id }) => id)).toEqual([turn(2).message_id, turn(1).message_id]);
  const chosen = press({ ...opened.state, overlay }, "enter");
  expect(chosen.effects).toEqual([{ do: "preview_undo", message_id: turn(2).message_id }]);
  expect(press(chosen.state, "escape").state.overlay).toEqual({ ...overlay, marked: turn(2).message_id });

  const preview: Undone = {
    ...{ message: null, turns: [], conversation: true, left_out: [], conflicts: [] },
    files: [{ path: "a.txt", kind: "modified" }],
  };
  const previewed = { ...(chosen.state.overlay as RewindOverlay), preview };
  expect(rewindItems(previewed).map(({ id }) => id)).toEqual([
    ...["both", "conversation", "files", "fork files", "fork", "file a.txt"],
  ]);
  const state = press({ ...chosen.state, overlay: previewed }, "down").state;
  expect(press(state, "enter").effects).toEqual([
    { do: "undo", message_id: turn(2).message_id, files: false, conversation: true },
  ]);
  // A turn that changed nothing has only words to go back.
  expect(rewindItems({ ...previewed, preview: { ...preview, files: [] } })).toMatchObject([
    { id: "conversation", text: "1 conversation" },
    { id: "fork files" },
    { id: "fork", text: "3 fork: the conversation in a new session" },
  ]);
  // A fork leaves this session as it is, and begins with the prompt in the composer.
  const marked = { ...chosen.state, overlay: { ...previewed, marked: "fork files" } };
  const { message_id } = turn(2);
  expect(press(marked, "enter").effects).toEqual([
    { do: "fork", id: talked.replica?.session_id, message_id, prompt: "prompt 2", files: true },
  ]);
  // In a worktree session no earlier files are recorded.
  expect(rewindItems({ ...previewed, hasFiles: false }).map(({ id }) => id)).not.toContain("fork files");
});
