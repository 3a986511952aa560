import { statSync } from "node:fs";
import { homedir } from "node:os";
import { resolve } from "node:path";
import type { Connection } from "../../client/connect.ts";
import { isSshUrl, parseRemoteAddress } from "../../client/remote/address.ts";
import type { SessionId } from "../../protocol/ids.ts";
import { connectHere } from "../connect-here.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../exit.ts";
import type { Parsed } from "../line/spec.ts";
import { sessionIn } from "../sessions/find.ts";
import { openTerminal, withDisplayOptions, withRemote } from "./open.ts";

/**
 * `hearth attach [path|session|ssh://HOST/DIR]`: opens the terminal on another directory, on a session in any directory,
 * or on another machine; with --observe only to look.
 */
export async function attach({ positionals, options }: Parsed, given: Context): Promise<number> {
  const context = withDisplayOptions(given, options);
  const [target = "."] = positionals;
  const isObserver = options["observe"] === true;
  if (isSshUrl(target)) {
    const address = parseRemoteAddress(target);
    return withRemote(address, options, context, (remote) =>
      openTerminal(context, { cwd: context.cwd(), remote, isObserver }),
    );
  }
  if (options["send-keys"] === true) throw new UsageError("--send-keys goes with ssh://HOST/DIR.");
  if (/^ses_[A-Za-z0-9_-]+$/.test(target)) {
    const found = await connectHere(context, (connection) => find(connection, target), isObserver);
    return openTerminal(context, { ...found, isObserver });
  }
  const home = context.env["HOME"] || homedir();
  const path = resolve(context.cwd(), target.replace(/^~(?=\/|$)/, home));
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UsageError(`${target} is neither a directory nor a session's id (ses_…).`);
  }
  return openTerminal(context, { cwd: path, isObserver });
}

/** The session with this id or id prefix, and its directory. This directory's sessions come first. */
async function find(connection: Connection, wanted: string): Promise<{ cwd: string; session: SessionId }> {
  const here = connection.workspace;
  const { workspaces } = await connection.request("GET /v1/workspaces");
  for (const { id, path } of [here, ...workspaces.filter((other) => other.id !== here.id)]) {
    const session = await sessionIn(connection, id, wanted);
    if (session !== undefined) return { cwd: path, session: session.id };
  }
  throw new UsageError(`There is no session ${wanted}: \`hearth sessions list\` shows those of a directory.`);
}
