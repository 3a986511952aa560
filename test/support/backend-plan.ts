import { createAcpBackend } from "../../src/agent/acp/backend.ts";
import type { Backend } from "../../src/agent/backend.ts";
import { createFolderGate } from "../../src/agent/files/folder-gate.ts";
import { createNativeBackend } from "../../src/agent/native/backend.ts";
import { createOpencodeBackend } from "../../src/agent/opencode/backend.ts";
import type { ProcessSupervisor } from "../../src/agent/process/types.ts";
import type { Launch } from "../../src/agent/registry/resolve-agent.ts";
import { createTools } from "../../src/agent/tools/catalog.ts";
import { limitDefaults } from "../../src/protocol/config.ts";
import type { BackendMeans } from "./agent-world.ts";
import { localConfig } from "./home.ts";

/** How to make a backend, in words that can be handed to another process. */
export type BackendPlan =
  | { kind: "native"; agent: "hearth"; baseUrl: string }
  | {
      kind: "acp" | "opencode";
      agent: string;
      command: [string, ...string[]];
      env: Record<string, string>;
      /** The one of its own modes for each of hearth's; null where none is to be set. */
      modes: Launch["modes"];
    };

/** Of an agent that nothing is known of. */
export const noModes: Launch["modes"] = { ask: null, accept_edits: null, plan: null, yolo: null };

type Means = Pick<BackendMeans, "processes" | "warm" | "now">;

/** `onServe`: told the pid of each `opencode serve`. */
export function backendOf(
  plan: BackendPlan,
  means: Means,
  onServe: (pid: number) => void = () => {},
): Backend {
  const { processes, warm, now } = means;
  if (plan.kind === "native") return nativeBackend(means, plan.baseUrl);
  const { kind, command, modes } = plan;
  const launch = async (session: {
    agent: string;
    env: Readonly<Record<string, string>>;
  }): Promise<Launch> => ({
    ...{ agent: session.agent, backend: kind, command, env: { ...session.env, ...plan.env } },
    ...{ modes, model: null, login: null, mtimeMs: 0 },
  });
  if (kind === "acp") return createAcpBackend({ processes, warm, now, launch, version: "0.1.0" });
  const noted: ProcessSupervisor = {
    ...processes,
    async spawn(request) {
      const child = await processes.spawn(request);
      if (request.command.includes("serve")) onServe(child.pid);
      return child;
    },
  };
  return createOpencodeBackend({ processes: noted, warm, now, launch });
}

/** hearth's own agent. */
export function nativeBackend(
  { processes, now }: Pick<Means, "processes" | "now">,
  baseUrl: string,
): Backend {
  return createNativeBackend({
    settings: () => ({
      config: localConfig(baseUrl),
      providerEnv: { LOCAL_KEY: "dummy" },
      limits: limitDefaults,
    }),
    processes,
    folders: createFolderGate(),
    tools: createTools(),
    now,
  });
}
