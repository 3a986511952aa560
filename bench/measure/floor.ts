import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

export type Floor = { socket: string; pid: number; close(): Promise<void> };

/** Starts floor-server.ts in its own process. */
export async function startFloor(folder: string): Promise<Floor> {
  const socket = join(folder, "floor.sock");
  const script = join(import.meta.dirname, "floor-server.ts");
  const child: ChildProcess = spawn(process.execPath, [script, socket, join(folder, "floor.db")], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (child.stdout === null) throw new Error("the floor has no stdout");
  await once(child.stdout, "data");
  return {
    socket,
    pid: child.pid ?? 0,
    async close() {
      child.kill("SIGTERM");
      await once(child, "exit");
    },
  };
}
