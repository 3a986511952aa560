import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { askedFor } from "../../src/tui/complete/above.ts";
import { createFileFinder } from "../../src/tui/complete/file-finder.ts";
import { matching, stillMatching } from "../../src/tui/complete/matching.ts";
import { editorText } from "../../src/tui/editor/editor.ts";
import { createDecoder } from "../../src/tui/input/decode.ts";
import { createKeyMap } from "../../src/tui/keys.ts";
import type { Effect } from "../../src/tui/state/effects.ts";
import type { AppState } from "../../src/tui/state/state.ts";
import {
  completionRows,
  openCompletion,
  withFound,
  withPasted,
  withValues,
} from "../../src/tui/steps/completion.ts";
import { stepInput } from "../../src/tui/steps/input.ts";
import { withQuestion } from "../../src/tui/steps/question.ts";
import { connected, permission, prompt, replica, run } from "../support/tui-state.ts";

const keys = createKeyMap({});
const [ESC, UP, DOWN, STEER] = ["\x1b", "\x1b[A", "\x1b[B", "\x1b[13;5u"];
const pasted = (text: string) => `\x1b[200~${text}\x1b[201~`;

/** Types what a terminal would send, at one moment. */
function type(state: AppState, text: string, now = 0): { state: AppState; effects: Effect[] } {
  const decoder = createDecoder();
  const effects: Effect[] = [];
  let current = state;
  for (const event of [...decoder.push(Buffer.from(text)), ...decoder.flush()]) {
    const step = stepInput(current, event, keys, now);
    current = step.state;
    effects.push(...step.effects);
  }
  return { state: current, effects };
}
const draft = (state: AppState) => editorText(state.editor);
const did = (effects: readonly Effect[]) => effects.map((effect) => effect.do);
const rows = (state: AppState): string[] | undefined => {
  const completion = openCompletion(state);
  return completion && completionRows(state, completion).map(({ name }) => name);
};
/** The daemon's answer to what stands behind the `@`. */
function answered(state: AppState, found: readonly string[]): AppState {
  const { completion } = state;
  if (completion === undefined) throw new Error("nothing was asked");
  return { ...state, completion: { ...completion, found } };
}

const idle = connected();
const busy = connected({ runs: [run(1)] });

test("names that fit come exact first, then beginnings, then parts, then letters in order", () => {
  const all = ["xmodel", "mode", "model", "mxodyel", "other"].map((name) => ({ name }));
  expect(matching(all, "mode").map(({ name }) => name)).toEqual(["mode", "model", "xmodel", "mxodyel"]);
  expect(matching(all, "").length).toBe(all.length);
});

test("a slash lists the commands, letters narrow them, arrows mark, and Enter runs the marked one", () => {
  const slash = type(idle, "/").state;
  expect(rows(slash)?.length).toBeGreaterThan(10);
  const typed = type(slash, "mo").state;
  expect(rows(typed)?.slice(0, 2)).toEqual(["model", "mode"]);
  expect(type(typed, "\r").state.overlay?.kind).toBe("models");
  expect(draft(type(typed, `${DOWN}\t`).state)).toBe("/mode ");
  expect(draft(type(typed, `${UP}${DOWN}\t`).state)).toBe("/model ");
  expect(rows(type(typed, "\x7f\x7f\x7f").state)).toBeUndefined();
});

test("a resource of an MCP server is completed as text, a file as a file", () => {
  const found = answered(type(idle, "see @arch").state, ["docs:demo://arch.md", "arch.md"]);
  const resource = type(found, "\t").state;
  expect(draft(resource)).toBe("see @docs:demo://arch.md ");
  expect(resource.editor.atoms.every((atom) => typeof atom === "string")).toBe(true);
  expect(type(found, `${DOWN}\t`).state.editor.atoms.some((atom) => typeof atom === "object")).toBe(true);
});

test("of a resource's pattern the known part is taken, and the list goes on with what is in braces", () => {
  const found = answered(type(idle, "see @tick").state, ["docs:demo://ticket/{project}/{id}"]);
  const taken = type(found, "\t");
  expect(draft(taken.state)).toBe("see @docs:demo://ticket/");
  expect(taken.effects).toEqual([{ do: "find_files", query: "docs:demo://ticket/" }]);
  const next = type(answered(taken.state, ["docs:demo://ticket/web/{id}"]), "\t");
  expect(draft(next.state)).toBe("see @docs:demo://ticket/web/");
  expect(draft(type(answered(next.state, ["docs:demo://ticket/web/7"]), "\t").state)).toBe(
    "see @docs:demo://ticket/web/7 ",
  );
});

