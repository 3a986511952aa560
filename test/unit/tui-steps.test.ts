import fc from "fast-check";
import { expect, test } from "vitest";
import { HearthError } from "../../src/protocol/errors.ts";
import { editorText } from "../../src/tui/editor/editor.ts";
import { createDecoder } from "../../src/tui/input/decode.ts";
import { createKeyMap } from "../../src/tui/keys.ts";
import { draggedPaths } from "../../src/tui/local/dragged-path.ts";
import type { Effect } from "../../src/tui/state/effects.ts";
import type { AppState } from "../../src/tui/state/state.ts";
import { stepInput } from "../../src/tui/steps/input.ts";
import { withQuestion } from "../../src/tui/steps/question.ts";
import { connected, permission, prompt, run, SESSION, session } from "../support/tui-state.ts";

const keys = createKeyMap({});

/** Types what a terminal would send, at one moment. */
function type(state: AppState, text: string, now = 0): { state: AppState; effects: Effect[] } {
  const decoder = createDecoder();
  const events = [...decoder.push(Buffer.from(text)), ...decoder.flush()];
  const effects: Effect[] = [];
  let current = state;
  for (const event of events) {
    const step = stepInput(current, event, keys, now);
    current = step.state;
    effects.push(...step.effects);
  }
  return { state: current, effects };
}
const ESC = "\x1b";
const draft = (state: AppState) => editorText(state.editor);
const did = (effects: readonly Effect[]) =>
  effects.map((effect) => effect.do).filter((name) => name !== "wake");

const idle = connected();
const busy = connected({ runs: [run(1)] });
const withQueue = connected({
  runs: [run(1), run(2, { state: "queued", started_at: null })],
  messages: [prompt(2, "update the changelog")],
});
const held = connected({ runs: [run(2, { state: "held" })], messages: [prompt(2, "held one")] });
const asked = (fields = {}) =>
  withQuestion(connected({ runs: [run(1)], permissions: [permission(1)] }, fields), 0);

test("Enter sends, and the prompt is in the history", () => {
  const { state, effects } = type(idle, "do it\r");
  expect(effects).toEqual([
    { do: "send", text: "do it", delivery: "queue", attachments: [] },
    { do: "remember", text: "do it" },
  ]);
  expect(draft(state)).toBe("");
  expect(draft(type(state, "\x1b[A").state)).toBe("do it");
});

test("Enter while busy queues, Ctrl+Enter steers", () => {
  expect(type(busy, "and this\r").effects[0]).toMatchObject({ do: "send", delivery: "queue" });
  expect(type(busy, "and this\x1b[13;5u").effects[0]).toMatchObject({ do: "send", delivery: "steer" });
});

test.each(["\\\r", "\x1b[13;2u", "\x1b\r", "\n", "\x1b[27;2;13~"])("%j makes a new line", (chord) => {
  const { state, effects } = type(idle, `one${chord}two`);
  expect(draft(state)).toBe("one\ntwo");
  expect(effects).toEqual([]);
});

test("one Escape cancels and keeps the draft; the queue is the daemon's to hold", () => {
  const { state, effects } = type(type(withQueue, "half a th").state, ESC);
  expect(did(effects)).toEqual(["cancel"]);
  expect(draft(state)).toBe("half a th");
});

test("Escape twice on an idle draft puts it away, and Up brings it back", () => {
  const once = type(type(idle, "a draft").state, ESC);
  expect(draft(once.state)).toBe("a draft");
  const twice = type(once.state, ESC, 500);
  expect(draft(twice.state)).toBe("");
  expect(draft(type(twice.state, "\x1b[A").state)).toBe("a draft");
});

test("a second Escape that comes too late only offers again", () => {
  const late = type(type(type(idle, "a draft").state, ESC).state, ESC, 5000);
  expect(draft(late.state)).toBe("a draft");
});

