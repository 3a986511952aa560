import { isAbsolute, join } from "node:path";
import type { PermissionRequest, PermissionSubject } from "../permission/request.ts";
import { kindOfTool, textOf, titleOfTool, withoutHeaders } from "./tool-call.ts";
import type { PermissionAsked, ToolPart } from "./wire.ts";

/** opencode's permission names that differ from the tool names in hearth's rules. */
const toolNames: Readonly<Record<string, string>> = { webfetch: "fetch" };

/** opencode's question as a request. It is completed from the tool call, because the question itself lacks much. */
export function permissionRequest(
  asked: PermissionAsked,
  call: ToolPart | undefined,
  root: string,
): PermissionRequest {
  const subject = subjectOf(asked, call, root);
  const tool =
    subject.type === "path"
      ? subject.access === "write"
        ? "edit"
        : "read"
      : (toolNames[asked.permission] ?? asked.permission);
  return {
    tool_call_id: asked.tool?.callID ?? asked.id,
    tool,
    kind: kindOfTool(call?.tool ?? asked.permission),
    title: call === undefined ? asked.permission : titleOfTool(call, root),
    subject,
  };
}

function subjectOf(
  { permission, patterns, metadata }: PermissionAsked,
  call: ToolPart | undefined,
  root: string,
): PermissionSubject {
  const input = call?.state.input ?? {};
  const absolute = (path: string) => (isAbsolute(path) ? path : join(root, path));
  switch (permission) {
    case "bash": {
      const command = textOf(input["command"]) ?? textOf(metadata["command"]) ?? patterns.join(" ; ");
      return { type: "command", command, cwd: absolute(textOf(input["workdir"]) ?? root) };
    }
    case "edit":
    case "write": {
      // A question about several files must show all of them.
      if (patterns.length > 1) break;
      const path = textOf(metadata["filepath"]) ?? textOf(input["filePath"]) ?? patterns[0];
      if (path === undefined) break;
      const diff = textOf(metadata["diff"]);
      const write = { type: "path", access: "write", path: absolute(path) } as const;
      return diff === undefined ? write : { ...write, unified: withoutHeaders(diff) };
    }
    case "read":
    case "glob":
    case "grep":
    case "list":
    case "external_directory": {
      const named = textOf(metadata["filepath"]) ?? textOf(input["filePath"]) ?? textOf(input["path"]);
      const path = named ?? patterns[0]?.replace(/\/\*+$/, "");
      if (path === undefined || (permission === "external_directory" && patterns.length > 1)) break;
      const kind = kindOfTool(call?.tool ?? permission);
      const isReading = kind === "read" || kind === "search";
      return { type: "path", access: isReading ? "read" : "write", path: absolute(path) };
    }
    case "webfetch": {
      const url = textOf(input["url"]) ?? textOf(metadata["url"]) ?? patterns[0];
      if (url !== undefined) return { type: "url", url };
      break;
    }
  }
  return { type: "other", text: JSON.stringify({ permission, patterns, metadata, input }, null, 2) };
}
