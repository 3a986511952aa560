import { inOneLine, textInside } from "../hearth-note.ts";
import type { McpConnection } from "../mcp/connection.ts";
import { toolName } from "../mcp/names.ts";
import { promptText, resourceText } from "../mcp/prompts.ts";
import type { Custom } from "./custom.ts";
import { expandCommand, slashCommand } from "./expand-command.ts";

const SKILLS_CHARS_MAX = 12_000;
/** Resources that one prompt may name. */
const RESOURCES_MAX = 8;

/** The skills, for the beginning of a conversation; undefined where there are none. */
export function skillsBlock({ skills }: Custom): string | undefined {
  const lines = skills
    .filter(({ isOffered }) => isOffered)
    .map(
      ({ name, description, path }) => `- ${inOneLine(name)}: ${inOneLine(description)} (${inOneLine(path)})`,
    );
  if (lines.length === 0) return undefined;
  let length = 0;
  const shown = lines.filter((line) => {
    length += line.length;
    return length <= SKILLS_CHARS_MAX;
  });
  const more = lines.length > shown.length ? [`- … and ${lines.length - shown.length} more`] : [];
  const text = textInside("skills", [...shown, ...more].join("\n"));
  return `<skills note="instructions for certain tasks: before you do such a task, read the skill's file and follow it">\n${text}\n</skills>`;
}

export type PromptExtras = {
  /** hearth's note after the prompt: what its command or its resources say. */
  note?: string;
  problems: string[];
};

/** What a prompt means besides its words: a command of a file, a skill, a prompt or resources of MCP servers. */
export async function promptExtras(
  prompt: string,
  custom: Custom,
  servers: readonly McpConnection[],
  signal: AbortSignal,
): Promise<PromptExtras> {
  const notes: string[] = [];
  const problems: string[] = [];
  const asked = slashCommand(prompt);
  const command = custom.commands.find(({ name }) => name === asked?.name);
  const skill = custom.skills.find(({ name }) => name === asked?.name);
  if (asked !== undefined && command !== undefined) {
    const text = textInside("command", expandCommand(command.body, asked.rest));
    notes.push(
      `The prompt before this note is a command of the user's. It stands for what ${inOneLine(command.path)} says; carry that out:\n<command>\n${text}\n</command>`,
    );
  } else if (asked !== undefined && skill !== undefined) {
    const text = textInside("skill", skill.body);
    notes.push(
      `The user asks you to use the skill ${inOneLine(skill.name)} (${inOneLine(skill.path)}; files that it names are beside it):\n<skill>\n${text}\n</skill>`,
    );
  } else if (asked !== undefined) {
    for (const server of servers) {
      const state = server.state();
      const found =
        state.phase === "ready"
          ? state.offers.prompts.find(({ name }) => toolName(server.spec.name, name) === asked.name)
          : undefined;
      if (found === undefined) continue;
      try {
        const text = textInside("prompt", await promptText(server, found, asked.rest, signal));
        notes.push(
          `The prompt before this note asks for a prompt of the MCP server ${inOneLine(server.spec.name)}. It stands for this:\n<prompt>\n${text}\n</prompt>`,
        );
      } catch (error) {
        if (signal.aborted) throw error;
        problems.push(
          `/${asked.name} could not be read: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
    }
  }
  for (const { server, uri } of resourcesIn(prompt, servers)) {
    try {
      const text = textInside("resource", await resourceText(server, uri, signal));
      notes.push(
        `The resource ${inOneLine(uri)} of the MCP server ${inOneLine(server.spec.name)}, which the prompt names:\n<resource>\n${text}\n</resource>`,
      );
    } catch (error) {
      if (signal.aborted) throw error;
      problems.push(
        `@${server.spec.name}:${uri} could not be read: ${error instanceof Error ? error.message : String(error)}`,
      );
    }
  }
  return { ...(notes.length > 0 && { note: notes.join("\n\n") }), problems };
}

/** Resources that a prompt names as `@server:uri`. */
function resourcesIn(prompt: string, servers: readonly McpConnection[]) {
  const named = [...prompt.matchAll(/(?:^|\s)@([\w.-]+):(\S+)/g)].flatMap((match) => {
    const server = servers.find(({ spec }) => spec.name === match[1]);
    return server === undefined ? [] : [{ server, uri: match[2] ?? "" }];
  });
  return named.slice(0, RESOURCES_MAX);
}
