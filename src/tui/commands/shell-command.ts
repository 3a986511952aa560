export { SHELL_AGENT } from "../../protocol/shell-agent.ts";

/** The shell command in a draft like `! ls`; undefined for a prompt. A space before the `!` makes it a prompt. */
export const shellCommand = (text: string): string | undefined =>
  text.startsWith("!") ? text.slice(1).trim() : undefined;
