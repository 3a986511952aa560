import type { Connection } from "../../client/connect.ts";
import type { Change, Resolve } from "../../protocol/change.ts";
import { HearthError } from "../../protocol/errors.ts";
import type { SessionId } from "../../protocol/ids.ts";
import { plural } from "../../protocol/plural.ts";
import { connectHere } from "../connect-here.ts";
import type { Context } from "../context.ts";
import { exitCodes, UsageError } from "../exit.ts";
import type { Parsed } from "../line/spec.ts";
import { formatTable, shortId } from "../output/format.ts";
import { withoutEscapes } from "../output/printable.ts";
import { findSession } from "../sessions/find.ts";

type Action = (parsed: Parsed, context: Context, connection: Connection) => Promise<number>;

/** `hearth changes list|show|apply|reject|revert|export|branch`: what agents changed in the worktrees of sessions. */
export async function changes(parsed: Parsed, context: Context): Promise<number> {
  const action = actions[parsed.command.path[1] ?? "list"] ?? list;
  return connectHere(context, (connection) => action(parsed, context, connection));
}

const textOf = (parsed: Parsed, name: string): string | undefined => {
  const value = parsed.options[name];
  return typeof value === "string" ? value : undefined;
};

async function changesOf(parsed: Parsed, { err }: Context, connection: Connection): Promise<Change[]> {
  const wanted = textOf(parsed, "session");
  const session_id = wanted === undefined ? undefined : (await findSession(connection, wanted)).id;
  const { changes, unread } = await connection.request("GET /v1/workspaces/{wid}/changes", {
    params: { wid: connection.workspace.id },
    query: { session_id },
  });
  if (unread.length > 0)
    await err.line(
      `The changes of ${plural(unread.length, "turn")} cannot be read: a checkpoint is damaged.`,
    );
  return changes;
}

/** The session that is meant: the one named, or the only one that has changes. */
async function oneSession(parsed: Parsed, context: Context, connection: Connection): Promise<SessionId> {
  const wanted = textOf(parsed, "session");
  if (wanted !== undefined) return (await findSession(connection, wanted)).id;
  const all = await changesOf(parsed, context, connection);
  const waiting = all.filter(({ state }) => state === "pending");
  const ids = [...new Set((waiting.length > 0 ? waiting : all).map(({ session_id }) => session_id))];
  const [only] = ids;
  if (only === undefined) throw new UsageError("No session here has changes.");
  if (ids.length > 1)
    throw new UsageError(`Several sessions have changes (${ids.map(shortId).join(", ")}): say --session.`);
  return only;
}

const list: Action = async (parsed, context, connection) => {
  const { out } = context;
  const isAll = parsed.options["all"] === true;
  const found = (await changesOf(parsed, context, connection)).filter(
    ({ state }) => isAll || state === "pending",
  );
  if (parsed.options["json"] === true) await out.json(found, 2);
  else if (found.length === 0) await out.line("No changes wait.");
  else
    await out.write(
      formatTable([["ID", "SESSION", "STATE", "AGENT", "+", "-", "FILE"], ...found.map(rowOf)]),
    );
  return exitCodes.done;
};

const nameOf = ({ path, old_path }: Change): string =>
  withoutEscapes(old_path === undefined ? path : `${old_path} → ${path}`).replace(/\n/g, "\\n");

const rowOf = (change: Change): string[] => [
  shortId(change.id),
  shortId(change.session_id),
  `${change.state === "pending" ? "" : `${change.state} `}${change.kind}${change.conflict ? ", conflict" : ""}`,
  withoutEscapes(change.agent ?? "manual"),
  change.binary ? "binary" : String(change.additions),
  change.binary ? "" : String(change.deletions),
  nameOf(change),
];

/** Those named by their path or the beginning of their id. */
function named(all: readonly Change[], names: readonly string[]): Change[] {
  return names.map((name) => {
    const id = name.startsWith("chg_") ? name : `chg_${name}`;
    const found = all.filter((change) => change.path === name || change.id.startsWith(id));
    const [first] = found.toSorted((a, b) => Number(b.state === "pending") - Number(a.state === "pending"));
    if (first === undefined)
      throw new UsageError(`There is no change of ${name}: \`hearth changes list\` shows what there is.`);
    if (new Set(found.map(({ path, session_id }) => `${session_id} ${path}`)).size > 1)
      throw new UsageError(`${name} was changed in several sessions: say --session.`);
    return first;
  });
}

const show: Action = async (parsed, context, connection) => {
  const { out } = context;
  const all = await changesOf(parsed, context, connection);
  const wanted = parsed.positionals;
  const found = wanted.length === 0 ? all.filter(({ state }) => state === "pending") : named(all, wanted);
  if (parsed.options["json"] === true) await out.json(found, 2);
  else for (const change of found) await out.write(shownText(change));
  return exitCodes.done;
};

/** The patch, with each hunk's id after its header. */
function shownText(change: Change): string {
  let text = change.diff;
  for (const hunk of change.hunks) {
    const before = hunk.state === "pending" ? hunk.id : `${hunk.id} ${hunk.state}`;
    const header = `@@ -${range(hunk.old_start, hunk.old_lines)} +${range(hunk.new_start, hunk.new_lines)} @@`;
    text = text.replace(header, () => `${header} [${before}]`);
  }
  const conflict = change.conflict === undefined ? "" : `conflict: ${change.conflict.text}\n`;
  return withoutEscapes(`${conflict}${text}${text.endsWith("\n") ? "" : "\n"}`);
}

