import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import type { HearthEvent } from "../../src/protocol/events.ts";
import { noUsage } from "../../src/protocol/usage.ts";
import { callOf, titleOf } from "../../src/tui/local/attention.ts";
import { copyText } from "../../src/tui/local/copy-text.ts";
import { callSequence, copySequence, titleSequence } from "../../src/tui/screen/call.ts";
import type { AppState } from "../../src/tui/state/state.ts";
import { connected, permission, run, SESSION } from "../support/tui-state.ts";

const TIME = "2026-01-01T00:00:00.000Z";
const LATER = "2026-01-01T01:00:00.000Z";
const client = (id: string, attached_at = TIME) => ({ id, kind: "tui" as const, label: id, attached_at });
const asked = {
  seq: 9,
  type: "permission.requested",
  time: TIME,
  session_id: SESSION,
  payload: { permission: permission(1) },
} as HearthEvent;
const ended = (outcome: string, duration_ms: number): HearthEvent =>
  ({
    seq: 9,
    type: "run.completed",
    time: TIME,
    session_id: SESSION,
    payload: {
      run_id: run(1).id,
      session_id: SESSION,
      agent: "hearth",
      outcome,
      message_id: run(1).message_id,
      text: "",
      usage: noUsage,
      cost: 0,
      duration_ms,
      canceled_by: null,
    },
  }) as HearthEvent;
const call = (state: AppState, event: HearthEvent) =>
  state.replica === undefined ? undefined : callOf(state, state.replica, event);

const away: Partial<AppState> = { focus: "out" };
const alone = connected({ runs: [run(1)], clients: [client("me")] }, away);

test("a question and the end of a run call for a person who looks elsewhere, and not for one who is here", () => {
  expect(call(alone, asked)).toBe("needs you: npm test");
  expect(call(alone, ended("end_turn", 1000))).toBe("done: fix the cart");
  expect(call(alone, ended("error", 1000))).toBe("error: fix the cart");
  expect(call(alone, ended("canceled", 1000))).toBeUndefined();
  expect(call({ ...alone, focus: "in" }, asked)).toBeUndefined();
});

test("where the terminal does not say whether it is looked at, only a long run calls", () => {
  expect(call({ ...alone, focus: "unknown" }, ended("end_turn", 5000))).toBeUndefined();
  expect(call({ ...alone, focus: "unknown" }, ended("end_turn", 60_000))).toBeDefined();
});

test("of several terminals one calls: the one that asked, or the oldest when that one has left", () => {
  const state = (self: string, by: string, clients: ReturnType<typeof client>[]) =>
    connected({ runs: [run(1, { by })], clients }, { ...away, clientId: self });
  const both = [client("old"), client("new", LATER)];
  expect(call(state("new", "new", both), asked)).toBeDefined();
  expect(call(state("old", "new", both), asked)).toBeUndefined();
  expect(call(state("old", "gone", both), asked)).toBeDefined();
  expect(call(state("new", "gone", both), asked)).toBeUndefined();
});

test("the title says where one is and what happens there", () => {
  expect(titleOf(connected())).toBe("hearth · project");
  expect(titleOf(alone)).toBe("hearth · project · working");
  expect(titleOf(connected({ runs: [run(1)], permissions: [permission(1)] }))).toBe(
    "hearth · project · ? needs you",
  );
});

test.each([
  ["kitty", { KITTY_WINDOW_ID: "1" }, "\x1b]99;"],
  ["iTerm2", { TERM_PROGRAM: "iTerm.app" }, "\x1b]9;"],
  ["WezTerm", { TERM_PROGRAM: "WezTerm" }, "\x1b]9;"],
  ["foot", { TERM: "foot" }, "\x1b]777;"],
  ["VTE", { VTE_VERSION: "7200" }, "\x1b]777;"],
  ["anything else", { TERM: "xterm" }, "\x07"],
] as const)("%s is told in its own way", (_, env, beginning) => {
  expect(callSequence("done", env).startsWith(beginning)).toBe(true);
});

test("through tmux a notification goes wrapped, with a bell that tmux itself understands", () => {
  const sent = callSequence("done", { TMUX: "/tmp/x", TERM_PROGRAM: "WezTerm" });
  expect(sent).toBe("\x1bPtmux;\x1b\x1b]9;hearth: done\x07\x1b\\\x07");
});

test("nothing in a title or a text can end its sequence and begin another", () => {
  expect(titleSequence("a\x07\x1b]52;c;eA==\x07b").slice(4, -1)).not.toMatch(/[\x00-\x1f]/);
  const sent = callSequence("a\x1b\\\x1b[2J", { KITTY_WINDOW_ID: "1" });
  expect(sent.split("\x1b")).toHaveLength(5);
});

test("what is copied goes as OSC 52 up to what terminals take", () => {
  expect(copySequence("grüße", {})).toBe(`\x1b]52;c;${Buffer.from("grüße").toString("base64")}\x07`);
  expect(copySequence("x".repeat(100_000), {})).toBeUndefined();
  // tmux takes the one or hands on the other, as it is set up.
  const inTmux = copySequence("hi", { TMUX: "/tmp/tmux-0/default,1,0" }) ?? "";
  expect(inTmux.startsWith("\x1b]52;c;aGk=\x07\x1bPtmux;\x1b\x1b]52;c;aGk=")).toBe(true);
});

test("a text is handed to the first program that takes it; over ssh, or with none, to nobody", async () => {
  const bin = mkdtempSync(join(tmpdir(), "hearth-copy-"));
  onTestFinished(() => rmSync(bin, { recursive: true }));
  writeFileSync(join(bin, "wl-copy"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
  writeFileSync(join(bin, "xclip"), `#!/bin/sh\ncat > ${bin}/taken\n`, { mode: 0o755 });
  vi.stubEnv("PATH", `${bin}:${process.env["PATH"]}`);
  onTestFinished(() => void vi.unstubAllEnvs());
  const screens = { WAYLAND_DISPLAY: "wayland-0", DISPLAY: ":0" };
  expect(await copyText("grüße", screens, "linux")).toBe(true);
  expect(readFileSync(join(bin, "taken"), "utf8")).toBe("grüße");
  expect(await copyText("x", { ...screens, SSH_CONNECTION: "1 2 3 4" }, "linux")).toBe(false);
  expect(await copyText("x", {}, "linux")).toBe(false);
  expect(await copyText("x", {}, "darwin")).toBe(false); // no pbcopy here
});
