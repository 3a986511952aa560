// A process that runs a turn of a scripted agent over ACP until it is killed: node crash-agents.ts BASE COMMAND ENV
import { writeSync } from "node:fs";
import { createAcpBackend } from "../../src/agent/acp/backend.ts";
import { openAgentWorld, placeAt } from "./agent-world.ts";
import { scriptedLaunch } from "./scripted-world.ts";

const [base = "", command = "[]", env = "{}"] = process.argv.slice(2);
const launch = scriptedLaunch(
  JSON.parse(command) as [string, ...string[]],
  JSON.parse(env) as Record<string, string>,
);
const world = await openAgentWorld({
  place: placeAt(base),
  backends: ({ processes, warm, now }) => ({
    scripted: createAcpBackend({ processes, warm, now, launch, version: "0.1.0" }),
  }),
});
world.prompt("Before");
await world.until((event) => event.type === "run.completed", "the first turn");
const runId = world.prompt("Talk for ever");
await world.sawText("half a sen");
// What was streamed is on the disk within 250 ms.
setTimeout(() => void writeSync(1, `${runId}\n`), 400);
