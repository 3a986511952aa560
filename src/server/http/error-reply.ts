import type { z } from "zod";
import { type ErrorCode, HearthError, httpStatusOf } from "../../protocol/errors.ts";
import type { ErrorReply } from "../../protocol/routes/shared.ts";
import type { Log } from "../daemon/log.ts";

const ISSUES_MAX = 20;
/** An id of the wrong form is answered like one that does not exist. */
const missingByParam: Readonly<Record<string, ErrorCode>> = {
  wid: "workspace_not_found",
  sid: "session_not_found",
  rid: "run_not_found",
  pid: "permission_not_found",
  chid: "change_not_found",
  tid: "task_not_found",
};

/** The one place where an error becomes a status and a body. Anything but a HearthError is a bug. */
export function errorReply(
  error: unknown,
  log: Log,
  request: string,
): { status: number; body: z.infer<typeof ErrorReply> } {
  if (error instanceof HearthError) {
    const { code, message, details } = error;
    return { status: httpStatusOf(code), body: { error: { code, message, details } } };
  }
  log.error("a request failed", { request, error });
  const message = "Something in hearth is broken; `hearth daemon logs` shows what.";
  return { status: 500, body: { error: { code: "internal", message, details: {} } } };
}

/** The error for a request that the route's schema refused. It names the first field; `details.issues` has all. */
export function invalidRequest(where: "query" | "body", error: z.ZodError): HearthError {
  const [only, ...others] = error.issues;
  if (only?.code === "invalid_format" && only.path.join(".") === "session_id" && others.length === 0) {
    return new HearthError("session_not_found", "session_id: there is no session of that id.");
  }
  const issues = error.issues.slice(0, ISSUES_MAX).map((issue) => ({
    field: issue.path.length === 0 ? where : issue.path.join("."),
    message: issue.message.replace(/^Invalid input: /, ""),
  }));
  const first = issues[0] ?? { field: where, message: "it is not what this route takes" };
  const place =
    first.field === where ? `The request's ${where}` : `"${first.field}" in the request's ${where}`;
  return new HearthError("invalid_request", `${place} is wrong: ${first.message}.`, {
    details: { field: first.field, issues },
  });
}

export function missingByPath(error: z.ZodError, params: Readonly<Record<string, string>>): HearthError {
  const name = String(error.issues[0]?.path[0] ?? "");
  const code = missingByParam[name] ?? "not_found";
  const noun = code.replace("_not_found", "").replace("not_found", "thing");
  return new HearthError(code, `There is no ${noun} ${JSON.stringify(params[name] ?? "")}.`);
}
