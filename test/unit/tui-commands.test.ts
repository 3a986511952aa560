import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Agent } from "../../src/protocol/agent.ts";
import type { Message, Part } from "../../src/protocol/message.ts";
import { commands, matchingCommands, runCommand } from "../../src/tui/commands/table.ts";
import { saveTheme } from "../../src/tui/files/save-theme.ts";
import { newListOverlay } from "../../src/tui/state/overlay.ts";
import { modeItems } from "../../src/tui/state/overlay-items.ts";
import { acceptItem } from "../../src/tui/steps/overlay.ts";
import { sessionMarkdown } from "../../src/tui/text/markdown/session-markdown.ts";
import { connected, prompt, session } from "../support/tui-state.ts";

const idle = connected();
const fresh = connected({ session_id: null });
const ran = (text: string, state = idle) => {
  const step = runCommand(state, text);
  if (step === undefined) throw new Error(`${text} is no command`);
  return step;
};
const said = (text: string, state = idle) =>
  ran(text, state).effects.flatMap((effect) =>
    effect.do === "print" && effect.block.type === "notice" ? [effect.block.text] : [],
  );

test("every command that the contract's page names and whose feature is there is one", () => {
  const names = commands.map(({ name }) => name);
  const wanted =
    "help model agents agent sessions new resume fork permissions status cost queue rename export copy init attach clients detach theme doctor quit continue archive transcript mode";
  expect(wanted.split(" ").filter((name) => !names.includes(name))).toEqual([]);
  expect(new Set(names).size).toBe(names.length);
});

test("/continue and /init send what everybody sees, as a prompt", () => {
  expect(ran("/continue").effects.at(-1)).toMatchObject({ do: "send", text: "Continue where you left off." });
  expect(ran("/continue", fresh).state.flash?.text).toBe("There is nothing to continue yet.");
  expect(ran("/init", fresh).effects.at(-1)).toMatchObject({ do: "send" });
});

test("/mode and /theme without a name open a list whose rows take effect", () => {
  expect(ran("/mode").state.overlay).toMatchObject({ kind: "modes" });
  const modes = { ...newListOverlay("modes") };
  expect(acceptItem(connected({}, { overlay: modes }), modes, 2)).toMatchObject({
    state: { overlay: undefined },
    effects: [{ do: "change_session", changes: { mode: "plan" } }],
  });
  const themes = { ...newListOverlay("themes"), query: "light" };
  expect(acceptItem(idle, themes, 0).effects).toEqual([{ do: "set_theme", name: "light" }]);
  expect(ran("/theme light").effects.at(-1)).toEqual({ do: "set_theme", name: "light" });
  expect(ran("/theme pink").state.flash?.text).toContain("auto, dark, light");
});

test("/mode offers the modes that the agent has itself, for the session or for the next one", () => {
  const agent: Agent = {
    ...{ name: "hearth", backend: "acp", status: "ready", reason: null, fix: null, version: null },
    ...{ model: null, models: [], commands: [] },
    modes: [
      { id: "auto", name: "Auto" },
      { id: "approve", name: "Approve" },
    ],
  };
  const state = connected({ agents: [agent], sessions: [session({ agent_mode: "auto" })] });
  const list = { ...newListOverlay("modes"), query: "auto" };
  expect(modeItems(state, list)).toMatchObject([{ isCurrent: true, changes: { agent_mode: "auto" } }]);
  const usual = { ...newListOverlay("modes"), query: "as usual" };
  expect(acceptItem({ ...state, overlay: usual }, usual, 0).effects).toEqual([
    { do: "change_session", changes: { agent_mode: null } },
  ]);
  const fresh = connected({ agents: [agent], sessions: [], session_id: null });
  expect(ran("/mode approve", fresh).state.defaults.agent_mode).toBe("approve");
  expect(ran("/mode fast", fresh).state.flash?.text).toContain("yolo, auto, approve");
});

