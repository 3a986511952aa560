export type OptionSpec = {
  name: string;
  short?: string;
  /** The placeholder of its value; without one the option is a switch. */
  value?: string;
  choices?: readonly string[];
  /** What a shell completes as its value, if the daemon runs. */
  offers?: Offers;
  help: string;
};

export type Offers = "agents" | "models" | "sessions";

/** Without a help text it is only for completion scripts. */
export type ArgumentSpec = {
  name: string;
  isRequired: boolean;
  isRest: boolean;
  offers?: Offers;
  help: string;
};

export type CommandSpec = {
  /** The words after `hearth`; empty for the bare command. */
  path: readonly string[];
  summary: string;
  arguments: readonly ArgumentSpec[];
  options: readonly OptionSpec[];
  /** One line each. */
  examples: readonly string[];
  /** Paragraphs between options and examples. */
  notes?: readonly string[];
};

export const required = (name: string, help: string): ArgumentSpec => ({
  name,
  isRequired: true,
  isRest: false,
  help,
});
export const optional = (name: string, help: string): ArgumentSpec => ({
  name,
  isRequired: false,
  isRest: false,
  help,
});
export const rest = (name: string, help: string): ArgumentSpec => ({
  name,
  isRequired: false,
  isRest: true,
  help,
});

/** How a command is called: "sessions show". */
export const nameOf = (command: CommandSpec): string => command.path.join(" ");

/** A parsed command line: the command, its options by name, and the remaining words. */
export type Parsed = {
  command: CommandSpec;
  options: Readonly<Record<string, string | true>>;
  positionals: readonly string[];
};
