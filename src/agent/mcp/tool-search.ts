import { z } from "zod";
import { defineTool, type Tool } from "../tools/tool.ts";

/** With more tools than this the model gets a search tool instead: their descriptions would fill the window. */
export const OFFERED_MAX = 40;
const FOUND_MAX = 8;

const wordsOf = (text: string): string[] => text.toLowerCase().match(/[a-z0-9]+/g) ?? [];

/** Tools that match most words, best first. A word in the name counts more than one in the description. */
export function findTools(tools: readonly Tool[], query: string): Tool[] {
  const words = wordsOf(query);
  const scored = tools.map((tool) => {
    const name = tool.name.toLowerCase();
    const description = tool.description.toLowerCase();
    const score = words.reduce(
      (sum, word) => sum + (name.includes(word) ? 3 : 0) + (description.includes(word) ? 1 : 0),
      name === query.trim().toLowerCase() ? 100 : 0,
    );
    return { tool, score };
  });
  return scored
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .slice(0, FOUND_MAX)
    .map(({ tool }) => tool);
}

/** Two tools in place of many: one to find tools, one to call them. */
export function createToolSearch(tools: () => readonly Tool[], servers: readonly string[]): readonly Tool[] {
  const search = defineTool({
    name: "mcp_search",
    kind: "search",
    description: `Finds tools of the connected MCP servers (${servers.join(", ").slice(0, 300)}) by words, and says how each is called. Call what was found with mcp_call.`,
    input: z.object({ query: z.string().describe("Words of what the tool should do, or its name") }),
    title: ({ query }) => query ?? "",
    readOnly: true,
    async prepare({ query }) {
      const found = findTools(tools(), query);
      const text = found.map(
        ({ name, description, schema }) =>
          `${name}: ${description}\narguments: ${JSON.stringify(schema ?? {})}`,
      );
      return { text: text.length === 0 ? "No tool fits these words." : text.join("\n\n") };
    },
  });
  const call = defineTool({
    name: "mcp_call",
    kind: "other",
    description: "Calls a tool of an MCP server that mcp_search has found.",
    input: z.object({
      tool: z.string().describe("Its name, as mcp_search says it"),
      arguments: z.record(z.string(), z.unknown()).default({}),
    }),
    title: ({ tool }) => tool ?? "",
    readOnly: false,
    async prepare({ tool, arguments: given }, context) {
      const named = tools().find(({ name }) => name === tool);
      if (named !== undefined) return named.prepare(given, context);
      return { text: `There is no tool ${JSON.stringify(tool)}; mcp_search finds them.`, isError: true };
    },
  });
  return [search, call] as readonly Tool[]; // each prepares only what its own schema has read
}
