import { type Action, chordsOf, type KeyOverrides } from "../keys.ts";

const names: Readonly<Record<string, string>> = {
  escape: "esc",
  up: "↑",
  down: "↓",
  left: "←",
  right: "→",
  page_up: "page up",
  page_down: "page down",
};

/** A chord as people read it: "ctrl+c", "esc", "alt+↑". */
export function chordName(chord: string): string {
  const cut = chord.lastIndexOf("+", chord.length - 2) + 1;
  const key = chord.slice(cut);
  return chord.slice(0, cut) + (names[key] ?? key);
}

/** The key that a hint names for an action; the action's own name where the user has unbound it. */
export const firstChordName = (action: Action, overrides: KeyOverrides): string => {
  const [chord] = chordsOf(action, overrides);
  return chord === undefined ? action : chordName(chord);
};
