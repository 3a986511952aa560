import { spawn } from "node:child_process";

type Env = Readonly<Record<string, string | undefined>>;

/** Programs that take a text for the clipboard of this machine, where it has a screen. */
function programsFor(env: Env, platform: string): readonly (readonly [string, ...string[]])[] {
  // Over ssh the clipboard that a person means is not on this machine.
  if (env["SSH_CONNECTION"] || env["SSH_TTY"]) return [];
  if (platform === "darwin") return [["pbcopy"]];
  if (env["WSL_DISTRO_NAME"]) return [["clip.exe"]];
  return [
    ...(env["WAYLAND_DISPLAY"] ? [["wl-copy"] as const] : []),
    ...(env["DISPLAY"] ? [["xclip", "-selection", "clipboard"] as const, ["xsel", "-ib"] as const] : []),
  ];
}

/** Hands a text to the clipboard of this machine; false when nobody took it. */
export async function copyText(text: string, env: Env, platform: string): Promise<boolean> {
  for (const [program, ...args] of programsFor(env, platform)) {
    const child = spawn(program, args, { stdio: ["pipe", "ignore", "ignore"] });
    const ended = Promise.withResolvers<number | null>();
    child.once("error", () => ended.resolve(null)); // it is not installed
    child.once("exit", ended.resolve);
    child.stdin.on("error", () => {}); // it has ended: the code says so
    child.stdin.end(text);
    if ((await ended.promise) === 0) return true;
  }
  return false;
}
