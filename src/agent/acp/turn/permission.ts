import { isAbsolute, resolve } from "node:path";
import type { PermissionRequest, PermissionSubject, Verdict } from "../../permission/request.ts";
import { textOf, type Wire, wireOf } from "../wire.ts";
import { commandOf, folderOf, kindOf, pathsOf, type TrackedCall, titleOf } from "./tool-call.ts";

export type Outcome = { outcome: "cancelled" } | { outcome: "selected"; optionId: string };

/** A call that names more files is judged as a whole. */
const PATHS_MAX = 20;
const TEXT_CHARS_MAX = 64 * 1024;

/**
 * An agent's permission question as hearth's requests: one for each file that the call names. `diffs`: the proposed
 * change of each file, by the path that the agent uses.
 */
export function permissionRequests(
  call: TrackedCall,
  root: string,
  diffs: ReadonlyMap<string, string>,
): PermissionRequest[] {
  const kind = kindOf(call);
  const base = { tool_call_id: call.id, kind, title: titleOf(call, root) };
  const absolute = (path: string) => (isAbsolute(path) ? path : resolve(root, path));
  const other: PermissionRequest = {
    ...base,
    tool: call.name ?? kind,
    subject: { type: "other", text: fullText(call) },
  };
  const paths = pathsOf(call);
  if (paths.length > PATHS_MAX) return [other];
  const files = (tool: string, access: "read" | "write"): PermissionRequest[] =>
    paths.map((path) => {
      const unified = diffs.get(path);
      const subject: PermissionSubject = { type: "path", access, path: absolute(path) };
      return { ...base, tool, subject: unified === undefined ? subject : { ...subject, unified } };
    });
  switch (kind) {
    case "execute": {
      const command = commandOf(call);
      if (command === undefined) return [other];
      return [{ ...base, tool: "bash", subject: { type: "command", command, cwd: folderOf(call, root) } }];
    }
    case "edit":
    case "delete":
    case "move":
      return paths.length > 0 ? files("edit", "write") : [other];
    case "read":
      return paths.length > 0 ? files("read", "read") : [other];
    case "search":
      return paths.length > 0 ? files("grep", "read") : [other];
    case "fetch": {
      const url = textOf(wireOf(call.rawInput)["url"]);
      return url === undefined ? [other] : [{ ...base, tool: "fetch", subject: { type: "url", url } }];
    }
    default:
      return [other];
  }
}

/** The call's title and its whole input. */
function fullText(call: TrackedCall): string {
  const input = call.rawInput === undefined ? "" : (JSON.stringify(call.rawInput, null, 2) ?? "");
  return [call.title, input]
    .filter((text) => text !== undefined && text !== "")
    .join("\n")
    .slice(0, TEXT_CHARS_MAX);
}

/**
 * The option to answer with. Never an agent's own "always": hearth stores the grant itself, and allows each call once.
 */
export function outcomeFor(verdict: Verdict["decision"], options: readonly Wire[]): Outcome {
  const kind = verdict === "allow" ? "allow_once" : verdict === "deny" ? "reject_once" : undefined;
  const optionId = textOf(options.find((option) => option["kind"] === kind)?.["optionId"]);
  return kind === undefined || optionId === undefined
    ? { outcome: "cancelled" }
    : { outcome: "selected", optionId };
}
