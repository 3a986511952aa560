import type { Connection } from "../../client/connect.ts";
import type { SessionId } from "../../protocol/ids.ts";
import type { Message } from "../../protocol/message.ts";
import type { Run } from "../../protocol/run.ts";
import type { Session } from "../../protocol/session.ts";
import type { Context } from "../context.ts";
import { exitCodes } from "../exit.ts";
import type { Parsed } from "../line/spec.ts";
import { findSession } from "./find.ts";

const PAGE = 500;
const RUNS_MAX = 1000;

/** `hearth sessions show`: the transcript as the terminal draws it; with --json the stored messages. */
export async function showSession(
  { options, positionals }: Parsed,
  context: Context,
  connection: Connection,
): Promise<number> {
  const session = await findSession(connection, positionals[0] ?? "");
  const messages = await allMessages(connection, session.id);
  if (options["json"] === true) {
    await context.out.json({ session, messages }, 2);
    return exitCodes.done;
  }
  const params = { wid: connection.workspace.id, sid: session.id };
  const { runs } = await connection.request("GET /v1/workspaces/{wid}/sessions/{sid}/runs", {
    params,
    query: { limit: RUNS_MAX },
  });
  await print(session, messages, runs, context);
  return exitCodes.done;
}

async function print(
  session: Session,
  messages: Message[],
  runs: Run[],
  { env, out }: Context,
): Promise<void> {
  const [{ blocksOf }, { withoutWithdrawn }, { renderBlocks }, { detectCapabilities }, { themes }] =
    await Promise.all([
      import("../../tui/text/blocks/message-blocks.ts"),
      import("../../tui/text/blocks/withdrawn.ts"),
      import("../../tui/text/blocks/render-block.ts"),
      import("../../tui/local/capabilities.ts"),
      import("../../tui/theme.ts"),
    ]);
  const capabilities = detectCapabilities(env, process.stdout);
  const theme = capabilities.color === "none" ? themes.none : themes[capabilities.background];
  const byId = new Map(runs.map((run) => [run.id as string, run]));
  const facts = { agent: session.agent, run: (id: string) => byId.get(id), nameOf: () => undefined };
  const blocks = withoutWithdrawn(messages).flatMap((message) => blocksOf(message, facts));
  for (const row of renderBlocks(blocks, capabilities.columns, theme, capabilities, { moreKey: "" }))
    await out.painted(row);
}

/** Pages come newest first, the messages in each oldest first. */
async function allMessages(connection: Connection, sid: SessionId): Promise<Message[]> {
  const params = { wid: connection.workspace.id, sid };
  const pages: Message[][] = [];
  for (let before: string | null | undefined; before !== null; ) {
    const page: { messages: Message[]; next_before: string | null } = await connection.request(
      "GET /v1/workspaces/{wid}/sessions/{sid}/messages",
      { params, query: before === undefined ? { limit: PAGE } : { limit: PAGE, before } },
    );
    pages.push(page.messages);
    before = page.next_before;
  }
  return pages.reverse().flat();
}
