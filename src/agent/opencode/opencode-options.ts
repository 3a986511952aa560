import { z } from "zod";
import type { AgentCommand, AgentMode, AgentModel } from "../../protocol/agent.ts";
import type { OpencodeServer } from "./server.ts";

/** More are of no use in a picker. */
const MODELS_MAX = 500;

const Providers = z.object({
  providers: z.array(
    z.object({
      id: z.string(),
      name: z.string().catch(""),
      models: z.record(
        z.string(),
        z.object({
          name: z.string().optional(),
          limit: z.object({ context: z.number() }).optional().catch(undefined),
        }),
      ),
    }),
  ),
});
const Agents = z.array(
  z.object({ name: z.string(), mode: z.string(), hidden: z.boolean().optional().catch(undefined) }),
);
const Commands = z.array(z.object({ name: z.string(), description: z.string().catch("") }));
const OwnConfig = z.object({ model: z.string().optional().catch(undefined) });

export type OpencodeOptions = {
  model: string | null;
  models: AgentModel[];
  modes: AgentMode[];
  commands: AgentCommand[];
};

/** All models, as `provider/model`. */
export async function readModels(server: OpencodeServer, signal: AbortSignal): Promise<AgentModel[]> {
  const { json } = await server.call("GET", "/config/providers", undefined, signal);
  return (Providers.safeParse(json).data?.providers ?? []).flatMap((provider) =>
    Object.entries(provider.models).map(([id, { name, limit }]) => ({
      id: `${provider.id}/${id}`,
      name: `${name ?? id} (${provider.name || provider.id})`,
      context_window: limit === undefined || limit.context <= 0 ? null : Math.round(limit.context),
    })),
  );
}

/** opencode's agents that a person can talk to. */
export async function readModes(server: OpencodeServer, signal: AbortSignal): Promise<AgentMode[]> {
  const { json } = await server.call("GET", "/agent", undefined, signal);
  return (Agents.safeParse(json).data ?? [])
    .filter((agent) => agent.mode !== "subagent" && agent.hidden !== true)
    .map(({ name }) => ({ id: name, name }));
}

/** The options that this opencode offers in its directory. */
export async function readOptions(server: OpencodeServer, signal: AbortSignal): Promise<OpencodeOptions> {
  const get = async (path: string) => (await server.call("GET", path, undefined, signal)).json;
  const [models, modes, commands, config] = await Promise.all([
    readModels(server, signal),
    readModes(server, signal),
    get("/command"),
    get("/config"),
  ]);
  return {
    model: OwnConfig.safeParse(config).data?.model ?? null,
    models: models.slice(0, MODELS_MAX),
    modes,
    commands: Commands.safeParse(commands).data ?? [],
  };
}
