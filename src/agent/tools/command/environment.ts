/** Commands run unattended: no pager, no password prompt, no editor. */
const unattended: Readonly<Record<string, string>> = {
  PAGER: "cat",
  GIT_PAGER: "cat",
  MANPAGER: "cat",
  SYSTEMD_PAGER: "cat",
  AWS_PAGER: "",
  GIT_TERMINAL_PROMPT: "0",
  // `true` keeps the message unchanged; commits without one fail at once instead of waiting.
  GIT_EDITOR: "true",
  GIT_SEQUENCE_EDITOR: "true",
  EDITOR: "true",
  VISUAL: "true",
  GH_PROMPT_DISABLED: "1",
  DEBIAN_FRONTEND: "noninteractive",
  PYTHONUNBUFFERED: "1",
  TERM: "dumb",
};

/** What a command gets wherever it runs. */
export const unattendedVariables: readonly string[] = Object.keys(unattended);

/** A command's environment: the client's filtered variables, none of the daemon's. */
export const commandEnvironment = (env: Readonly<Record<string, string>>): Record<string, string> => ({
  ...env,
  ...unattended,
});
