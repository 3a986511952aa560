import type { Diagnostic } from "vscode-languageserver-protocol";
import { startOf } from "../../../protocol/cut-text.ts";
import type { FileDiagnostics, LanguageServers } from "../../language-servers/servers.ts";
import { locate } from "../../workspace-path.ts";
import type { SeenFile, Tool, ToolContext, ToolResult } from "../tool.ts";

/** native-agent.md 25. */
const ERRORS_MAX = 20;
const MESSAGE_CHARS_MAX = 300;

/**
 * Adds the language servers' errors in the changed files to a file tool's result. Reading a file already starts its
 * server, so that it is ready for the first edit.
 */
export const diagnosed = <Input>(tool: Tool<Input>, servers: LanguageServers): Tool<Input> => ({
  ...tool,
  async prepare(input, context) {
    // A language server runs code of the project, and would do so outside the container.
    if (context.container !== undefined) return tool.prepare(input, context);
    const touched = new Map<string, string | undefined>();
    const note = (path: string, seen: SeenFile) => {
      touched.set(path, seen.text);
      context.files.note(path, seen);
    };
    const prepared = await tool.prepare(input, { ...context, files: { ...context.files, note } });
    if (!("run" in prepared)) return prepared;
    return {
      ...prepared,
      async run(how) {
        touched.clear();
        const result = await prepared.run(how);
        if (tool.readOnly) {
          for (const path of touched.keys()) servers.warm(context, path);
          return result;
        }
        return withErrors(result, touched, context, servers);
      },
    };
  },
});

async function withErrors(
  result: ToolResult,
  touched: ReadonlyMap<string, string | undefined>,
  context: ToolContext,
  servers: LanguageServers,
): Promise<ToolResult> {
  const files = [];
  for (const [path, text] of touched) {
    const { isInside, shown } = await locate(context.root, path);
    if (isInside && text !== undefined) files.push({ path, text, shown });
  }
  // The edit was made, even if the run was canceled meanwhile: return its result.
  const reports = await servers.diagnose(context, files, context.signal).catch(() => []);
  const shownOf = new Map(files.map(({ path, shown }) => [path, shown]));
  const text = errorsText(reports, (path) => shownOf.get(path) ?? path);
  return text === "" ? result : { ...result, text: `${result.text}\n\n${text}` };
}

/** Severity 1 is "error"; some servers give none. */
const isError = ({ severity }: Diagnostic): boolean => severity === undefined || severity === 1;

function errorsText(reports: readonly FileDiagnostics[], shown: (path: string) => string): string {
  const errors = reports.flatMap(({ path, server, items }) =>
    items.filter(isError).map((item) => ({ path, server, item })),
  );
  if (errors.length === 0) return "";
  const lines = errors.slice(0, ERRORS_MAX).map(({ path, item }) => {
    const { line, character } = item.range.start;
    const said = typeof item.message === "string" ? item.message : item.message.value;
    const message = startOf(said.replace(/\s+/g, " "), MESSAGE_CHARS_MAX);
    return `${shown(path)}:${line + 1}:${character + 1} ${message}`;
  });
  const names = [...new Set(errors.map(({ server }) => server))].join(", ");
  const more = errors.length > ERRORS_MAX ? `\n… and ${errors.length - ERRORS_MAX} more` : "";
  const count = errors.length === 1 ? "1 error" : `${errors.length} errors`;
  return `${names} reports ${count} in what was changed:\n${lines.join("\n")}${more}`;
}
