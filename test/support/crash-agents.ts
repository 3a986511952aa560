// A daemon that runs one agent until it is killed: node crash-agents.ts BASE PLAN
// Each line of its input is a prompt and what to wait for, each line of its output the id of the run.
import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import { openAgentWorld, placeAt } from "./agent-world.ts";
import { type BackendPlan, backendOf } from "./backend-plan.ts";

const [base = "", given = ""] = process.argv.slice(2);
const plan = JSON.parse(given) as BackendPlan;
const world = await openAgentWorld({
  place: placeAt(base),
  backends: (means) => ({ [plan.agent]: backendOf(plan, means) }),
});
for await (const line of createInterface({ input: process.stdin })) {
  const { prompt, sees } = JSON.parse(line) as { prompt: string; sees: string | null };
  const runId = world.prompt(prompt);
  const ended = world.ended(runId).then(({ outcome, error }) => {
    if (sees !== null || outcome !== "end_turn")
      throw new Error(`${prompt} ended: ${error?.message ?? outcome}`);
  });
  if (sees === null) await ended;
  else await Promise.race([world.sawText(sees), ended]);
  writeSync(1, `${runId}\n`);
}
