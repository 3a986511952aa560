// node test/support/tap-acp.ts LOG COMMAND…   Stands between hearth and an agent and writes down, a line of JSON
// each, the agent's pid, the method of whatever is sent to it, and of whatever it asks for.
import { spawn } from "node:child_process";
import { appendFileSync } from "node:fs";
import { createInterface } from "node:readline";

const DRAIN_MS = 200;
const [log = "", command = "", ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
const note = (line: object) => appendFileSync(log, `${JSON.stringify(line)}\n`);
note({ pid: child.pid });
// Both are in one process group and get the same signals; the agent decides when it goes.
process.on("SIGTERM", () => {});
child.once("exit", (code, signal) => {
  const end = () => {
    if (signal === null) process.exit(code ?? 0);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  };
  // Whoever is killed says no more, whatever its children still put into its pipe.
  if (signal !== null) return end();
  child.once("close", end);
  setTimeout(end, DRAIN_MS);
});
child.stdin.on("error", () => {}); // told by its exit
createInterface({ input: child.stdout }).on("line", (line) => {
  process.stdout.write(`${line}\n`);
  if (!line.includes('"id"') || !line.includes('"method"')) return;
  const { id, method } = JSON.parse(line) as { id?: unknown; method?: string };
  if (id !== undefined && method !== undefined) note({ asks: method });
});
createInterface({ input: process.stdin })
  .on("line", (line) => {
    const { method } = JSON.parse(line) as { method?: string };
    if (method !== undefined) note({ method });
    child.stdin.write(`${line}\n`);
  })
  .on("close", () => child.stdin.end());