test("Ctrl+C puts a draft away, cancels when there is none, and leaves only when pressed again", () => {
  expect(draft(type(type(busy, "a draft").state, "\x03").state)).toBe("");
  expect(did(type(type(busy, "a draft").state, "\x03").effects)).toEqual(["remember"]);
  const first = type(busy, "\x03");
  expect(did(first.effects)).toEqual(["cancel"]);
  expect(did(type(first.state, "\x03", 100).effects)).toEqual(["leave"]);
  const offered = type(idle, "\x03");
  expect(did(offered.effects)).toEqual([]);
  expect(offered.state.flash?.text).toContain("again");
  expect(did(type(offered.state, "\x03", 100).effects)).toEqual(["leave"]);
  expect(did(type(offered.state, "\x03", 5000).effects)).toEqual([]);
  expect(did(type(type(offered.state, "a\x7f", 50).state, "\x03", 100).effects)).toEqual([]);
});

test("Ctrl+D leaves on an empty prompt and deletes in a draft", () => {
  expect(did(type(busy, "\x04").effects)).toEqual(["leave"]);
  expect(did(type(idle, "ab\x1b[D\x04").effects)).toEqual([]);
  expect(draft(type(idle, "ab\x1b[D\x04").state)).toBe("a");
});

test("Up on an empty prompt edits the last queued one; Enter saves it and gives the draft back", () => {
  const editing = type(withQueue, "\x1b[A");
  expect(draft(editing.state)).toBe("update the changelog");
  const saved = type(editing.state, " and tag\r");
  expect(saved.effects[0]).toMatchObject({ do: "change_queued", prompt: "update the changelog and tag" });
  expect(saved.state.editing).toBeUndefined();
  // Emptied, it is withdrawn; Escape leaves it as it was.
  expect(did(type(type(editing.state, "\x15").state, "\r").effects)).toEqual(["withdraw"]);
  expect(did(type(editing.state, ESC).effects)).toEqual([]);
});

test("Enter on an empty prompt sends held prompts on, and steers with a queued one while busy", () => {
  expect(did(type(held, "\r").effects)).toEqual(["resume_queue"]);
  expect(type(withQueue, "\r").effects).toMatchObject([{ do: "change_queued", delivery: "steer" }]);
  expect(did(type(idle, "\r").effects)).toEqual([]);
});

test("Shift+Tab goes through the modes and never reaches yolo", () => {
  const mode = (current: "ask" | "accept_edits" | "plan" | "yolo") =>
    type(connected({ sessions: [session({ mode: current })] }), "\x1b[Z").effects;
  expect(mode("ask")).toEqual([{ do: "change_session", changes: { mode: "accept_edits" } }]);
  expect(mode("accept_edits")).toEqual([{ do: "change_session", changes: { mode: "plan" } }]);
  expect(mode("plan")).toEqual([{ do: "change_session", changes: { mode: "ask" } }]);
  expect(mode("yolo")).toEqual([{ do: "change_session", changes: { mode: "ask" } }]);
});

test("a question takes digits, arrows and Enter", () => {
  expect(type(asked(), "1").effects).toMatchObject([{ do: "answer", decision: "allow_once" }]);
  expect(type(asked(), "2").effects).toMatchObject([{ do: "answer", decision: "allow_session" }]);
  expect(type(asked(), "\x1b[B\r").effects).toMatchObject([{ do: "answer", decision: "allow_session" }]);
  expect(did(type(asked(), ESC).effects)).toEqual(["cancel"]);
  expect(did(type(asked(), "9").effects)).toEqual([]);
});

test("what an agent asks is answered by a choice, or in other words", () => {
  const detail = {
    type: "question" as const,
    question: "Which colour?",
    choices: [{ label: "red", description: "like a rose" }, { label: "blue" }],
    reasons: [],
  };
  const options = [
    { decision: "allow_once" as const, label: "answer", rules: [] },
    { decision: "deny" as const, label: "do not answer", rules: [] },
  ];
  const state = withQuestion(
    connected({ runs: [run(1)], permissions: [permission(1, { detail, options })] }),
    0,
  );
  expect(type(state, "2").effects).toMatchObject([{ do: "answer", decision: "allow_once", message: "blue" }]);
  const writing = type(state, "3");
  expect(writing.effects).toEqual([]);
  expect(type(writing.state, "green\r").effects).toMatchObject([
    { do: "answer", decision: "allow_once", message: "green" },
  ]);
  // No words are no answer.
  expect(type(writing.state, "\r").state.question?.writing).toBeUndefined();
  expect(type(state, "4\r").effects).toMatchObject([{ do: "answer", decision: "deny" }]);
});

