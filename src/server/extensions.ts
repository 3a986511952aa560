import type { SessionContext } from "../agent/backend.ts";
import { type Custom, createCustomLoader, noCustom } from "../agent/custom/custom.ts";
import { promptExtras, skillsBlock } from "../agent/custom/session-extras.ts";
import type { FolderGate } from "../agent/files/folder-gate.ts";
import { toolName } from "../agent/mcp/names.ts";
import type { SessionExtension } from "../agent/native/backend.ts";
import type { AgentCommand } from "../protocol/agent.ts";
import { HearthError } from "../protocol/errors.ts";
import type { WorkspaceId } from "../protocol/ids.ts";
import type { Mcp } from "./mcp.ts";
import type { WorkspaceSettings } from "./workspace-settings.ts";

type ExtensionsDeps = {
  settings: WorkspaceSettings;
  mcp: Mcp;
  folders: FolderGate;
  /** The user's own commands, skills and agents are below it. */
  configDir: string;
  home: string;
  rootOf(wid: WorkspaceId): string;
};

export type Extensions = ReturnType<typeof createExtensions>;

/** What a person and a project add to hearth's own agent: MCP servers, commands, skills. */
export function createExtensions({ settings, mcp, folders, configDir, home, rootOf }: ExtensionsDeps) {
  const load = createCustomLoader(configDir, home);

  /** A folder that does not answer has none; the prompt itself reports that. */
  async function customOf(root: string, signal?: AbortSignal): Promise<Custom> {
    try {
      return await folders.enter(root, () => load(root), signal);
    } catch (error) {
      if (error instanceof HearthError) return noCustom;
      throw error;
    }
  }

  return {
    ofSession(session: SessionContext): SessionExtension {
      const source = mcp.sourceOf(settings.workspaceOf(session.session_id));
      return {
        async begin({ prompt }, signal) {
          const [custom, troubles] = await Promise.all([
            customOf(session.root, signal),
            source.begin(signal),
          ]);
          const { note, problems } = await promptExtras(prompt, custom, source.connections(), signal);
          const skills = skillsBlock(custom);
          return {
            opening: skills === undefined ? [] : [skills],
            note,
            problems: [...troubles, ...custom.problems, ...problems],
          };
        },
        tools: source.tools,
      };
    },
    /** What a person can send by a slash, besides hearth's own commands. */
    async commands(wid: WorkspaceId): Promise<AgentCommand[]> {
      const custom = await customOf(rootOf(wid));
      const prompts = mcp.connections(wid).flatMap(({ spec, state }) => {
        const now = state();
        return now.phase !== "ready"
          ? []
          : now.offers.prompts.map(({ name, description }) => ({
              name: toolName(spec.name, name),
              description,
            }));
      });
      const commands = custom.commands.map(({ name, description, argumentHint }) => ({
        name,
        description: argumentHint === undefined ? description : `${argumentHint} · ${description}`,
      }));
      const skills = custom.skills.map(({ name, description }) => ({ name, description }));
      const names = new Set<string>();
      return [...commands, ...skills, ...prompts].filter(({ name }) => !names.has(name) && names.add(name));
    },
    /** Definitions of sub-agents. */
    agents: async (root: string) => (await customOf(root)).agents,
  };
}
