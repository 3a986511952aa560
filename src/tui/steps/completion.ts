import { FOLDER_TYPE, mediaTypeOf } from "../../client/media-type.ts";
import { shellCommand } from "../commands/shell-command.ts";
import { commands, matchingCommands, runCommand } from "../commands/table.ts";
import { stillMatching } from "../complete/matching.ts";
import type { Atom } from "../editor/atoms.ts";
import {
  type Editor,
  editorText,
  insertFile,
  insertName,
  insertPaste,
  isEmpty,
  replaceText,
} from "../editor/editor.ts";
import type { InputEvent } from "../input/decode.ts";
import type { KeyMap } from "../keys.ts";
import { type Step, stay } from "../state/effects.ts";
import { type AppState, type Completion, isWritingCommand } from "../state/state.ts";

type Token = Pick<Completion, "kind" | "start" | "query">;

const QUERY_MAX = 200;

/** The `@` at the start of the word before the caret, and the text after it. */
function mentionAt({ atoms, caret }: Editor): Token | undefined {
  for (let index = caret - 1; index >= 0 && caret - index <= QUERY_MAX; index -= 1) {
    const atom = atoms[index];
    if (typeof atom !== "string" || /^\s/.test(atom)) return undefined;
    if (atom !== "@") continue;
    const before = atoms[index - 1];
    if (before !== undefined && !(typeof before === "string" && /^[\s(["'`]/.test(before))) return undefined;
    const typed = atoms.slice(index + 1, caret).filter((part: Atom) => typeof part === "string");
    return { kind: "file", start: index, query: typed.join("") };
  }
  return undefined;
}

/** The part of the draft to complete: a whole draft that may become a command, or a file name at the caret. */
function tokenOf(state: AppState): Token | undefined {
  if (state.overlay !== undefined || state.search !== undefined || state.editing !== undefined)
    return undefined;
  if (isWritingCommand(state)) return undefined;
  const { editor } = state;
  if (isEmpty(editor)) return undefined;
  if (editor.atoms[0] === "/" && state.question?.writing === undefined) {
    const text = editorText(editor);
    const [, query] = /^\/([\w:-]*)$/.exec(text) ?? [];
    if (query !== undefined) return { kind: "command", start: 0, query };
    const isAtEnd = editor.caret === editor.atoms.length;
    const isText = editor.atoms.every((atom: Atom) => typeof atom === "string");
    const mention = mentionAt(editor);
    if (mention === undefined && isAtEnd && isText && /^\/mcp__[\w-]+ [^\n]*$/.test(text))
      return { kind: "argument", start: 0, query: text.slice(1) };
  }
  return shellCommand(editorText(editor)) === undefined ? mentionAt(editor) : undefined;
}

const isSameToken = (a: Token | undefined, b: Token | undefined): boolean =>
  a?.kind === b?.kind && a?.start === b?.start;

/** The open list; undefined if the draft no longer matches it. */
export function openCompletion(state: AppState): Completion | undefined {
  const { completion } = state;
  if (completion === undefined || completion.isClosed) return undefined;
  const token = tokenOf(state);
  return isSameToken(token, completion) && token?.query === completion.query ? completion : undefined;
}

/** Shows the files that were found. The marked file stays marked if it was found again. */
export function withFound(
  state: AppState,
  query: string,
  found: readonly string[],
  isAnswered: boolean,
): AppState {
  const { completion } = state;
  if (completion?.kind !== "file" || completion.query !== query) return state;
  const marked = completion.index > 0 ? completion.found[completion.index] : undefined;
  const index = marked === undefined ? 0 : Math.max(0, found.indexOf(marked));
  return { ...state, completion: { ...completion, found, isAnswered, isPartial: !isAnswered, index } };
}

/** Shows the values that fit the argument of a prompt. */
export function withValues(
  state: AppState,
  query: string,
  found: readonly string[],
  replaces: number,
): AppState {
  const { completion } = state;
  if (completion?.kind !== "argument" || completion.query !== query) return state;
  return { ...state, completion: { ...completion, found, replaces, isAnswered: true, index: 0 } };
}

/** A row of the list: the path of a file, or a command's name. */
export type CompletionRow = { name: string; help: string };

export const completionRows = (state: AppState, completion: Completion): readonly CompletionRow[] =>
  completion.kind === "command"
    ? matchingCommands(state, completion.query)
    : completion.found.map((name) => ({ name, help: "" }));

const withToken = (result: Step, token: Token, known: Completion | undefined, isClosed: boolean): Step => {
  const completion: Completion = {
    ...token,
    found: known?.kind === "file" && token.kind === "file" ? stillMatching(known.found, token.query) : [],
    replaces: 0,
    isAnswered: false,
    // Kept until the next answer, so that nothing flickers while a person types.
    isPartial: known?.kind === "file" && token.kind === "file" && known.isPartial,
    index: 0,
    isClosed,
  };
  const state = { ...result.state, completion };
  if (isClosed || token.kind === "command") return { ...result, state };
  const find = token.kind === "file" ? "find_files" : "find_arguments";
  return { state, effects: [...result.effects, { do: find, query: token.query }] };
};

/**
 * Opens, updates or closes the list after an input event. Only typing opens a list, not a paste or a history entry. A
 * list that was closed stays closed for its word.
 */
export function withCompletion(before: AppState, result: Step, event: InputEvent): Step {
  const { state } = result;
  if (state.editor === before.editor || state.overlay !== undefined) return result;
  const token = tokenOf(state);
  const known = state.completion;
  const none = (): Step =>
    known === undefined ? result : { ...result, state: { ...state, completion: undefined } };
  if (token === undefined) return none();
  if (event.type === "paste") return withToken(result, token, known, true);
  if (!isSameToken(token, known)) {
    return event.type === "text" ? withToken(result, token, undefined, false) : none();
  }
  if (token.query === known?.query) return result;
  return withToken(result, token, known, known?.isClosed ?? false);
}

/** Inserts pasted text that turned out to be no path; it opens no list either. */
export function withPasted(state: AppState, text: string): AppState {
  const next = { ...state, editor: insertPaste(state.editor, text) };
  return withCompletion(state, stay(next), { type: "paste", text }).state;
}

/** Opens the list for the word at the caret again; undefined if there is nothing to complete. */
export function reopenCompletion(state: AppState, kinds: readonly Completion["kind"][]): Step | undefined {
  const token = tokenOf(state);
  if (token === undefined || !kinds.includes(token.kind)) return undefined;
  return withToken(stay(state), token, state.completion, false);
}

/** Handles a key of the open list; undefined if the key is not for it. */
export function stepCompletion(state: AppState, event: InputEvent, keys: KeyMap): Step | undefined {
  const completion = openCompletion(state);
  if (completion === undefined || event.type !== "key") return undefined;
  const rows = completionRows(state, completion);
  const action = keys.completion.get(event.chord);
  const go = (next: Partial<Completion>) => stay({ ...state, completion: { ...completion, ...next } });
  if (action === "completion.close") return go({ isClosed: true });
  const last = rows.length - 1;
  const index = Math.min(completion.index, last);
  const row = rows[index];
  // The list is empty: Tab waits for an answer, other keys go to the prompt.
  if (row === undefined) return action === "completion.complete" ? stay(state) : undefined;
  switch (action) {
    case "completion.up":
      return go({ index: index === 0 ? last : index - 1 });
    case "completion.down":
      return go({ index: index >= last ? 0 : index + 1 });
    case "completion.complete":
      return take(state, completion, row.name);
    case "completion.accept":
      // Where nothing of a value is typed yet, or all of it, the command is sent as it is.
      if (
        completion.kind === "argument" &&
        ((completion.replaces === 0 && index === 0) || completion.query.endsWith(` ${row.name}`))
      )
        return undefined;
      if (completion.kind === "command") return runMarked(state, completion, row.name);
      // After `@` alone nothing has been chosen: the prompt is sent as it is.
      return completion.query === "" && index === 0 ? undefined : take(state, completion, row.name);
    default:
      return undefined;
  }
}

/** A resource of an MCP server, `SERVER:URI`: the daemon reads it, so its name stays text. */
const isResource = (name: string): boolean => /^[\w.-]+:[a-z][a-z0-9+.-]*:/i.test(name);

/** The index of the last so many characters before the caret. */
function startOfEnd({ atoms, caret }: Editor, chars: number): number {
  let at = caret;
  for (let left = chars; left > 0 && at > 0; left -= String(atoms[at]).length) at -= 1;
  return at;
}

function take(state: AppState, completion: Completion, name: string): Step {
  const next = { ...state, completion: undefined };
  if (completion.kind === "command") {
    const named = { ...next, editor: replaceText(state.editor, `/${name} `) };
    return reopenCompletion(named, ["argument"]) ?? stay(named);
  }
  if (completion.kind === "argument") {
    const start = startOfEnd(state.editor, completion.replaces);
    const named = { ...next, editor: insertName(state.editor, start, `${name} `) };
    return reopenCompletion(named, ["argument"]) ?? stay(named);
  }
  if (isResource(name)) {
    const [known = "", ...open] = name.split("{");
    const isWhole = open.length === 0;
    const text = `@${known}${isWhole ? " " : ""}`;
    const named = { ...next, editor: insertName(state.editor, completion.start, text) };
    // What stands in braces is still to be typed: the list goes on with it.
    return (isWhole ? undefined : reopenCompletion(named, ["file"])) ?? stay(named);
  }
  const isFolder = name.endsWith("/");
  const path = isFolder ? name.slice(0, -1) : name;
  const file = {
    name: path.slice(path.lastIndexOf("/") + 1),
    media_type: isFolder ? FOLDER_TYPE : mediaTypeOf(path),
    path,
  };
  return stay({ ...next, editor: insertFile(state.editor, completion.start, { file, text: `@${name}` }) });
}

/** Runs the marked command. One that takes an argument, or is the agent's, is only completed. */
function runMarked(state: AppState, completion: Completion, name: string): Step | undefined {
  const command = commands.find((known) => known.name === name);
  const isWhole = completion.query === name;
  if (command === undefined || (command.takes !== undefined && !command.takes.startsWith("["))) {
    return isWhole ? undefined : take(state, completion, name);
  }
  const text = `/${name}`;
  const editor = isWhole ? state.editor : replaceText(state.editor, text);
  return runCommand({ ...state, editor, completion: undefined }, text);
}