test("denying asks why, sends the reason and gives the draft back", () => {
  const writing = type(asked({ editor: type(idle, "my draft").state.editor }), "3");
  expect(draft(writing.state)).toBe("");
  expect(writing.effects).toEqual([]);
  const sent = type(writing.state, "use pnpm 3\r");
  expect(sent.effects).toMatchObject([{ do: "answer", decision: "deny", message: "use pnpm 3" }]);
  expect(draft(sent.state)).toBe("my draft");
  expect(draft(type(writing.state, ESC).state)).toBe("my draft");
});

test("a question that appears under typing takes no key for 300 ms", () => {
  const typing = asked({ lastTypedAt: -50 });
  for (const key of ["1", "\r"]) expect(did(type(typing, key, 200).effects)).toEqual([]);
  expect(did(type(typing, "1", 300).effects)).toEqual(["answer"]);
  // Tab says at once that the keys are for the question.
  expect(did(type(typing, "\t1", 10).effects)).toEqual(["answer"]);
});

test("who goes on writing keeps the digits, until Tab", () => {
  const writing = type(asked(), "x1");
  expect(writing.effects).toEqual([]);
  expect(draft(writing.state)).toBe("x1");
  expect(did(type(writing.state, "\r").effects)).toEqual(["send", "remember"]);
  const back = type(writing.state, "\t");
  expect(did(type(back.state, "1").effects)).toEqual(["answer"]);
});

test("an answer that came from elsewhere gives back the draft that a reason had put aside", () => {
  const writing = type(asked({ editor: type(idle, "my draft").state.editor }), "3");
  writing.state = type(writing.state, "no").state;
  const gone = withQuestion({ ...writing.state, replica: connected({ runs: [run(1)] }).replica }, 0);
  expect(draft(gone)).toBe("my draft");
  expect(gone.question).toBeUndefined();
});

test("an unknown command stays in the composer; a path and an agent's command are prompts", () => {
  const wrong = type(idle, "/sexions\r");
  expect(draft(wrong.state)).toBe("/sexions");
  expect(wrong.state.flash?.level).toBe("error");
  expect(did(type(idle, "/usr/bin/env is there\r").effects)).toEqual(["send", "remember"]);
  expect(did(type(idle, " /sexions\r").effects)).toEqual(["send", "remember"]);
});

test("what is pasted is never a command to the terminal", () => {
  const { state, effects } = type(asked(), "\x1b[200~1\r\x04\x1b[201~");
  expect(effects).toEqual([]);
  expect(draft(state)).toBe("1\n");
});

test("no keys in any order lose a draft without a way back, or throw", () => {
  const stroke = fc.constantFrom(
    "a",
    "1",
    " ",
    "\r",
    ESC,
    "\x03",
    "\x15",
    "\x17",
    "\x7f",
    "\x1b[A",
    "\x1b[B",
    "\t",
    "\x19",
    "\x1f",
    "\x12",
    "\x10",
    "?",
    "/",
    "\n",
    "\x1b[Z",
    "\x0f",
    "\x14",
  );
  const start = fc.constantFrom(idle, busy, withQueue, held, asked(), connected({}, { replica: undefined }));
  fc.assert(
    fc.property(start, fc.array(stroke, { maxLength: 30 }), (from, strokes) => {
      let state = from;
      let now = 0;
      for (const text of strokes) {
        now += 100;
        const step = type(state, text, now);
        expect(step.state.overlay === undefined || step.state.search === undefined).toBe(true);
        expect(step.state.editor.caret).toBeLessThanOrEqual(step.state.editor.atoms.length);
        state = step.state;
        if (step.effects.some((effect) => effect.do === "leave")) expect(draft(state)).toBe("");
      }
    }),
    { numRuns: 1000 },
  );
});

