import { spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { RunId } from "../../src/protocol/ids.ts";
import type { Place } from "./agent-world.ts";
import type { BackendPlan } from "./backend-plan.ts";
import { repository } from "./home.ts";

/** A daemon in a process of its own, to be killed in the middle of its work. */
export function startCrashable({ base }: Place, plan: BackendPlan) {
  const script = join(repository, "test/support/crash-agents.ts");
  const child = spawn(process.execPath, [script, base, JSON.stringify(plan)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  async function run(prompt: string, sees: string | null): Promise<RunId> {
    child.stdin.write(`${JSON.stringify({ prompt, sees })}\n`);
    const { value, done } = await lines.next();
    if (done) throw new Error(`the daemon ended before ${JSON.stringify(prompt)} did`);
    return value as RunId;
  }
  return {
    /** Resolves when the run has ended. */
    ask: (prompt: string) => run(prompt, null),
    /** Resolves when that text has been streamed, which was written before. */
    prompt: (prompt: string, sees: string) => run(prompt, sees),
    async kill(): Promise<void> {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      await exited;
    },
  };
}
