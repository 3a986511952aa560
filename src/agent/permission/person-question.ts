import type { ToolKind } from "../../protocol/message.ts";
import type { Decision, PermissionDetail, PermissionOption } from "../../protocol/permission.ts";

/** A question that no rule and no mode can answer, only a person. */
export type PersonQuestion = {
  tool_call_id: string;
  kind: ToolKind;
  title: string;
  detail: PermissionDetail;
  options: PermissionOption[];
};

export type PersonAnswer =
  | { kind: "answered"; decision: Decision; message: string | null }
  /** There is nothing to approve: the session is not in plan mode. */
  | { kind: "not_needed" }
  /** Nobody is there who could answer, and the run does not wait for anybody. */
  | { kind: "nobody" }
  /** The run is ending. */
  | { kind: "canceled" };