test("arguments of a server's prompt are listed with what fits, and taken one after the other", () => {
  const typed = type(idle, "/mcp__all__team Eng");
  const query = (state: AppState) => state.completion?.query ?? "";
  expect(typed.effects.at(-1)).toEqual({ do: "find_arguments", query: "mcp__all__team Eng" });
  const listed = withValues(typed.state, query(typed.state), ["Engineering"], 3);
  expect(rows(listed)).toEqual(["Engineering"]);
  const taken = type(listed, "\t");
  expect(draft(taken.state)).toBe("/mcp__all__team Engineering ");
  expect(taken.effects).toEqual([{ do: "find_arguments", query: "mcp__all__team Engineering " }]);
  const next = withValues(taken.state, query(taken.state), ["Alice", "Bob"], 0);
  expect(type(next, "\r").effects[0]).toMatchObject({ do: "send", text: "/mcp__all__team Engineering " });
  expect(draft(type(next, `${DOWN}\r`).state)).toBe("/mcp__all__team Engineering Bob ");
  // An answer to an earlier text is dropped; other commands and names of files ask for none.
  expect(withValues(type(next, "x").state, query(next), ["Alice"], 0).completion?.found).toEqual([]);
  expect(did(type(idle, "/review a").effects)).toEqual([]);
  expect(did(type(idle, "/mcp__all__team @a").effects).at(-1)).toBe("find_files");
});

test("Enter on a command that needs a word completes its name, and only then runs it", () => {
  const completed = type(idle, "/ren\r");
  expect(draft(completed.state)).toBe("/rename ");
  expect(completed.state.flash).toBeUndefined();
  expect(type(completed.state, "the cart\r").effects).toContainEqual({
    do: "change_session",
    changes: { title: "the cart" },
  });
});

test("a command that nothing fits is refused in one line and stays in the composer", () => {
  const { state, effects } = type(idle, "/nothing-like-it\r");
  expect(effects).toEqual([]);
  expect(draft(state)).toBe("/nothing-like-it");
  expect(state.flash).toMatchObject({ level: "error" });
  expect(state.flash?.text.split("\n")).toHaveLength(1);
});

test("Escape closes the list and nothing else; typing on leaves it closed, Tab opens it again", () => {
  const closed = type(type(busy, "/mo").state, ESC);
  expect(closed.effects).toEqual([]);
  expect(draft(closed.state)).toBe("/mo");
  const on = type(closed.state, "d");
  expect(rows(on.state)).toBeUndefined();
  expect(did(type(on.state, ESC).effects)).toEqual(["cancel"]);
  expect(rows(type(on.state, "\t").state)).toEqual(["model", "mode"]);
  expect(did(type(on.state, "\x7f\x7f\x7f\x7f/").effects)).toEqual([]);
  expect(rows(type(on.state, "\x7f\x7f\x7f\x7f/").state)).not.toBeUndefined();
});

test.each(["/mo", "@src", "see @src/cart.ts", "/usr/bin"])("pasting %j opens no list", (text) => {
  const { state: at, effects } = type(idle, pasted(text));
  // What may be a file's path is looked for first; it is none, and comes back as the text that it is.
  expect(effects.every((effect) => effect.do === "attach_path")).toBe(true);
  const state = effects.length === 0 ? at : withPasted(at, text);
  expect(draft(state)).toBe(text);
  expect(rows(state)).toBeUndefined();
  expect(rows(type(state, "x").state)).toBeUndefined();
});

test("what comes back from the history opens no list", () => {
  const sent = type(idle, "look at @src\r").state;
  const back = type(sent, UP);
  expect(draft(back.state)).toBe("look at @src");
  expect(back.effects).toEqual([]);
  expect(rows(back.state)).toBeUndefined();
});

test("until the daemon has answered, only files that still fit what is typed are offered", () => {
  const first = answered(type(idle, "@c").state, ["src/cart.ts", "docs/c.md"]);
  expect(rows(type(first, "art").state)).toEqual(["src/cart.ts"]);
  expect(stillMatching(["src/Cart.ts"], "CART")).toEqual(["src/Cart.ts"]);
});

test("Enter takes the marked file; behind a bare @ it sends, for nothing was chosen", () => {
  const bare = answered(type(idle, "meet @").state, ["a.ts", "b.ts"]);
  expect(type(bare, "\r").effects[0]).toMatchObject({ do: "send", text: "meet @" });
  expect(draft(type(bare, `${DOWN}\r`).state)).toBe("meet @b.ts ");
  expect(draft(type(bare, "\t").state)).toBe("meet @a.ts ");
});

test("Tab while files are asked for waits for them and queues nothing", () => {
  const { state, effects } = type(busy, "@ca\t");
  expect(did(effects).filter((name) => name !== "find_files")).toEqual([]);
  expect(draft(state)).toBe("@ca");
});

test("a question under an open list leaves it the keys: Escape closes the list and denies nothing", () => {
  const typing = answered(type(busy, "@ca").state, ["cart.ts"]);
  const asked = withQuestion(
    { ...typing, replica: replica({ runs: [run(1)], permissions: [permission(1)] }) },
    60_000,
  );
  const closed = type(asked, ESC, 60_000);
  expect(closed.effects).toEqual([]);
  expect(rows(closed.state)).toBeUndefined();
  expect(did(type(closed.state, ESC, 60_000).effects)).toEqual(["cancel"]);
  expect(draft(type(asked, "\r", 60_000).state)).toBe("@cart.ts ");
});

