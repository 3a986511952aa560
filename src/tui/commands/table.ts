// Long because it is the one table of every command behind a slash.

import { isolations, permissionModes } from "../../protocol/choices.ts";
import type { RunId } from "../../protocol/ids.ts";
import { messageText } from "../../protocol/message-text.ts";
import { DEFAULT_EFFORT, withEffort } from "../../protocol/model-effort.ts";
import { matching } from "../complete/matching.ts";
import { editorText, emptyEditor, replaceText } from "../editor/editor.ts";
import { type Effect, type Step, stay, step } from "../state/effects.ts";
import {
  newGrantsOverlay,
  newJobsOverlay,
  newListOverlay,
  newLoginOverlay,
  newSessionsOverlay,
  newTranscriptOverlay,
} from "../state/overlay.ts";
import {
  type AppState,
  currentAgent,
  currentModel,
  currentSession,
  draftOfRun,
  queuedRuns,
} from "../state/state.ts";
import { withEditsAllowed } from "../steps/allow-edits.ts";
import { changeSession, newSession } from "../steps/change-session.ts";
import { openRewind } from "../steps/rewind.ts";
import { takeDraft } from "../steps/take-draft.ts";
import { chosenModel, effortsOf, modelOfName, whyNotReady } from "./agent-choice.ts";
import { openArena } from "./arena.ts";
import { judgeNamed, openReview } from "./changes.ts";
import { isolationMeanings, themeChoices } from "./choices.ts";
import { SHELL_AGENT } from "./shell-command.ts";
import { attachText, clientsText, statusText } from "./texts.ts";

type Command = {
  name: string;
  /** Its arguments, as the list shows them. */
  takes?: string;
  help: string;
  run(state: AppState, rest: string): Step;
};

/** The prompt that resumes a turn that ended early. */
const CONTINUE = "Continue where you left off.";
const remember = (text: string): string =>
  `Remember this for every later conversation in this project: add it to AGENTS.md in the project's root, in the section where it belongs, in one or two lines, and change nothing else. Make the file if there is none. What to remember:\n\n${text}`;
const INIT =
  "Look at this project and write AGENTS.md for coding agents that work on it: what it is, how to build, test and run it, where things are, and the rules of the code that no tool checks. Improve the file where there is one. Keep it under 80 lines, and true.";

const say = (state: AppState, text: string, level: "info" | "warning" | "error" = "info"): Step =>
  step(state, { do: "print", block: { id: "local/notice", type: "notice", level, code: "command", text } });

/** A mistake in the command: the text stays in the composer to be corrected. */
const complain = (state: AppState, text: string): Step => stay({ ...state, flash: { text, level: "error" } });

/** The command is right, but it does not apply now. */
const refuse = (state: AppState, text: string): Step => stay({ ...state, flash: { text, level: "warning" } });

/** Opens the sessions overlay and requests its list. */
export const openSessions = (state: AppState): Step =>
  step({ ...state, overlay: newSessionsOverlay }, { do: "load_sessions" });

/** Opens the whole conversation, with the open question in full. Does nothing before the first session. */
export function openTranscript(state: AppState): Step {
  if (currentSession(state) === undefined) return stay(state);
  const question = state.question && { ...state.question, isUnread: false };
  return step(
    { ...state, question, flash: undefined, overlay: newTranscriptOverlay },
    { do: "load_transcript" },
  );
}

/** Sends the prompt that a command stands for. Every terminal shows that prompt. */
const ask = (state: AppState, text: string): Step =>
  step(state, { do: "send", text, delivery: "queue", attachments: [] });

const leave = (state: AppState): Step => step({ ...state, isLeaving: true }, { do: "leave" });

/** `/undo` and `/redo`; alone they are about files and conversation. */
function undoStep(state: AppState, what: "undo" | "redo", rest: string): Step {
  if (currentSession(state) === undefined) return refuse(state, `There is nothing to ${what} yet.`);
  const only = rest.trim();
  if (only === "") return step(state, { do: what });
  if (only !== "files" && only !== "conversation")
    return refuse(state, `/${what} alone, /${what} files or /${what} conversation`);
  return step(state, { do: what, files: only === "files", conversation: only === "conversation" });
}

