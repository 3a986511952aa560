import type { Atom } from "../editor/atoms.ts";
import { type Editor, insertFile } from "../editor/editor.ts";
import { type Step, stay } from "../effects.ts";
import type { InputEvent } from "../input/decode.ts";
import type { KeyMap } from "../keys.ts";
import { mediaTypeOf } from "../media-type.ts";
import type { AppState, Completion } from "../state.ts";

const QUERY_MAX = 200;

/** The `@` that the caret stands behind, with what is typed after it; one at the start of a word only. */
function mentionAt({ atoms, caret }: Editor): { start: number; query: string } | undefined {
  for (let index = caret - 1; index >= 0 && caret - index <= QUERY_MAX; index -= 1) {
    const atom = atoms[index];
    if (typeof atom !== "string" || /^\s/.test(atom)) return undefined;
    if (atom !== "@") continue;
    const before = atoms[index - 1];
    if (before !== undefined && !(typeof before === "string" && /^\s/.test(before))) return undefined;
    const typed = atoms.slice(index + 1, caret).filter((part: Atom) => typeof part === "string");
    return { start: index, query: typed.join("") };
  }
  return undefined;
}

/** Follows the caret: asks for files when what stands behind an `@` has changed. */
export function withCompletion(before: AppState, result: Step): Step {
  const { state } = result;
  if (state.editor === before.editor || state.overlay !== undefined || state.editing !== undefined)
    return result;
  const mention = mentionAt(state.editor);
  const known = state.completion;
  if (mention === undefined) {
    return known === undefined ? result : { ...result, state: { ...state, completion: undefined } };
  }
  const isSame = known?.start === mention.start;
  if (isSame && known.query === mention.query) return result;
  const completion: Completion = {
    ...mention,
    found: isSame ? known.found : [],
    index: 0,
    isClosed: isSame && known.isClosed,
  };
  const next = { ...state, completion };
  if (completion.isClosed) return { ...result, state: next };
  return { state: next, effects: [...result.effects, { do: "find_files", query: mention.query }] };
}

/** Keys of the list under an `@`; undefined when the key is not for it. */
export function stepCompletion(state: AppState, event: InputEvent, keys: KeyMap): Step | undefined {
  const { completion } = state;
  if (
    completion === undefined ||
    completion.isClosed ||
    completion.found.length === 0 ||
    event.type !== "key"
  ) {
    return undefined;
  }
  const last = completion.found.length - 1;
  const { index } = completion;
  const go = (next: Partial<Completion>) => stay({ ...state, completion: { ...completion, ...next } });
  switch (keys.completion.get(event.chord)) {
    case "completion.up":
      return go({ index: index === 0 ? last : index - 1 });
    case "completion.down":
      return go({ index: index >= last ? 0 : index + 1 });
    case "completion.close":
      return go({ isClosed: true });
    case "completion.accept": {
      const path = completion.found[index];
      if (path === undefined) return undefined;
      const name = path.slice(path.lastIndexOf("/") + 1);
      const file = { file: { name, media_type: mediaTypeOf(path), path }, text: `@${path}` };
      return stay({
        ...state,
        editor: insertFile(state.editor, completion.start, file),
        completion: undefined,
      });
    }
    default:
      return undefined;
  }
}
