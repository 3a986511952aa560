import type { Connection } from "../../client/connect.ts";
import { HearthError } from "../../protocol/errors.ts";
import { plural } from "../../protocol/plural.ts";
import type { Undone } from "../../protocol/undo.ts";
import { connectHere } from "../connect-here.ts";
import type { Context } from "../context.ts";
import { exitCodes, UsageError } from "../exit.ts";
import type { Parsed } from "../line/spec.ts";
import { withoutEscapes } from "../output/printable.ts";
import { lastUsed } from "../sessions/choose.ts";
import { findSession } from "../sessions/find.ts";

/** `hearth undo` and `hearth redo`: a turn of a session is taken back, or brought back. */
export const undo = (parsed: Parsed, context: Context): Promise<number> =>
  connectHere(context, (connection) => change(parsed, context, connection));

async function change(parsed: Parsed, { out }: Context, connection: Connection): Promise<number> {
  const verb = parsed.command.path[0] === "redo" ? "redo" : "undo";
  const isPreview = parsed.options["dry-run"] === true;
  const isJson = parsed.options["json"] === true;
  const wanted = parsed.options["session"];
  const session =
    typeof wanted === "string"
      ? await findSession(connection, wanted)
      : await lastUsed(connection, `to ${verb} anything in`);
  const body = { ...partOf(parsed.positionals), ...(isPreview && { preview: true }) };
  const params = { wid: connection.workspace.id, sid: session.id };
  try {
    const done = await connection.request(`POST /v1/workspaces/{wid}/sessions/{sid}/${verb}`, {
      params,
      body,
    });
    if (isJson) await out.json(done, 2);
    else await out.write(doneText(done, verb, isPreview));
    return done.conflicts.length > 0 ? exitCodes.failed : exitCodes.done;
  } catch (error) {
    if (!isJson || !(error instanceof HearthError)) throw error;
    const { code, message, details } = error;
    await out.json({ error: { code, message, details } });
    return exitCodes.failed;
  }
}

function partOf([part, ...more]: readonly string[]): { files?: boolean; conversation?: boolean } {
  if (part === undefined) return {};
  if (part === "files" && more.length === 0) return { files: true, conversation: false };
  if (part === "conversation" && more.length === 0) return { files: false, conversation: true };
  throw new UsageError("Say files, conversation, or nothing for both.");
}

const verbs = {
  undo: { did: "Taken back", would: "Would take back" },
  redo: { did: "Brought back", would: "Would bring back" },
} as const;
const signs = { added: "+", modified: "~", deleted: "-" } as const;

function doneText(
  { message, turns, files, conflicts, left_out, conversation }: Undone,
  verb: "undo" | "redo",
  isPreview: boolean,
): string {
  if (message !== null) return "The last compaction is taken back: the model is sent everything again.\n";
  const what = [
    conversation ? plural(turns.length, "turn") : "",
    files.length > 0 ? plural(files.length, "file") : "",
  ].filter((part) => part !== "");
  const head = `${verbs[verb][isPreview ? "would" : "did"]}: ${what.join(", ") || "nothing had changed"}`;
  return [
    head,
    ...turns.map(({ prompt }) => `  > ${prompt.split("\n")[0] ?? ""}`),
    ...files.map(({ path, kind }) => `  ${signs[kind]} ${path}`),
    ...conflicts.map(({ path, reason }) => `  ! ${path}: ${reason}`),
    ...left_out.map(({ path, reason }) => `  not recorded: ${path} (${reason})`),
    "",
  ]
    .map(withoutEscapes)
    .join("\n");
}