export const commands: readonly Command[] = [
  {
    name: "help",
    help: "keys and commands",
    run: (state) => stay({ ...state, overlay: newListOverlay("help") }),
  },
  { name: "new", help: "start a new session", run: (state) => newSession(state) },
  {
    name: "clear",
    help: "new session on an empty screen",
    run: (state) =>
      currentSession(state) === undefined
        ? step(state, { do: "clear_screen" })
        : newSession(state, { opening: "cleared" }),
  },
  { name: "sessions", help: "open, search, rename or delete sessions", run: openSessions },
  { name: "resume", help: "the same as /sessions", run: openSessions },
  {
    name: "tasks",
    help: "sub-agents of this session: look into one, steer or stop it",
    run(state) {
      const parent = currentSession(state)?.id;
      if (parent === undefined) return refuse(state, "There is no session yet.");
      return step({ ...state, overlay: { ...newSessionsOverlay, parent } }, { do: "load_sessions" });
    },
  },
  {
    name: "jobs",
    help: "background commands of this session: read or end one",
    run: (state) =>
      currentSession(state) === undefined
        ? refuse(state, "There is no session yet.")
        : stay({ ...state, overlay: newJobsOverlay }),
  },
  { name: "transcript", help: "full transcript (ctrl+o)", run: openTranscript },
  {
    name: "rename",
    takes: "TITLE",
    help: "rename this session",
    run(state, rest) {
      if (currentSession(state) === undefined) return refuse(state, "There is no session to rename yet.");
      if (rest === "") return complain(state, "/rename needs a title.");
      return step(state, { do: "change_session", changes: { title: rest } });
    },
  },
  {
    name: "archive",
    help: "archive this session and start a new one",
    run(state) {
      const session = currentSession(state);
      if (session === undefined) return refuse(state, "There is no session to archive yet.");
      const archive: Effect = { do: "change_session", changes: { archived: true }, id: session.id };
      return newSession(state, { before: archive });
    },
  },
  {
    name: "fork",
    takes: "[files | from]",
    help: "copy this session, its files too, or from a prompt",
    run(state, rest) {
      const session = currentSession(state);
      if (session === undefined) return refuse(state, "There is no session to fork yet.");
      if (rest === "from") return openRewind(state);
      if (rest === "files") return step(state, { do: "fork", id: session.id, files: true });
      return rest === ""
        ? step(state, { do: "fork", id: session.id })
        : complain(state, "/fork, /fork files or /fork from.");
    },
  },
  {
    name: "continue",
    help: "resume a turn that was stopped",
    run: (state) =>
      currentSession(state) === undefined
        ? refuse(state, "There is nothing to continue yet.")
        : ask(state, CONTINUE),
  },
  {
    name: "compact",
    takes: "[WHAT TO KEEP]",
    help: "summarise older messages for the model",
    run: (state, rest) =>
      currentSession(state) === undefined
        ? refuse(state, "There is nothing to compact yet.")
        : step(state, { do: "compact", keep: rest }),
  },
  {
    name: "context",
    help: "what fills the model's window",
    run: (state) =>
      currentSession(state) === undefined
        ? refuse(state, "Nothing was sent to a model yet.")
        : step(state, { do: "show_context" }),
  },
  {
    name: "undo",
    takes: "[files | conversation]",
    help: "take back the last turn: files and conversation, or one",
    run: (state, rest) => undoStep(state, "undo", rest),
  },
  {
    name: "redo",
    takes: "[files | conversation]",
    help: "bring back what undo took back",
    run: (state, rest) => undoStep(state, "redo", rest),
  },
  {
    name: "rewind",
    help: "go back to before a prompt (esc twice)",
    run: openRewind,
  },
  {
    name: "copy",
    help: "copy the last answer to the clipboard",
    run(state) {
      const answer = state.replica?.messages.findLast(
        ({ role, parts }) => role === "assistant" && messageText({ parts }) !== "",
      );
      return answer === undefined
        ? refuse(state, "There is no answer to copy yet.")
        : step(state, { do: "copy", text: messageText(answer) });
    },
  },
  {
    name: "export",
    takes: "[FILE]",
    help: "save this session as Markdown",
    run: (state, rest) =>
      currentSession(state) === undefined
        ? refuse(state, "There is no session to export yet.")
        : step(state, { do: "export", file: rest }),
  },
  {
    name: "model",
    takes: "[NAME]",
    help: "change the model",
    run(state, rest) {
      if (rest === "")
        return stay({ ...state, overlay: newListOverlay("models", currentModel(state) ?? "") });
      const model = modelOfName(currentAgent(state), rest);
      return model === undefined
        ? complain(state, `${currentAgent(state)?.name} has no model "${rest}"; /model lists them.`)
        : changeSession(state, { model });
    },
  },
  {
    name: "effort",
    takes: "[LEVEL]",
    help: "how hard the model thinks",
    run(state, rest) {
      const { model, efforts, current } = effortsOf(state);
      if (efforts.length === 0)
        return refuse(
          state,
          `${model ?? "This model"} cannot be told how hard to think; /model lists others.`,
        );
      if (rest === "")
        return stay({ ...state, overlay: newListOverlay("efforts", current ?? DEFAULT_EFFORT) });
      return rest === DEFAULT_EFFORT || efforts.includes(rest)
        ? changeSession(state, { model: withEffort(chosenModel(state), rest) })
        : complain(state, `${model} has no effort "${rest}"; it has ${efforts.join(", ")}.`);
    },
  },
  {
    name: "agent",
    takes: "[NAME]",
    help: "change the agent",
    run(state, rest) {
      if (rest === "")
        return stay({ ...state, overlay: newListOverlay("agents", currentAgent(state)?.name) });
      const agent = state.replica?.agents.find(({ name }) => name === rest);
      if (agent === undefined) return complain(state, `There is no agent "${rest}"; /agent lists them.`);
      if (agent.status !== "ready") return complain(state, whyNotReady(agent));
      return changeSession(state, { agent: agent.name, model: null });
    },
  },
  {
    name: "agents",
    help: "the same as /agent",
    run: (state) => stay({ ...state, overlay: newListOverlay("agents", currentAgent(state)?.name) }),
  },
  {
    name: "mode",
    takes: "[ask|accept_edits|plan|yolo]",
    help: "permission mode",
    run(state, rest) {
      if (rest === "") return stay({ ...state, overlay: newListOverlay("modes") });
      const mode = permissionModes.find((name) => name === rest.replace("-", "_"));
      if (mode !== undefined) return withEditsAllowed(changeSession(state, { mode }), mode);
      const own = currentAgent(state)?.modes.map(({ id }) => id) ?? [];
      return own.includes(rest)
        ? changeSession(state, { agent_mode: rest })
        : complain(state, `/mode is one of ${[...permissionModes, ...own].join(", ")}.`);
    },
  },
  {
    name: "isolation",
    takes: "[in_place|worktree]",
    help: "where edits go: your files, or a worktree to review",
    run(state, rest) {
      const now = currentSession(state)?.isolation ?? state.defaults.isolation ?? "in_place";
      if (rest === "") return say(state, isolationMeanings[now]);
      const isolation = isolations.find((name) => name === rest.replace("-", "_"));
      if (isolation === undefined) return complain(state, `/isolation is one of ${isolations.join(", ")}.`);
      if (currentSession(state) !== undefined)
        return step(state, { do: "change_session", changes: { isolation } });
      const flash = { text: isolationMeanings[isolation], level: "info" } as const;
      return stay({ ...state, flash, defaults: { ...state.defaults, isolation } });
    },
  },
  {
    name: "queue",
    takes: "[resume | drop N | edit N | steer N]",
    help: "queued prompts",
    run: (state, rest) => runQueue(state, rest),
  },
  {
    name: "arena",
    takes: "[AGENT,AGENT: PROMPT]",
    help: "one prompt for several agents: compare",
    run: openArena,
  },
  { name: "diff", help: "review what the agents changed (alt+c)", run: openReview },
  {
    name: "apply",
    takes: "PATH | all",
    help: "put pending changes into the workspace",
    run: (state, rest) => judgeNamed(state, "apply", rest),
  },
  {
    name: "discard",
    takes: "PATH | all",
    help: "drop pending changes",
    run: (state, rest) => judgeNamed(state, "reject", rest),
  },
  { name: "clients", help: "attached terminals", run: (state) => say(state, clientsText(state)) },
  { name: "status", help: "session, agent, model, cost", run: (state) => say(state, statusText(state)) },
  { name: "cost", help: "the same as /status", run: (state) => say(state, statusText(state)) },
  {
    name: "permissions",
    help: "permission mode and rules; revoke what was allowed",
    run: (state) => step({ ...state, overlay: newGrantsOverlay }, { do: "load_grants" }),
  },
  {
    name: "trust",
    help: "what this directory would start; trust it, or take that back",
    run: (state) => step(state, { do: "load_trust" }),
  },
  {
    name: "login",
    takes: "[PROVIDER]",
    help: "test a provider's key and keep it",
    run: (state, rest) =>
      /\s/.test(rest)
        ? complain(state, "/login takes the provider alone; the key is asked for and not shown.")
        : stay({ ...state, overlay: newLoginOverlay(rest === "" ? undefined : rest) }),
  },
  {
    name: "theme",
    takes: "[NAME]",
    help: "color theme",
    run(state, rest) {
      if (rest === "") return stay({ ...state, overlay: newListOverlay("themes") });
      const name = themeChoices.find((known) => known === rest);
      return name === undefined
        ? complain(state, `/theme is one of ${themeChoices.join(", ")}.`)
        : step(state, { do: "set_theme", name });
    },
  },
  {
    name: "remember",
    takes: "TEXT",
    help: "add something to AGENTS.md of this project",
    run: (state, rest) =>
      rest === "" ? complain(state, "/remember needs what to remember.") : ask(state, remember(rest)),
  },
  { name: "init", help: "write or improve AGENTS.md for this project", run: (state) => ask(state, INIT) },
  {
    name: "attach",
    help: "how to attach from another terminal",
    run: (state) => say(state, attachText(state)),
  },
  {
    name: "doctor",
    help: "check installation and configuration",
    run: (state) => step({ ...state, flash: { text: "looking …", level: "info" } }, { do: "doctor" }),
  },
  { name: "quit", help: "quit (work continues; ctrl+d)", run: leave },
  { name: "exit", help: "the same as /quit", run: leave },
  { name: "detach", help: "the same as /quit", run: leave },
];