test("what has no room in the question is read before it is allowed; denying needs no reading", () => {
  const state = asked();
  if (state.question === undefined) throw new Error("no question");
  const cut = { ...state, question: { ...state.question, isCut: true } };
  const first = type(cut, "1");
  expect(did(first.effects)).toEqual(["load_transcript"]);
  expect(first.state.overlay?.kind).toBe("transcript");
  const read = type(first.state, "q");
  expect(type(read.state, "1").effects).toMatchObject([{ do: "answer", decision: "allow_once" }]);
  expect(draft(type(cut, "3").state)).toBe("");
  expect(did(type(type(cut, "3").state, "\r").effects)).toEqual(["answer"]);
});

test("an @ at the start of a word asks for files, and the one taken goes with the prompt", () => {
  const asking = type(idle, "look at @src/ca");
  expect(asking.effects.at(-1)).toEqual({ do: "find_files", query: "src/ca" });
  const { completion } = asking.state;
  if (completion === undefined) throw new Error("no completion");
  const offered = { ...asking.state, completion: { ...completion, found: ["src/cart.ts", "src/cat.png"] } };
  const taken = type(offered, "\x1b[B\r");
  expect(draft(taken.state)).toBe("look at @src/cat.png ");
  const sent = type(taken.state, "please\r");
  expect(sent.effects[0]).toMatchObject({
    do: "send",
    text: "look at @src/cat.png please",
    attachments: [{ name: "cat.png", media_type: "image/png", path: "src/cat.png" }],
  });
  // It is one thing to the caret.
  expect(draft(type(taken.state, "\x7f\x7f").state)).toBe("look at ");
});

test("an address is no mention, and Escape closes the list without canceling anything", () => {
  expect(did(type(idle, "me@example.org").effects)).toEqual([]);
  const asking = type(busy, "@a").state;
  if (asking.completion === undefined) throw new Error("no completion");
  const offered = { ...asking, completion: { ...asking.completion, found: ["a.ts"] } };
  const closed = type(offered, ESC);
  expect(closed.effects).toEqual([]);
  expect(did(type(closed.state, "b").effects)).toEqual([]);
  expect(did(type(closed.state, ESC).effects)).toEqual(["cancel"]);
});

test.each([
  ["/tmp/a\\ shot.png", [["/tmp/a shot.png"]]],
  ["'/tmp/a shot.png' ", [["/tmp/a shot.png"]]],
  ["file:///tmp/a%20shot.png", [["/tmp/a shot.png"]]],
  ["~/shot.jpg", [["~/shot.jpg"]]],
  ["/tmp/notes.txt", [["/tmp/notes.txt"]]],
  ["/tmp/a b.txt", [["/tmp/a b.txt"]]],
  ["/tmp/a.png '/tmp/b c.txt'", [["/tmp/a.png '/tmp/b c.txt'"], ["/tmp/a.png", "/tmp/b c.txt"]]],
  ["shot.png", []],
  ["src/notes.txt", []],
  ["/", []],
  ["/mode", []],
  ["see /tmp/a.png", [["see /tmp/a.png"]]],
  ["see /tmp/a.png\nand more", []],
])("%j dragged onto the terminal may be the files %j", (text, readings) => {
  expect(draggedPaths(text)).toEqual(readings);
});

test("a file dragged behind a ! stays the path that the shell needs", () => {
  const paste = (text: string) => `\x1b[200~${text}\x1b[201~`;
  const dragged = paste("'/tmp/a shot.png'");
  expect(did(type(idle, `look at ${dragged}`).effects)).toEqual(["attach_path"]);
  const command = type(idle, `!file ${dragged}`);
  expect(did(command.effects)).toEqual([]);
  expect(draft(command.state)).toBe("!file '/tmp/a shot.png'");
});

test("Tab goes to the question and back, and leaves a draft as it is", () => {
  const writing = type(asked(), "a thought", 2000).state;
  expect(writing.question?.isFocused).toBe(false);
  const at = type(writing, "\t", 3000);
  expect(did(at.effects)).toEqual([]);
  expect(at.state.question?.isFocused).toBe(true);
  expect(draft(at.state)).toBe("a thought");
  expect(did(type(at.state, "1", 4000).effects)).toEqual(["answer"]);
  expect(type(at.state, "\t", 4000).state.question?.isFocused).toBe(false);
});

