import { join } from "node:path";
import type { SessionContext } from "../agent/backend.ts";
import { type AgentDefinition, type Custom, createCustomLoader, noCustom } from "../agent/custom/custom.ts";
import { promptExtras, skillsBlock } from "../agent/custom/session-extras.ts";
import { agentsBlock, definitionText, onlyLooks } from "../agent/custom/subagents.ts";
import type { FolderGate } from "../agent/files/folder-gate.ts";
import { readBeginning } from "../agent/files/read-beginning.ts";
import { textInside } from "../agent/hearth-note.ts";
import { createHooks } from "../agent/hooks/hooks.ts";
import { toolName } from "../agent/mcp/names.ts";
import type { SessionExtension } from "../agent/native/backend.ts";
import type { ProcessSupervisor } from "../agent/process/types.ts";
import { type Sandbox, sandboxUse } from "../agent/sandbox/sandbox.ts";
import type { AgentCommand } from "../protocol/agent.ts";
import type { HooksConfig } from "../protocol/config.ts";
import { containerLabel } from "../protocol/container.ts";
import { HearthError } from "../protocol/errors.ts";
import type { WorkspaceId } from "../protocol/ids.ts";
import type { Mcp } from "./mcp.ts";
import { hooksIn } from "./trust/offers.ts";
import type { WorkspaceSettings } from "./workspace-settings.ts";

type ExtensionsDeps = {
  settings: WorkspaceSettings;
  mcp: Mcp;
  folders: FolderGate;
  /** The user's own commands, skills and agents are below it. */
  configDir: string;
  home: string;
  rootOf(wid: WorkspaceId): string;
  processes: ProcessSupervisor;
  sandbox: Pick<Sandbox, "known">;
};

const containerText = (image: string): string =>
  `${containerLabel(image)}: commands run in it and see of this machine only the project, at the same path, with git's own folder to read only; your other tools work outside of it`;
const sandboxed = (asksHosts: boolean): string =>
  `on: commands write only to the project and a temp folder, ${asksHosts ? "ask the user about each host they connect to" : "have no network"}, and do not see keys; the bash tool's unsandboxed asks for more`;

const SETTINGS_BYTES_MAX = 1024 * 1024;

/** The hooks of the user's own Claude Code settings; none where there is no such file, or a broken one. */
async function claudeHooks(home: string): Promise<HooksConfig | undefined> {
  try {
    const found = await readBeginning(join(home, ".claude", "settings.json"), SETTINGS_BYTES_MAX);
    const settings: unknown = JSON.parse(found?.bytes.toString("utf8") ?? "");
    const hooks =
      typeof settings === "object" && settings !== null && "hooks" in settings ? settings.hooks : undefined;
    return hooksIn(hooks);
  } catch {
    return undefined;
  }
}

export type Extensions = ReturnType<typeof createExtensions>;

/** What a person and a project add to hearth's own agent: MCP servers, commands, skills. */
export function createExtensions(deps: ExtensionsDeps) {
  const { settings, mcp, folders, configDir, home, rootOf, processes, sandbox } = deps;
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

  /** Sub-agents that may be used: the user's, and of a project's those that only look or are trusted as they are. */
  function agentsOf(wid: WorkspaceId, custom: Custom): AgentDefinition[] {
    const trusted = new Set(
      settings.trust.trusted(wid).map(({ what, text }) => what.kind === "subagent" && text),
    );
    const usable = custom.agents.filter(
      (agent) => agent.scope === "user" || onlyLooks(agent) || trusted.has(definitionText(agent)),
    );
    const names = new Set<string>();
    return usable.filter(({ name }) => !names.has(name) && names.add(name));
  }

  /** The user's hooks, then those of a project that is trusted. */
  async function rulesOf(wid: WorkspaceId): Promise<HooksConfig[]> {
    const project = settings.trust
      .trusted(wid)
      .flatMap(({ what }) => (what.kind === "hooks" ? [what.hooks] : []));
    const own = [settings.orDefaults(null).config.hooks, await claudeHooks(home)];
    return [...own.filter((hooks) => hooks !== undefined), ...project];
  }

  /** As it is known: trying it takes time that the first prompt does not wait for. */
  function sandboxText(wid: WorkspaceId): string | undefined {
    const state = sandbox.known();
    if (state === undefined) return undefined;
    const use = sandboxUse(settings.of(wid).config.permissions?.sandbox, state);
    if (use === "missing") return "required, and none works here: no command runs";
    return use === "off" || !state.isWorking ? "none: commands run unsandboxed" : sandboxed(state.asksHosts);
  }

  return {
    ofSession(session: SessionContext): SessionExtension {
      const wid = settings.workspaceOf(session.session_id);
      const source = mcp.sourceOf(wid, session.session_id);
      let rules: HooksConfig[] = [];
      let isStarted = false;
      const hooks = createHooks({
        sessionId: session.session_id,
        root: session.root,
        processes,
        rules: () => rules,
      });
      return {
        async begin(turn, isNew, signal) {
          const { prompt } = turn;
          rules = await rulesOf(wid);
          const start = isStarted ? {} : await hooks.sessionStart(isNew ? "startup" : "resume", turn, signal);
          isStarted = true;
          const judged = await hooks.prompt(prompt, turn, signal);
          const [custom, troubles] = await Promise.all([
            customOf(session.root, signal),
            source.begin(signal),
          ]);
          const { note, problems } = await promptExtras(prompt, custom, source.connections(), signal);
          const blocks = [
            skillsBlock(custom),
            session.subagent === undefined ? agentsBlock(agentsOf(wid, custom)) : undefined,
          ];
          const context = [start.context, judged.context].filter((text) => text !== undefined).join("\n");
          const said =
            context === ""
              ? undefined
              : `A hook of the user says:\n<hook>\n${textInside("hook", context)}\n</hook>`;
          const notes = [note, said].filter((text) => text !== undefined);
          const told = [start.message, judged.message].filter((text) => text !== undefined);
          return {
            sandbox:
              session.container === undefined ? sandboxText(wid) : containerText(session.container.image),
            opening: blocks.filter((block) => block !== undefined),
            note: notes.length === 0 ? undefined : notes.join("\n\n"),
            problems: [...troubles, ...custom.problems, ...problems, ...told],
            ...(judged.blocks !== undefined && {
              blocked: `A UserPromptSubmit hook does not let this prompt through: ${judged.blocks}`,
            }),
          };
        },
        tools: source.tools,
        hooks: (turn) => ({
          before: (tool, input, signal) => hooks.beforeTool(tool, input, turn, signal),
          after: (tool, input, response, signal) => hooks.afterTool(tool, input, response, turn, signal),
          stop: (isGoingOn, signal) => hooks.stop(isGoingOn, turn, signal),
        }),
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
    /** Definitions of sub-agents that may be used. */
    agents: async (wid: WorkspaceId) => agentsOf(wid, await customOf(rootOf(wid))),
  };
}
