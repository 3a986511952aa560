/** The agent that runs what a person types behind a `!`; nobody's to choose. */
export const SHELL_AGENT = "shell";

/** What a draft would run in the shell; undefined for a prompt. A blank before the `!` sends it as it is. */
export const shellCommand = (text: string): string | undefined =>
  text.startsWith("!") ? text.slice(1).trim() : undefined;
