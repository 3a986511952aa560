/** The part of a TTY's output that modes are set on. */
export type ModeOutput = { write(text: string): unknown };

const modes = {
  bracketedPaste: { on: "\x1b[?2004h", off: "\x1b[?2004l" },
  focusReports: { on: "\x1b[?1004h", off: "\x1b[?1004l" },
  /** Disambiguated keys where the terminal has the kitty protocol, so that Escape needs no waiting. */
  kittyKeyboard: { on: "\x1b[>1u", off: "\x1b[<u" },
  /** xterm's and tmux's way to tell Shift+Enter from Enter. */
  modifiedKeys: { on: "\x1b[>4;1m", off: "\x1b[>4m" },
  alternateScreen: { on: "\x1b[?1049h", off: "\x1b[?1049l" },
  hiddenCursor: { on: "\x1b[?25l", off: "\x1b[?25h" },
  /** The window title that was there before ours, kept on the terminal's own stack. */
  title: { on: "\x1b[22;2t", off: "\x1b[23;2t" },
} as const;

export type ModeName = keyof typeof modes;

export type TerminalModes = {
  set(name: ModeName, isOn: boolean): void;
  /** Takes note of a change and returns the bytes that make it, for a caller that writes them with others. */
  change(name: ModeName, isOn: boolean): string;
  readonly active: readonly ModeName[];
  /** Undoes all modes, newest first; safe to call at any moment and more than once. */
  restore(): void;
  /** What `restore` undid last, done again: after another program had the terminal. */
  reapply(): void;
};

/** Keeps account of what was switched on, so that every exit can switch off exactly that. */
export function createTerminalModes(
  output: ModeOutput,
  onChange: (active: readonly ModeName[]) => void = () => {},
): TerminalModes {
  let active: ModeName[] = [];
  let undone: ModeName[] = [];
  const change = (name: ModeName, isOn: boolean): string => {
    if (active.includes(name) === isOn) return "";
    // Registered before it is written: an exit in between must undo it.
    active = isOn ? [...active, name] : active.filter((other) => other !== name);
    // The cursor is hidden and shown all the time, and no terminal is spoiled by it for long.
    if (name !== "hiddenCursor") onChange(active);
    return isOn ? modes[name].on : modes[name].off;
  };
  return {
    change,
    set(name, isOn) {
      const text = change(name, isOn);
      if (text !== "") output.write(text);
    },
    get active() {
      return active;
    },
    restore() {
      if (active.length === 0) return;
      undone = active;
      active = [];
      output.write(
        undone
          .toReversed()
          .map((name) => modes[name].off)
          .join(""),
      );
    },
    reapply() {
      const again = undone;
      undone = [];
      active = [...active, ...again.filter((name) => !active.includes(name))];
      if (again.length > 0) output.write(again.map((name) => modes[name].on).join(""));
    },
  };
}

/** Undoes what a hearth that was killed left behind; nothing else is touched. */
export const repairSequence = (left: readonly ModeName[]): string =>
  [...new Set<ModeName>([...left, "hiddenCursor"])]
    .filter((name) => Object.hasOwn(modes, name))
    .toReversed()
    .map((name) => modes[name].off)
    .join("");