test("a draft that begins with ! is sent to the shell, waits its turn, and is in the history with its !", () => {
  const sent = type(busy, `!npm test${STEER}`);
  expect(sent.effects).toEqual([
    { do: "send", text: "!npm test", delivery: "queue", attachments: [], isShell: true },
    { do: "remember", text: "!npm test" },
  ]);
  expect(draft(type(sent.state, UP).state)).toBe("!npm test");
  expect(type(idle, " !npm test\r").effects[0]).not.toHaveProperty("isShell");
  expect(type(idle, "! \r")).toMatchObject({ effects: [], state: { flash: { level: "error" } } });
  expect(did(type(idle, "!cat @a").effects)).toEqual([]);
});

test("a queued command for the shell is edited with its !, and never steers", () => {
  const queued = connected({
    runs: [run(1), run(2, { state: "queued", agent: "shell" })],
    messages: [{ ...prompt(2, "npm test"), agent: "shell" }],
  });
  expect(type(queued, "\r").effects).toEqual([]);
  const behindShell = connected({ runs: [run(1, { agent: "shell" }), run(2, { state: "queued" })] });
  expect(type(behindShell, "\r").effects).toEqual([]);
  expect(type(queued, "/queue steer 1\r").state.flash).toMatchObject({ level: "error" });
  const editing = type(queued, UP).state;
  expect(draft(editing)).toBe("!npm test");
  expect(type(editing, " -- cart\r").effects[0]).toMatchObject({
    do: "change_queued",
    prompt: "npm test -- cart",
  });
  // Without its ! it is a prompt: another run, for the agent.
  const asPrompt = type(editing, "\x01\x1b[3~\r");
  expect(did(asPrompt.effects)).toEqual(["withdraw", "send", "remember"]);
  expect(asPrompt.effects[1]).toMatchObject({ text: "npm test" });
  expect(asPrompt.effects[1]).not.toHaveProperty("isShell");
});

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("files are asked for at once and then ten times a second, for the newest text, the older question given up", () => {
  const asked: { query: string; signal: AbortSignal; at: number }[] = [];
  const stopped = new AbortController();
  const finder = createFileFinder(async (query, signal) => {
    asked.push({ query, signal, at: Date.now() });
    return { askAgain: false };
  }, stopped.signal);
  const start = Date.now();
  for (let letters = 1; letters <= 50; letters += 1) {
    finder.find("x".repeat(letters));
    vi.advanceTimersByTime(20);
  }
  vi.advanceTimersByTime(1000);
  expect(asked[0]).toMatchObject({ query: "x", at: start });
  expect(asked.at(-1)?.query).toBe("x".repeat(50));
  expect(asked.length).toBeLessThanOrEqual(11);
  expect(asked.slice(0, -1).every(({ signal }) => signal.aborted)).toBe(true);
  expect(asked.at(-1)?.signal.aborted).toBe(false);
  expect(vi.getTimerCount()).toBe(0);
  stopped.abort();
  finder.find("later");
  expect(asked.at(-1)?.query).not.toBe("later");
});

test("while files are still being listed the same question is asked again, until another one is", async () => {
  const asked: string[] = [];
  const stopped = new AbortController();
  const finder = createFileFinder(async (query) => {
    asked.push(query);
    return { askAgain: query === "a" || asked.length < 6 };
  }, stopped.signal);
  finder.find("a");
  await vi.advanceTimersByTimeAsync(600);
  expect(asked).toEqual(["a", "a", "a"]);
  finder.find("ab");
  await vi.advanceTimersByTimeAsync(5000);
  expect(asked).toEqual(["a", "a", "a", "ab", "ab", "ab"]);
  stopped.abort();
});

test("a folder is taken with its name, and what is marked stays marked when more is found", () => {
  const typed = type(idle, "@sr").state;
  const one = withFound(typed, "sr", ["src/", "src/a.ts", "src/b.ts"], false);
  const marked = type(one, DOWN).state;
  expect(withFound(marked, "sr", ["lib/sr.ts", "src/a.ts"], true).completion?.index).toBe(1);
  const { atoms } = type(one, "\t").state.editor;
  expect(atoms[0]).toMatchObject({ file: { name: "src", path: "src", media_type: "inode/directory" } });
});

test("what stands above the workspace is asked for from the top and shown as it was typed", () => {
  const shown = (typed: string, found: string) => {
    const { query, shown } = askedFor(typed, "/home/me/work");
    return [query, shown(found)];
  };
  expect(shown("..", "/home/me/notes/")).toEqual(["/home/me/", "../notes/"]);
  expect(shown("../no", "/home/me/notes/")).toEqual(["/home/me/no", "../notes/"]);
  expect(shown("../../../et", "/etc/")).toEqual(["/et", "../../../etc/"]);
  expect(shown("../work/src/", "/home/me/work/src/a.ts")).toEqual(["/home/me/work/src/", "../work/src/a.ts"]);
  expect(shown("src/a", "src/a.ts")).toEqual(["src/a", "src/a.ts"]);
  expect(shown("..a", "..a.ts")).toEqual(["..a", "..a.ts"]);
});