test("an agent's own command is one before the first prompt, too, when nobody has named the agent", () => {
  const commands = [{ name: "review", description: "Reviews." }];
  const state = connected({ agents: [{ ...agent, commands }], sessions: [], session_id: null });
  const unnamed = { ...state, defaults: { ...state.defaults, agent: undefined } };
  expect(runCommand(unnamed, "/review a.txt")).toBeUndefined();
  expect(matchingCommands(unnamed, "revie").map(({ name }) => name)).toEqual(["review"]);
});

test("what is told of session and clients is what a person asks for", () => {
  const model = { agents: [{ ...agent, model: "local/big" }] };
  expect(said("/status", connected(model))[0]).toContain("model local/big (default)");
  const clients = [
    { id: "me", kind: "tui", label: "pts/4", attached_at: "2026-01-01T10:00:00.000Z" },
  ] as const;
  expect(said("/clients", connected({ clients: [...clients] }))[0]).toContain("pts/4 (this terminal)");
  expect(said("/attach")[0]).toContain(`hearth attach ${session().id.slice(0, 12)}`);
});

const agent: Agent = {
  name: "hearth",
  backend: "native",
  status: "ready",
  reason: null,
  fix: null,
  version: "1",
  model: null,
  models: [],
  modes: [],
  commands: [],
};

test("what an agent did by itself has no heading in Markdown, and says so", () => {
  const part = (fields: Record<string, unknown>) => ({ id: "prt_1", ...fields }) as unknown as Part;
  const own: Message = {
    ...prompt(1, ""),
    parts: [part({ type: "notice", level: "info", code: "works_on", text: "goose works on by itself." })],
  };
  const said: Message = {
    ...prompt(2, ""),
    role: "assistant",
    parts: [part({ type: "text", text: "It passes." })],
  };
  expect(sessionMarkdown(session(), [own, said])).toContain(
    "\n\n> goose works on by itself.\n\nIt passes.\n",
  );
});

test("a session as Markdown is what was said and done, and nothing in it ends a fence or reaches a terminal", () => {
  const part = (fields: Record<string, unknown>) => ({ id: "prt_1", ...fields }) as unknown as Part;
  const call = { type: "tool_call", tool_call_id: "c", kind: "execute", input: {}, status: "completed" };
  const answer: Message = {
    ...prompt(2, ""),
    role: "assistant",
    parts: [
      part({ type: "reasoning", text: "hmm" }),
      part({ type: "text", text: "Done.\x1b[2J\n" }),
      part({ ...call, name: "bash", title: "echo `x`", output: "a\n```\nb\n" }),
      part({
        ...call,
        name: "edit",
        title: "a.ts",
        output: "edited",
        view: { kind: "diff", path: "a.ts", unified: "@@ -1 +1 @@\n-a\n+b\n", additions: 1, deletions: 1 },
      }),
    ],
  };
  expect(sessionMarkdown(session({ title: "fix it" }), [prompt(1, "fix the cart"), answer])).toBe(
    `# fix it

hearth · 2026-01-01 · ${session().id}

## fix the cart

Done.

**bash** \`\` echo \`x\` \`\` · completed

\`\`\`\`
a
\`\`\`
b
\`\`\`\`

**edit** \`a.ts\` · completed

\`\`\`diff
@@ -1 +1 @@
-a
+b
\`\`\`
`,
  );
});

test("a theme is kept in terminal.jsonc, whose comments and keys stay", () => {
  const configDir = mkdtempSync(join(tmpdir(), "hearth-theme-"));
  onTestFinished(() => rmSync(configDir, { recursive: true }));
  const file = join(configDir, "terminal.jsonc");
  saveTheme({ configDir }, "light");
  expect(JSON.parse(readFileSync(file, "utf8"))).toEqual({ theme: "light" });
  writeFileSync(file, '{\n  // mine\n  "keys": {},\n  "theme": "dark",\n}\n');
  saveTheme({ configDir }, "none");
  expect(readFileSync(file, "utf8")).toBe('{\n  // mine\n  "keys": {},\n  "theme": "none",\n}\n');
});
