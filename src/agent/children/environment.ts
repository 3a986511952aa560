import { createHash } from "node:crypto";

/**
 * What differs between two terminals of one person without making another agent: left out of the hash, so that
 * they share a child.
 */
const ofTheTerminal = new Set([
  ...[
    "TERM",
    "COLORTERM",
    "NO_COLOR",
    "FORCE_COLOR",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "SSH_AUTH_SOCK",
    "HOSTNAME",
  ],
  ...["EDITOR", "VISUAL", "PAGER", "XDG_RUNTIME_DIR", "CI"],
]);

/** Tells one way to run an agent from another: command, working directory, environment, and whatever else counts. */
export function fingerprintOf(parts: {
  command: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string>>;
  more?: readonly string[] | undefined;
}): string {
  const env = Object.entries(parts.env)
    .filter(([name]) => !ofTheTerminal.has(name) && !name.startsWith("HEARTH_"))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256")
    .update(JSON.stringify([parts.command, parts.cwd, env, parts.more ?? []]))
    .digest("base64url");
}

/** hearth's own variables are nobody else's; the supervisor adds its markers. */
export const withoutHearth = (env: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("HEARTH_")));

const isSecretName = (name: string): boolean => /KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL/i.test(name);
/** Shorter values occur by chance. */
const SECRET_CHARS_MIN = 8;

/** Takes the values of secret variables out of what a child says. */
export function redact(text: string, env: Readonly<Record<string, string>>): string {
  let clean = text;
  for (const [name, value] of Object.entries(env)) {
    if (isSecretName(name) && value.length >= SECRET_CHARS_MIN) clean = clean.replaceAll(value, "[secret]");
  }
  return clean;
}
