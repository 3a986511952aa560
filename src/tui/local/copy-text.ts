import { spawn } from "node:child_process";

type Env = Readonly<Record<string, string | undefined>>;

/** Commands that put their input into this machine's clipboard. */
function programsFor(env: Env, platform: string): readonly (readonly [string, ...string[]])[] {
  // Over ssh the person's clipboard is on another machine.
  if (env["SSH_CONNECTION"] || env["SSH_TTY"]) return [];
  if (platform === "darwin") return [["pbcopy"]];
  if (env["WSL_DISTRO_NAME"]) return [["clip.exe"]];
  return [
    ...(env["WAYLAND_DISPLAY"] ? [["wl-copy"] as const] : []),
    ...(env["DISPLAY"] ? [["xclip", "-selection", "clipboard"] as const, ["xsel", "-ib"] as const] : []),
  ];
}

/** Puts text into this machine's clipboard; false if no command could. */
export async function copyText(text: string, env: Env, platform: string): Promise<boolean> {
  for (const [program, ...args] of programsFor(env, platform)) {
    const child = spawn(program, args, { stdio: ["pipe", "ignore", "ignore"] });
    const ended = Promise.withResolvers<number | null>();
    child.once("error", () => ended.resolve(null)); // not installed
    child.once("exit", ended.resolve);
    child.stdin.on("error", () => {}); // it has ended already: its exit code decides
    child.stdin.end(text);
    if ((await ended.promise) === 0) return true;
  }
  return false;
}