const range = (start: number, count: number): string => (count === 1 ? String(start) : `${start},${count}`);

const bulk = {
  apply: "POST /v1/workspaces/{wid}/changes/apply",
  reject: "POST /v1/workspaces/{wid}/changes/reject",
  revert: "POST /v1/workspaces/{wid}/changes/revert",
} as const;
const single = {
  apply: "POST /v1/workspaces/{wid}/changes/{chid}/apply",
  reject: "POST /v1/workspaces/{wid}/changes/{chid}/reject",
  revert: "POST /v1/workspaces/{wid}/changes/{chid}/revert",
} as const;
type Verb = keyof typeof bulk;
const done: Readonly<Record<Verb, string>> = { apply: "Applied", reject: "Rejected", revert: "Reverted" };

const decide =
  (verb: Verb): Action =>
  async (parsed, context, connection) => {
    const { out } = context;
    const isAll = parsed.options["all"] === true;
    const hunks = textOf(parsed, "hunks")
      ?.split(",")
      .map((id) => id.trim());
    if (isAll === parsed.positionals.length > 0)
      throw new UsageError("Name files or ids of changes, or say --all.");
    if (hunks !== undefined && parsed.positionals.length !== 1)
      throw new UsageError("--hunks needs the one file that they are of.");
    const all = await changesOf(parsed, context, connection);
    const from = verb === "revert" ? "applied" : "pending";
    const sid = isAll ? await oneSession(parsed, context, connection) : undefined;
    const chosen = isAll
      ? all.filter(({ state, session_id }) => state === from && session_id === sid)
      : named(all, parsed.positionals);
    const [first] = chosen;
    const params = { wid: connection.workspace.id };
    const resolve = textOf(parsed, "resolve") as Resolve | undefined;
    let result: Change[] = [];
    try {
      if (first !== undefined && hunks !== undefined) {
        const body = { hunks, ...(verb !== "reject" && { resolve }) };
        const { change } = await connection.request(single[verb], {
          params: { ...params, chid: first.id },
          body,
        });
        result = [change];
      } else if (first !== undefined) {
        const ids = chosen.map(({ id }) => id);
        const body = { ids, ...(verb !== "reject" && { resolve }) };
        result = (await connection.request(bulk[verb], { params, body })).changes;
      }
    } catch (error) {
      if (!(error instanceof HearthError) || error.code !== "conflict") throw error;
      if (parsed.options["json"] === true) {
        await out.json({ error: { code: error.code, message: error.message, details: error.details } });
        return exitCodes.failed;
      }
      throw new HearthError(error.code, `${error.message}${conflictText(verb, error.details)}`, {
        cause: error,
      });
    }
    if (parsed.options["json"] === true) await out.json({ changes: result });
    else if (result.length === 0) await out.line(`Nothing to ${verb}.`);
    else await out.line(`${done[verb]} ${plural(result.length, "file")}: ${result.map(nameOf).join(", ")}`);
    return exitCodes.done;
  };

function conflictText(verb: Verb, details: Readonly<Record<string, unknown>>): string {
  const conflicts = Array.isArray(details["conflicts"])
    ? (details["conflicts"] as { path: string; text: string }[])
    : [];
  const lines = conflicts.map(({ path, text }) => `\n  ${withoutEscapes(path)}: ${text}`);
  const ways = {
    apply: "Take the agent's lines with --resolve theirs, or keep yours with --resolve ours.",
    revert: "Go back to the lines from before it with --resolve theirs, or keep yours with --resolve ours.",
    reject: "Change the file in the worktree, or reject it by hunks.",
  };
  return `${conflicts.length > 1 ? lines.join("") : ""}\n${ways[verb]}`;
}

const exportPatch: Action = async (parsed, context, connection) => {
  const { out, err } = context;
  const sid = await oneSession(parsed, context, connection);
  const { patch, base, note } = await connection.request("GET /v1/workspaces/{wid}/sessions/{sid}/patch", {
    params: { wid: connection.workspace.id, sid },
  });
  if (parsed.options["json"] === true) await out.json({ session_id: sid, patch, base, note });
  else await out.bytes(Buffer.from(patch, "base64"));
  if (note !== undefined) await err.line(note);
  return exitCodes.done;
};

const branch: Action = async (parsed, context, connection) => {
  const { out } = context;
  const sid = await oneSession(parsed, context, connection);
  const message = textOf(parsed, "message");
  const made = await connection.request("POST /v1/workspaces/{wid}/sessions/{sid}/branch", {
    params: { wid: connection.workspace.id, sid },
    body: { ...(message !== undefined && { message }) },
  });
  if (parsed.options["json"] === true) await out.json(made);
  else await out.line(`${made.branch} is at ${made.commit.slice(0, 12)}: \`git merge ${made.branch}\``);
  return exitCodes.done;
};

const actions: Readonly<Record<string, Action>> = {
  list,
  show,
  apply: decide("apply"),
  reject: decide("reject"),
  revert: decide("revert"),
  export: exportPatch,
  branch,
};
