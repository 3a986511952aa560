import { expect, onTestFinished, test } from "vitest";
import { createPlace, openAgentWorld } from "../support/agent-world.ts";
import { type BackendPlan, backendOf, noModes } from "../support/backend-plan.ts";
import { startCrashable } from "../support/crashable-daemon.ts";
import { eventually } from "../support/happenings.ts";
import { isAlive, processesOf, readProcess } from "../support/processes.ts";
import { startScriptedAcp } from "../support/scripted-acp.ts";

test("a kill -9 of the daemon in the middle of a turn leaves no agent alive, and its conversation to be taken up", async () => {
  const place = createPlace();
  const acp = await startScriptedAcp(place.base);
  onTestFinished(async () => {
    await acp.close();
    const left = processesOf(place.base);
    place.remove();
    expect(left).toEqual([]);
  });
  acp.nextTurn(
    { deeds: [{ do: "say", texts: ["Before."] }] },
    {
      deeds: [
        { do: "own_shell", command: "tail -f /dev/null", detached: true },
        { do: "say", texts: ["half a sen"] },
        { do: "hang" },
      ],
    },
  );
  const plan: BackendPlan = {
    ...{ kind: "acp", agent: "scripted", command: acp.command, env: acp.env, modes: noModes },
  };
  const daemon = startCrashable(place, plan);
  onTestFinished(daemon.kill);
  await daemon.ask("Before");
  const runId = await daemon.prompt("Talk for ever", "half a sen");
  const shell = acp.heard.all.find(({ said }) => said === "shell");
  const pids = [...acp.pids(), shell?.said === "shell" ? shell.shellPid : 0];
  const seen = pids.map((pid) => readProcess(pid));
  expect(seen.every((found) => found !== undefined && isAlive(found))).toBe(true);
  await daemon.kill();
  await eventually(
    () => seen.every((found) => found !== undefined && !isAlive(found)),
    "its children to be gone",
    5000,
  );

  const world = await openAgentWorld({
    place,
    backends: (means) => ({ scripted: backendOf(plan, means) }),
  });
  onTestFinished(() => world.close());
  const run = world.store.runs.get(runId);
  expect(run).toMatchObject({ state: "completed", outcome: "interrupted" });
  expect(JSON.stringify(world.messagesOf(runId))).toContain("half a sen");
  acp.nextTurn({ deeds: [{ do: "say", texts: ["After."] }] });
  expect(await world.ask("Go on")).toMatchObject({ outcome: "end_turn", text: "After." });
  expect(acp.count("session/new")).toBe(1);
  expect(acp.count("session/load")).toBe(1);
  expect(world.reports).toEqual([]);
});
