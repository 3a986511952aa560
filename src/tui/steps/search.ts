import { goTo, searchHistory } from "../editor/history.ts";
import type { InputEvent } from "../input/decode.ts";
import type { KeyMap } from "../keys.ts";
import { type Step, stay } from "../state/effects.ts";
import type { AppState, Search } from "../state/state.ts";

/** Handles an input event during the history search: typing changes the query; the composer shows the match. */
export function stepSearch(state: AppState, search: Search, event: InputEvent, keys: KeyMap): Step {
  const go = (next: Search | undefined) => stay({ ...state, search: next });
  if (event.type === "text") return go({ query: search.query + event.text, skip: 0 });
  if (event.type === "paste") return go({ query: search.query + event.text.split("\n")[0], skip: 0 });
  if (event.type !== "key") return stay(state);
  switch (keys.search.get(event.chord)) {
    case "search.older": {
      const skip = search.skip + 1;
      return searchHistory(state.history, search.query, skip) === undefined
        ? stay(state)
        : go({ ...search, skip });
    }
    case "search.newer":
      return go({ ...search, skip: Math.max(0, search.skip - 1) });
    case "search.erase":
      return go({ query: Array.from(search.query).slice(0, -1).join(""), skip: 0 });
    case "search.accept": {
      const found = searchHistory(state.history, search.query, search.skip);
      const { history, editor } = state;
      const place = found === undefined ? {} : goTo(history, editor, history.entries.length - found.index);
      return stay({ ...state, search: undefined, ...place });
    }
    case "search.cancel":
      return go(undefined);
    default:
      return stay(state);
  }
}
