import { insertText } from "../editor/editor.ts";
import type { InputEvent } from "../input/decode.ts";
import { type Step, stay, step } from "../state/effects.ts";
import type { TrustOverlay } from "../state/overlay.ts";
import { trustItems } from "../state/overlay-items.ts";
import type { AppState } from "../state/state.ts";

/**
 * A digit marks an answer, and Enter gives it. Any other event marks "close": a person who was typing a prompt
 * when the question appeared must not answer it by accident. The text goes to the prompt.
 */
export function markTrust(state: AppState, overlay: TrustOverlay, event: InputEvent): Step {
  const typed = event.type === "text" && /^[123]$/.test(event.text) ? event.text : undefined;
  const choice = trustItems(overlay).find(({ text, isHead }) => isHead && text.startsWith(`${typed} `));
  const next = { ...state, overlay: { ...overlay, marked: choice?.id ?? "close" } };
  const isText = choice === undefined && (event.type === "text" || event.type === "paste");
  return stay(isText ? { ...next, editor: insertText(state.editor, event.text) } : next);
}

/** Gives the answer of that row; the rows of what would run are no answers. */
export function answerTrust(state: AppState, overlay: TrustOverlay, index: number): Step {
  const { trust } = overlay;
  const closed: AppState = { ...state, overlay: undefined };
  switch (trustItems(overlay)[index]?.id) {
    case "trust":
      return step(closed, { do: "give_trust", hash: trust.hash });
    case "revoke":
      return step(closed, { do: "revoke_trust" });
    case "quit":
      return step({ ...closed, isLeaving: true }, { do: "leave" });
    case "close":
      if (trust.is_trusted) return stay(closed);
      return stay({ ...closed, flash: { text: "left out · /trust asks again", level: "info" } });
    default:
      return stay(state);
  }
}
