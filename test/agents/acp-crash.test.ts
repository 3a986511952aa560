import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { createAcpBackend } from "../../src/agent/acp/backend.ts";
import type { RunId } from "../../src/protocol/ids.ts";
import { createPlace, openAgentWorld } from "../support/agent-world.ts";
import { eventually } from "../support/happenings.ts";
import { repository } from "../support/home.ts";
import { isAlive, processesOf, readProcess } from "../support/processes.ts";
import { startScriptedAcp } from "../support/scripted-acp.ts";
import { scriptedLaunch } from "../support/scripted-world.ts";

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
  const script = join(repository, "test/support/crash-agents.ts");
  const daemon = spawn(
    process.execPath,
    [script, place.base, JSON.stringify(acp.command), JSON.stringify(acp.env)],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const [line] = (await once(createInterface({ input: daemon.stdout }), "line")) as [string];
  const shell = acp.heard.all.find(({ said }) => said === "shell");
  const pids = [...acp.pids(), shell?.said === "shell" ? shell.shellPid : 0];
  const seen = pids.map((pid) => readProcess(pid));
  expect(seen.every((found) => found !== undefined && isAlive(found))).toBe(true);
  daemon.kill("SIGKILL");
  await eventually(
    () => seen.every((found) => found !== undefined && !isAlive(found)),
    "its children to be gone",
    5000,
  );

  const launch = scriptedLaunch(acp.command, acp.env);
  const world = await openAgentWorld({
    place,
    backends: ({ processes, warm, now }) => ({
      scripted: createAcpBackend({ processes, warm, now, launch, version: "0.1.0" }),
    }),
  });
  onTestFinished(() => world.close());
  const run = world.store.runs.get(line as RunId);
  expect(run).toMatchObject({ state: "completed", outcome: "interrupted" });
  expect(JSON.stringify(world.messagesOf(line as RunId))).toContain("half a sen");
  acp.nextTurn({ deeds: [{ do: "say", texts: ["After."] }] });
  expect(await world.ask("Go on")).toMatchObject({ outcome: "end_turn", text: "After." });
  expect(acp.count("session/new")).toBe(1);
  expect(acp.count("session/load")).toBe(1);
  expect(world.reports).toEqual([]);
});
