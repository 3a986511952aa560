/** Nobody is there to page, to type a password or to leave an editor. */
const unattended: Readonly<Record<string, string>> = {
  PAGER: "cat",
  GIT_PAGER: "cat",
  MANPAGER: "cat",
  SYSTEMD_PAGER: "cat",
  AWS_PAGER: "",
  GIT_TERMINAL_PROMPT: "0",
  // `true` takes the message as it is; commits without one fail at once instead of waiting.
  GIT_EDITOR: "true",
  GIT_SEQUENCE_EDITOR: "true",
  EDITOR: "true",
  VISUAL: "true",
  GH_PROMPT_DISABLED: "1",
  DEBIAN_FRONTEND: "noninteractive",
  PYTHONUNBUFFERED: "1",
  TERM: "dumb",
};

/** What a command runs with: the client's filtered environment and nothing of the daemon's. */
export const commandEnvironment = (env: Readonly<Record<string, string>>): Record<string, string> => ({
  ...env,
  ...unattended,
});
