import { z } from "zod";
import { nearestName } from "../../protocol/nearest.ts";
import type { Tool } from "../tools/tool.ts";
import type { ModelTool } from "./models/model.ts";

/** A backend's tools: the same objects for its whole life, so that requests keep their prefix. */
export type ToolSet = {
  /** As the model is told of them. */
  forModel: readonly ModelTool[];
  get(name: string): Tool | undefined;
  names: readonly string[];
  schemaOf(name: string): Record<string, unknown> | undefined;
};

export function createToolSet(tools: readonly Tool[]): ToolSet {
  const byName = new Map(tools.map((tool) => [tool.name, tool]));
  const forModel = tools.map(({ name, description, input }): ModelTool => {
    const { $schema: _, ...schema } = z.toJSONSchema(input, { io: "input", target: "draft-7" });
    return { name, description, input_schema: schema as Record<string, unknown> };
  });
  const schemas = new Map(forModel.map((tool) => [tool.name, tool.input_schema]));
  return {
    forModel,
    get: (name) => byName.get(name),
    names: [...byName.keys()],
    schemaOf: (name) => schemas.get(name),
  };
}

const TITLE_CHARS_MAX = 2000;

/** What a person is shown of a call; its name where the tool has nothing to say of such input, or there is no tool. */
export function callTitle(tool: Tool | undefined, name: string, input: Record<string, unknown>): string {
  if (tool === undefined) return name;
  try {
    const title = tool.title(input) || name;
    // Stored and sent with every change of its message; what is asked about is shown whole apart from it.
    return title.length <= TITLE_CHARS_MAX
      ? title
      : `${title
          .slice(0, TITLE_CHARS_MAX)
          .toWellFormed()
          .replace(/\ufffd$/, "")}…`;
  } catch {
    return name; // a title must never end a turn
  }
}

/** What other agents' tools are called: models trained with them ask for these. */
const aliases: Readonly<Record<string, string>> = {
  readfile: "read",
  viewfile: "read",
  view: "read",
  cat: "read",
  openfile: "read",
  writefile: "write",
  createfile: "write",
  editfile: "edit",
  strreplace: "edit",
  searchreplace: "edit",
  replace: "edit",
  multiedit: "edit",
  applydiff: "apply_patch",
  applypatch: "apply_patch",
  patch: "apply_patch",
  shell: "bash",
  terminal: "bash",
  execute: "bash",
  executecommand: "bash",
  runcommand: "bash",
  runshellcommand: "bash",
  runterminalcmd: "bash",
  search: "grep",
  searchfiles: "grep",
  grepsearch: "grep",
  searchfilecontent: "grep",
  ripgrep: "grep",
  findfiles: "glob",
  filesearch: "glob",
  ls: "list",
  listdir: "list",
  listdirectory: "list",
  listfiles: "list",
  webfetch: "fetch",
  fetchurl: "fetch",
  todowrite: "plan",
  updateplan: "plan",
};

const plain = (name: string): string =>
  name
    .replace(/^(functions?|tools?|default_api|hearth|native)[._:/-]+/i, "")
    .replace(/[^A-Za-z0-9]/g, "")
    .toLowerCase();

/** The tool that is meant by a name in the wrong case, with a prefix, another agent's word or one typing error. */
export function resolveToolName(name: string, set: Pick<ToolSet, "get" | "names">): string | undefined {
  if (set.get(name)) return name;
  const wanted = plain(name);
  const same = set.names.find((known) => plain(known) === wanted);
  if (same !== undefined) return same;
  const alias = aliases[wanted];
  if (alias !== undefined && set.get(alias)) return alias;
  return nearestName(name.toLowerCase(), set.names);
}
