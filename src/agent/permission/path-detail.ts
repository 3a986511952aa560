import type { PermissionDetail } from "../../protocol/permission.ts";
import { escapeHidden } from "./display.ts";
import type { PermissionSubject } from "./request.ts";

/** What a question about a file shows. `show` gives a path as a person reads it. */
export function pathDetail(
  { access, path, unified = "", file }: Extract<PermissionSubject, { type: "path" }>,
  show: (path: string) => string,
): PermissionDetail {
  if (access === "read") return { type: "text", text: `read ${show(path)}`, reasons: [] };
  const edit = { type: "edit" as const, path: show(path), unified: escapeHidden(unified), reasons: [] };
  if (file === undefined) return edit;
  const { old_path } = file;
  const from = old_path === undefined ? {} : { old_path: show(old_path) };
  return { ...edit, file: { ...file, path: show(file.path), ...from } };
}
