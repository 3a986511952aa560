import { onTestFinished } from "vitest";
import { openPty, type Pty, type PtyOptions } from "./pty.ts";
import type { World } from "./world.ts";

/** The built hearth in a pseudo-terminal, gone when the test ends. */
export function openTestPty({ home }: World, options: PtyOptions = {}): Pty {
  const pty = openPty(home, options);
  onTestFinished(async () => {
    if (!pty.hasExited) pty.kill("SIGKILL");
    await pty.exited;
    pty.emulator.dispose();
  });
  return pty;
}

/** Its status line names the model of the tests' configuration. */
export const isConnected = (text: string) => text.includes("local/big");

export async function connectTestPty(world: World, options: PtyOptions = {}): Promise<Pty> {
  const pty = openTestPty(world, options);
  await pty.until(isConnected, "a terminal that is connected");
  return pty;
}
