import type { PermissionOption } from "../../protocol/permission.ts";

/** More rules than this in one answer are not offered: nobody would read them. */
const RULES_OFFERED_MAX = 4;

/** What a person may answer; with the rules that together would allow it, also for longer. */
export function optionsFor(offered: readonly string[] | undefined): PermissionOption[] {
  const once: PermissionOption = { decision: "allow_once", label: "allow once", rules: [] };
  const deny: PermissionOption = { decision: "deny", label: "deny", rules: [] };
  const rules = [...new Set(offered)];
  if (rules.length === 0 || rules.length > RULES_OFFERED_MAX) return [once, deny];
  const named = rules.map(labelOf).join(", ");
  return [
    once,
    { decision: "allow_session", label: `allow ${named} this session`, rules },
    { decision: "allow_always", label: `always allow ${named} here`, rules },
    deny,
  ];
}

function labelOf(rule: string): string {
  const match = /^([^(]+)\((.*)\)$/s.exec(rule);
  if (match === null) return `${rule} (whatever it is given)`;
  const [, tool = "", body = ""] = match;
  if (tool === "bash") return `"${body}"`;
  return tool === "read" || tool === "edit"
    ? `${tool === "read" ? "reading" : "editing"} "${body}"`
    : `${tool} "${body}"`;
}