/**
 * Runs a prompt that is one of our commands; undefined if it is not. An agent's own command is sent to the agent like
 * any prompt, and so is a prompt that begins with a path.
 */
export function runCommand(state: AppState, text: string): Step | undefined {
  const match = /^\/([a-z][a-z-]*)(?:\s+([\s\S]*))?$/.exec(text.trimEnd());
  if (match === null || text.startsWith(" ")) return undefined;
  const [, name = "", rest = ""] = match;
  const command = commands.find((known) => known.name === name);
  if (command === undefined) {
    if (agentCommands(state).some((known) => known.name === name)) return undefined;
    return complain(state, `Unknown command /${name}; /help lists them. Start with a space to send as text.`);
  }
  const line = editorText(state.editor);
  const result = command.run(takeDraft(state), rest.trim());
  // A mistaken command stays in the composer to be corrected.
  if (result.state.flash?.level === "error")
    return stay({ ...result.state, editor: state.editor, history: state.history });
  return { ...result, effects: [{ do: "remember", text: line }, ...result.effects] };
}

/** Commands of the session's agent; before the first prompt, of the agent that will get it. */
export const agentCommands = (state: AppState): readonly { name: string; description: string }[] =>
  currentAgent(state)?.commands ?? [];

/** Commands that match the text after the slash, best first; ours before the agent's. */
export function matchingCommands(state: AppState, typed: string): { name: string; help: string }[] {
  const own = commands.map(({ name, takes, help }) => ({
    name,
    help: takes === undefined ? help : `${takes} · ${help}`,
  }));
  const names = new Set(own.map(({ name }) => name));
  const theirs = agentCommands(state)
    .filter(({ name }) => !names.has(name))
    .map(({ name, description }) => ({ name, help: description }));
  return matching([...own, ...theirs], typed);
}

