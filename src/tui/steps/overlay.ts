import { type Step, stay } from "../effects.ts";
import type { InputEvent } from "../input/decode.ts";
import type { KeyMap } from "../keys.ts";
import type { Overlay } from "../overlay.ts";
import type { AppState } from "../state.ts";

export function stepOverlay(state: AppState, overlay: Overlay, event: InputEvent, keys: KeyMap): Step {
  const go = (next: Overlay | undefined) => stay({ ...state, overlay: next });
  if (event.type === "text") return go({ ...overlay, query: overlay.query + event.text, index: 0 });
  if (event.type !== "key") return stay(state);
  switch (keys.list.get(event.chord)) {
    case "list.close":
      return go(undefined);
    default:
      return stay(state);
  }
}
