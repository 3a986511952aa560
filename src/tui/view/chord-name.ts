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

/** A chord for the screen: "ctrl+c", "esc", "alt+↑". */
export function chordName(chord: string): string {
  const cut = chord.lastIndexOf("+", chord.length - 2) + 1;
  const key = chord.slice(cut);
  return chord.slice(0, cut) + (names[key] ?? key);
}

/** The first chord of an action, for a hint; the action's name if the user has unbound it. */
export const firstChordName = (action: Action, overrides: KeyOverrides): string => {
  const [chord] = chordsOf(action, overrides);
  return chord === undefined ? action : chordName(chord);
};
