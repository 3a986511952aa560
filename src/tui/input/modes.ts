/** The part of a TTY's output that modes are set on. */
export type ModeOutput = { write(text: string): unknown };

const modes = {
  bracketedPaste: { on: "\x1b[?2004h", off: "\x1b[?2004l" },
  focusReports: { on: "\x1b[?1004h", off: "\x1b[?1004l" },
  /** Unambiguous keys in terminals with the kitty protocol, so that Escape needs no timeout. */
  kittyKeyboard: { on: "\x1b[>1u", off: "\x1b[<u" },
  /** xterm's and tmux's way to tell Shift+Enter from Enter. */
  modifiedKeys: { on: "\x1b[>4;1m", off: "\x1b[>4m" },
  alternateScreen: { on: "\x1b[?1049h", off: "\x1b[?1049l" },
  hiddenCursor: { on: "\x1b[?25l", off: "\x1b[?25h" },
  /** Saves the window's title on the terminal's title stack, and restores it. */
  title: { on: "\x1b[22;2t", off: "\x1b[23;2t" },
} as const;

export type ModeName = keyof typeof modes;

export type TerminalModes = {
  set(name: ModeName, isOn: boolean): void;
  /** Records a change and returns its bytes, for a caller that writes them together with others. */
  change(name: ModeName, isOn: boolean): string;
  readonly active: readonly ModeName[];
  /** Switches all modes off, newest first. Safe to call at any time, and more than once. */
  restore(): void;
  /** Switches on again what `restore` switched off, after another program used the terminal. */
  reapply(): void;
};

/** Tracks the terminal modes that were switched on, so that every exit can switch off exactly these. */
export function createTerminalModes(
  output: ModeOutput,
  onChange: (active: readonly ModeName[]) => void = () => {},
): TerminalModes {
  let active: ModeName[] = [];
  let undone: ModeName[] = [];
  const change = (name: ModeName, isOn: boolean): string => {
    if (active.includes(name) === isOn) return "";
    // Recorded before it is written: an exit in between must undo it.
    active = isOn ? [...active, name] : active.filter((other) => other !== name);
    // The cursor is hidden and shown too often to be recorded in the terminal's file each time.
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

/** Switches off the modes that a killed hearth left on, and no others. */
export const repairSequence = (left: readonly ModeName[]): string =>
  [...new Set<ModeName>([...left, "hiddenCursor"])]
    .filter((name) => Object.hasOwn(modes, name))
    .toReversed()
    .map((name) => modes[name].off)
    .join("");
