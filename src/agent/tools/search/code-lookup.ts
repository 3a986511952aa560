import { readFile } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { DocumentSymbol, Location, SymbolInformation } from "vscode-languageserver-protocol";
import { z } from "zod";
import type { LanguageServer } from "../../language-servers/server.ts";
import type { LanguageServers } from "../../language-servers/servers.ts";
import { locate, type WorkspacePath } from "../../workspace-path.ts";
import { argumentNormalizer, pathNames } from "../arguments.ts";
import { ToolFailure } from "../failure.ts";
import { readTextFile } from "../files/text-file.ts";
import { defineTool, type ToolContext } from "../tool.ts";

const ROWS_MAX = 100;
const LINE_CHARS_MAX = 200;
/** A server that was just started reads the whole project first. */
const ANSWER_MS_MAX = 30_000;

const input = z.object({
  action: z.enum(["definition", "references", "symbols"]),
  path: z.string().min(1).describe("File in which the symbol is used; for symbols, the file to list"),
  line: z.int().min(1).optional().describe("Line of the symbol, for definition and references"),
  symbol: z.string().min(1).optional().describe("Its name, as it stands in that line"),
});

/** Definitions, references and symbols by the language server of the file. */
export const createLookupTool = (servers: LanguageServers) =>
  defineTool({
    name: "lsp",
    kind: "search",
    readOnly: true,
    description:
      "Asks the language server of a file: action definition or references with path, line and symbol finds where the symbol in that line is defined or used, also where grep would find other things of that name; action symbols lists what a file defines. Answers with path:line and the line's text, or says that no language server is there: then use grep.",
    input,
    normalize: argumentNormalizer({
      names: { path: pathNames, action: ["operation"], symbol: ["name", "query"] },
      bounds: { line: [1, Number.MAX_SAFE_INTEGER] },
    }),
    title: ({ action, path, symbol }) =>
      [action, symbol, path].filter((word) => word !== undefined).join(" "),
    async prepare({ action, path, line, symbol }, context) {
      const place = await locate(context.root, path);
      if (action !== "symbols" && (line === undefined || symbol === undefined))
        throw new ToolFailure(`Give line and symbol for ${action}.`);
      return {
        permission: { tool: "read", subject: { type: "path", access: "read", path: place.real } },
        run: async () => {
          if (context.container !== undefined)
            throw new ToolFailure(
              "No answer: language servers do not run in a session's container. Use grep instead.",
            );
          const { text } = await readTextFile(place, context.signal);
          const found = await servers.serverOf(context, place.real);
          if ("reason" in found) throw new ToolFailure(`No answer: ${found.reason}. Use grep instead.`);
          const { server, languageId } = found;
          const signal = AbortSignal.any([context.signal, AbortSignal.timeout(ANSWER_MS_MAX)]);
          const document = { path: place.real, text, languageId };
          const rows =
            action === "symbols"
              ? await symbols(server, document, signal)
              : await places(server, document, action, positionOf(text, line ?? 1, symbol ?? "", place), {
                  context,
                  signal,
                });
          const more = rows.length > ROWS_MAX ? `\n… and ${rows.length - ROWS_MAX} more` : "";
          return {
            text: rows.length === 0 ? "Nothing found." : rows.slice(0, ROWS_MAX).join("\n") + more,
            view: { kind: "matches", count: rows.length, truncated: rows.length > ROWS_MAX },
          };
        },
      };
    },
  });

type Document = { path: string; text: string; languageId: string };

function positionOf(text: string, line: number, symbol: string, place: WorkspacePath) {
  const row = text.split("\n")[line - 1];
  if (row === undefined) throw new ToolFailure(`${place.shown} has no line ${line}.`);
  const character = row.indexOf(symbol);
  if (character < 0)
    throw new ToolFailure(`Line ${line} of ${place.shown} has no "${symbol}": it is ${row.trim()}`);
  return { line: line - 1, character };
}

async function places(
  server: LanguageServer,
  document: Document,
  action: "definition" | "references",
  position: { line: number; character: number },
  { context, signal }: { context: ToolContext; signal: AbortSignal },
): Promise<string[]> {
  const params = {
    textDocument: { uri: pathToFileURL(document.path).href },
    position,
    ...(action === "references" && { context: { includeDeclaration: true } }),
  };
  const answer = await server.request<Location | Location[] | null>(
    document,
    `textDocument/${action}`,
    params,
    signal,
  );
  const found = answer === null ? [] : Array.isArray(answer) ? answer : [answer];
  const texts = new Map<string, readonly string[]>();
  const rows = [];
  for (const { uri, range } of found.slice(0, ROWS_MAX + 1)) {
    if (!uri.startsWith("file:")) continue;
    const path = fileURLToPath(uri);
    const { shown, isInside } = await locate(context.root, path);
    // Outside the workspace only the position is given: reading there needs permission.
    if (isInside && !texts.has(path))
      texts.set(path, (await readFile(path, "utf8").catch(() => "")).split("\n"));
    const line = texts.get(path)?.[range.start.line]?.trim().slice(0, LINE_CHARS_MAX) ?? "";
    rows.push(`${shown}:${range.start.line + 1} ${line}`.trimEnd());
  }
  return rows;
}

/** https://microsoft.github.io/language-server-protocol/specifications/lsp/3.17/specification/#symbolKind */
const symbolKinds =
  "file module namespace package class method property field constructor enum interface function variable constant string number boolean array object key null member struct event operator type".split(
    " ",
  );

async function symbols(server: LanguageServer, document: Document, signal: AbortSignal): Promise<string[]> {
  const params = { textDocument: { uri: pathToFileURL(document.path).href } };
  const answer = await server.request<(DocumentSymbol | SymbolInformation)[] | null>(
    document,
    "textDocument/documentSymbol",
    params,
    signal,
  );
  const rows: string[] = [];
  const add = (all: readonly (DocumentSymbol | SymbolInformation)[], depth: number) => {
    for (const one of all) {
      if (rows.length > ROWS_MAX) return;
      const { start } = "range" in one ? one.range : one.location.range;
      rows.push(`${"  ".repeat(depth)}${start.line + 1} ${symbolKinds[one.kind - 1] ?? ""} ${one.name}`);
      if ("children" in one && one.children !== undefined) add(one.children, depth + 1);
    }
  };
  add(answer ?? [], 0);
  return rows;
}