/** A hint with the command's arguments, shown until one is typed. */
export function usageOf(text: string): string | undefined {
  const [, name] = /^\/([a-z-]+) $/.exec(text) ?? [];
  const command = commands.find((known) => known.name === name);
  return command?.takes === undefined ? undefined : `${command.takes} · ${command.help}`;
}

function runQueue(state: AppState, rest: string): Step {
  const queued = queuedRuns(state);
  const [verb = "", number = ""] = rest.split(/\s+/);
  if (rest === "resume") return step(state, { do: "resume_queue" });
  if (rest === "") {
    if (queued.length === 0) return say(state, "No queued prompts.");
    const list = queued.map(
      (run, index) => `${index + 1}  ${run.state}  ${firstLine(draftOfRun(state, run))}`,
    );
    return say(state, [...list, "/queue resume · drop N · edit N · steer N"].join("\n"));
  }
  const run = queued[Number(number) - 1];
  if (run === undefined) return complain(state, `/queue ${verb} needs the number of a queued prompt.`);
  if (verb === "drop") return step(state, { do: "withdraw", id: run.id });
  if (verb === "steer" && run.agent === SHELL_AGENT) return complain(state, "A shell command cannot steer.");
  if (verb === "steer") return step(state, { do: "change_queued", id: run.id, delivery: "steer" });
  if (verb === "edit") return editQueued(state, run.id, draftOfRun(state, run));
  return complain(state, "/queue takes resume, drop N, edit N or steer N.");
}

/** Opens a queued prompt in the composer and saves the draft. */
export function editQueued(state: AppState, runId: RunId, text: string): Step {
  const draft = state.editing?.draft ?? state.editor;
  return stay({ ...state, editing: { runId, draft }, editor: replaceText(emptyEditor, text) });
}

const firstLine = (text: string): string => text.trim().split("\n")[0] ?? "";
