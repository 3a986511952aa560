import { expect, onTestFinished } from "vitest";
import { createAcpBackend } from "../../src/agent/acp/backend.ts";
import type { WarmLimits } from "../../src/agent/children/warm-keeper.ts";
import type { Launch } from "../../src/agent/registry/resolve-agent.ts";
import type { SessionMcpServer } from "../../src/protocol/mcp.ts";
import type { PermissionMode } from "../../src/protocol/permission.ts";
import { createPlace, openAgentWorld } from "./agent-world.ts";
import { noModes } from "./backend-plan.ts";
import { processesOf } from "./processes.ts";
import { startScriptedAcp } from "./scripted-acp.ts";

type ScriptedWorldOptions = {
  startTimeoutMs?: number;
  openTimeoutMs?: number;
  stallNoticeMs?: number;
  launch?: Partial<Launch>;
  warm?: Partial<WarmLimits>;
  mode?: PermissionMode;
  mcpServers?: () => readonly SessionMcpServer[];
};

export const scriptedLaunch =
  (command: [string, ...string[]], own: Record<string, string>) =>
  ({ agent, env }: { agent: string; env: Readonly<Record<string, string>> }): Launch => ({
    ...{ agent, backend: "acp", command, env: { ...env, ...own, AGENT: agent } },
    ...{ modes: noModes, model: null, login: "scripted login", mtimeMs: 0 },
  });

/** A world with scripted agents over ACP, `scripted` and `other`, and a short patience with both. */
export async function openScriptedWorld(options: ScriptedWorldOptions = {}) {
  const place = createPlace();
  const acp = await startScriptedAcp(place.base);
  const { launch, warm, mode, mcpServers, ...limits } = options;
  const launchOf: typeof plainLaunch = (session) => ({ ...plainLaunch(session), ...launch });
  const plainLaunch = scriptedLaunch(acp.command, acp.env);
  let probe: ReturnType<typeof createAcpBackend>["probe"] | undefined;
  const world = await openAgentWorld({
    place,
    ...(warm ? { warm } : {}),
    ...(mode ? { mode } : {}),
    ...(mcpServers ? { mcpServers } : {}),
    backends({ processes, warm: keeper, now }) {
      const backend = createAcpBackend({
        ...{ processes, warm: keeper, now, version: "0.1.0" },
        launch: async (session) => launchOf(session),
        ...limits,
      });
      probe = backend.probe;
      return { scripted: backend, other: backend };
    },
  });
  onTestFinished(async () => {
    await world.close();
    await acp.close();
    const left = processesOf(place.base).map(({ pid, command }) => `${pid} ${command}`);
    place.remove();
    expect(left).toEqual([]);
    expect(world.reports).toEqual([]);
  });
  return {
    ...{ world, acp, place },
    /** As the daemon asks an agent in the background. */
    probe: (signal = new AbortController().signal) =>
      probe?.(launchOf({ agent: "scripted", env: place.env }), place.project, signal),
  };
}
export type ScriptedWorld = Awaited<ReturnType<typeof openScriptedWorld>>;
