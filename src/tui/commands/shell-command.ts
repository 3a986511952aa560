export { SHELL_AGENT } from "../../protocol/shell-agent.ts";

/** What a draft would run in the shell; undefined for a prompt. A blank before the `!` sends it as it is. */
export const shellCommand = (text: string): string | undefined =>
  text.startsWith("!") ? text.slice(1).trim() : undefined;
