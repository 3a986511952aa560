/** The agent that runs what a person types behind a `!`; nobody's to choose. */
export const SHELL_AGENT = "shell";
