import type * as Sdk from "@modelcontextprotocol/client";

/** Why a server cannot be used, as the end of a sentence that begins with its name. */
export type McpFailure = { kind: "failed" | "needs_login"; reason: string };

type Classes = Pick<typeof Sdk, "SdkError" | "SdkHttpError" | "UnauthorizedError" | "SdkErrorCode">;

const startReasons: Readonly<Record<string, string>> = {
  ENOENT: "its program was not found",
  EACCES: "its program may not be run",
  ENOTDIR: "its folder does not exist",
};

const networkReasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nobody answers at its address",
  ENOTFOUND: "its host was not found",
  EAI_AGAIN: "its host was not found",
  ETIMEDOUT: "its address does not answer",
};

const CAUSES_MAX = 6;

/** The client's own errors carry their cause in `data`. */
function causeOf(error: Error): unknown {
  if (error.cause !== undefined) return error.cause;
  const data: unknown = "data" in error ? error.data : undefined;
  return typeof data === "object" && data !== null && "cause" in data ? data.cause : undefined;
}

function causesOf(error: unknown): Error[] {
  const causes: Error[] = [];
  for (let at = error; at instanceof Error && causes.length < CAUSES_MAX; at = causeOf(at)) causes.push(at);
  return causes;
}

const codeOf = (error: Error): string | undefined =>
  "code" in error && typeof error.code === "string" ? error.code : undefined;

/** `lastWords`: the last output of the process before it ended. */
export function failureOf(error: unknown, classes: Classes, startMs: number, lastWords = ""): McpFailure {
  const said = lastWords === "" ? "" : ` (${lastWords})`;
  const causes = causesOf(error);
  for (const cause of causes) {
    if (cause instanceof classes.UnauthorizedError)
      return { kind: "needs_login", reason: "it asks for a login" };
    if (cause instanceof classes.SdkHttpError) {
      if (cause.status === 401) return { kind: "needs_login", reason: "it asks for a login" };
      return { kind: "failed", reason: `it answered with HTTP ${cause.status}` };
    }
    if (cause instanceof classes.SdkError && cause.code === classes.SdkErrorCode.RequestTimeout)
      return { kind: "failed", reason: `it did not answer within ${Math.round(startMs / 1000)} s${said}` };
    const code = codeOf(cause) ?? "";
    const reason = startReasons[code] ?? networkReasons[code];
    if (reason !== undefined) return { kind: "failed", reason };
  }
  if (lastWords !== "") return { kind: "failed", reason: `it ended${said}` };
  const message = causes.at(-1)?.message ?? String(error);
  return { kind: "failed", reason: message.split("\n")[0]?.slice(0, 300) ?? "" };
}
