import { createHash } from "node:crypto";

/**
 * Variables that differ between terminals but do not matter to an agent. They are left out of the hash, so that
 * terminals share a child.
 */
const terminalVariables = new Set([
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

/** A hash of everything that makes a child different: command, working directory, environment, and `more`. */
export function fingerprintOf(parts: {
  command: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string>>;
  more?: readonly string[] | undefined;
}): string {
  const env = Object.entries(parts.env)
    .filter(([name]) => !terminalVariables.has(name) && !name.startsWith("HEARTH_"))
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256")
    .update(JSON.stringify([parts.command, parts.cwd, env, parts.more ?? []]))
    .digest("base64url");
}

/** Removes hearth's own variables. The supervisor adds its markers later. */
export const withoutHearth = (env: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith("HEARTH_")));

const isSecretName = (name: string): boolean => /KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL/i.test(name);
/** Shorter values occur in text by chance. */
const SECRET_CHARS_MIN = 8;

/** Replaces the values of secret variables in a child's output. */
export function redact(text: string, env: Readonly<Record<string, string>>): string {
  let clean = text;
  for (const [name, value] of Object.entries(env)) {
    if (isSecretName(name) && value.length >= SECRET_CHARS_MIN) clean = clean.replaceAll(value, "[secret]");
  }
  return clean;
}
