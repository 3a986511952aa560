/** The agent that runs `!` commands; a session cannot choose it. */
export const SHELL_AGENT = "shell";
