import { z } from "zod";
import type { Tool } from "../tools/tool.ts";
import type { McpConnection } from "./connection.ts";
import { toolName } from "./names.ts";
import type { McpTool } from "./offers.ts";
import { resultOfCall } from "./result.ts";
import { simplifySchema } from "./schema.ts";

/** The server checks its arguments itself. */
const Arguments = z.record(z.string(), z.unknown());
const DESCRIPTION_CHARS_MAX = 2_000;
const TITLE_CHARS_MAX = 120;

const cut = (text: string, charsMax: number): string =>
  text.length <= charsMax ? text : `${text.slice(0, charsMax - 1).toWellFormed()}…`;

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** A server's tool as a tool of hearth's agent. */
export function createMcpTool(connection: McpConnection, tool: McpTool): Tool<Record<string, unknown>> {
  const server = connection.spec.name;
  const name = toolName(server, tool.name);
  return {
    name,
    kind: tool.isReadOnly ? "read" : "other",
    description: cut(
      tool.description.trim() || `The tool ${tool.name} of the MCP server ${server}.`,
      DESCRIPTION_CHARS_MAX,
    ),
    input: Arguments,
    schema: simplifySchema(tool.schema),
    title: (input) => cut(`${server}: ${tool.title ?? tool.name} ${JSON.stringify(input)}`, TITLE_CHARS_MAX),
    readOnly: tool.isReadOnly,
    async prepare(input, { signal, onOutput }) {
      const text = `${server}: ${tool.name} ${JSON.stringify(input, null, 1)}`;
      return {
        permission: { tool: name, subject: { type: "other", text } },
        async run() {
          try {
            const params = { name: tool.name, arguments: input };
            return resultOfCall(
              await connection.request("tools/call", params, { signal, onProgress: onOutput }),
            );
          } catch (error) {
            if (signal.aborted) throw error;
            return { text: cut(messageOf(error), DESCRIPTION_CHARS_MAX), isError: true };
          }
        },
      };
    },
  };
}
