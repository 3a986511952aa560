// node test/support/tap-acp.ts LOG COMMAND…   Stands between hearth and an agent and writes down, a line of JSON
// each, the agent's pid and the method of whatever is sent to it.
import { spawn } from "node:child_process";
import { appendFileSync } from "node:fs";
import { createInterface } from "node:readline";

const [log = "", command = "", ...args] = process.argv.slice(2);
const child = spawn(command, args, { stdio: ["pipe", "inherit", "inherit"] });
appendFileSync(log, `${JSON.stringify({ pid: child.pid })}\n`);
// Both are in one process group and get the same signals; the agent decides when it goes.
process.on("SIGTERM", () => {});
child.once("exit", (code, signal) => {
  if (signal === null) process.exit(code ?? 0);
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
});
child.stdin.on("error", () => {}); // told by its exit
createInterface({ input: process.stdin })
  .on("line", (line) => {
    const { method } = JSON.parse(line) as { method?: string };
    if (method !== undefined) appendFileSync(log, `${JSON.stringify({ method })}\n`);
    child.stdin.write(`${line}\n`);
  })
  .on("close", () => child.stdin.end());