test("a command that has nothing to do leaves the composer, one that is wrong stays to be mended", () => {
  const fresh = connected({ session_id: null });
  const refused = type(fresh, "/copy\r").state;
  expect([draft(refused), refused.flash?.level]).toEqual(["", "warning"]);
  const wrong = type(idle, "/mode all\r").state;
  expect([draft(wrong), wrong.flash?.level]).toEqual(["/mode all", "error"]);
});

test("Enter on an empty prompt tries a lost daemon again at once; a prompt is kept for it", () => {
  const error = new HearthError("daemon_unreachable", "gone");
  const lost = { ...idle, link: { state: "lost", attempt: 3, retryAt: 9000, error } as const };
  expect(did(type(lost, "\r").effects)).toEqual(["retry_now"]);
  expect(did(type(lost, "do it\r").effects)).toEqual(["send", "remember"]);
});

test("a daemon that was stopped on purpose is started by Enter, and by a prompt that is sent", () => {
  const stop = { reason: "stop", by: "hearth daemon stop on pts/2" } as const;
  const stopped = { ...idle, link: { state: "stopped", stop, isStarting: false } as const };
  expect(did(type(stopped, "\r").effects)).toEqual(["retry_now"]);
  expect(did(type(stopped, "do it\r").effects)).toEqual(["retry_now", "send", "remember"]);
  expect(did(type(stopped, "/theme\r").effects)).not.toContain("retry_now");
});

test("the whole question is answered where it is read", () => {
  const opened = type(asked(), "\x0f").state;
  if (opened.overlay?.kind !== "transcript") throw new Error("no transcript");
  const read = { ...opened, overlay: { ...opened.overlay, messages: [], isLoading: false } };
  const answered = type(read, "1");
  expect(answered.effects).toMatchObject([{ do: "answer", decision: "allow_once" }]);
  expect(answered.state.overlay).toBeUndefined();
  // Further up the answers are not in sight, and a digit is none of them.
  expect(did(type({ ...read, overlay: { ...read.overlay, up: 5 } }, "1").effects)).toEqual([]);
});

test("Ctrl+T unfolds the plan of the agent that works, and opens the sessions where there is none", () => {
  const entries = [
    { content: "look", status: "completed" as const },
    { content: "mend", status: "in_progress" as const },
  ];
  const planning = connected({ runs: [run(1)], plans: [{ session_id: SESSION, entries }] });
  const unfolded = type(planning, "\x14").state;
  expect(unfolded).toMatchObject({ isPlanOpen: true, overlay: undefined });
  expect(type(unfolded, "\x14").state.isPlanOpen).toBe(false);
  expect(type(busy, "\x14").state.overlay?.kind).toBe("sessions");
  // Of a plan that is done nothing is left to show.
  const done = entries.map((entry) => ({ ...entry, status: "completed" as const }));
  const finished = connected({ runs: [run(1)], plans: [{ session_id: SESSION, entries: done }] });
  expect(type(finished, "\x14").state.overlay?.kind).toBe("sessions");
});

test("Tab in the session list shows what was archived, and Alt+A takes it back", () => {
  const put = session({ id: `ses_${"9".padStart(32, "0")}`, title: "old", archived: true });
  const list = type(connected(), "\x14").state;
  const archive = type(list.overlay === undefined ? type(connected(), "\x1bOQ").state : list, "\t");
  expect(archive.effects).toEqual([{ do: "load_sessions", isArchive: true }]);
  if (archive.state.overlay?.kind !== "sessions") throw new Error("no list");
  const loaded = { ...archive.state, overlay: { ...archive.state.overlay, found: [put] } };
  expect(type(loaded, "\x1ba").effects).toEqual([
    { do: "change_session", changes: { archived: false }, id: put.id },
  ]);
  expect(did(type(loaded, "\r").effects)).toEqual(["open_session"]);
});
