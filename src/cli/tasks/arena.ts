import type { Connection } from "../../client/connect.ts";
import { plural } from "../../protocol/plural.ts";
import type { Task, TaskEntry } from "../../protocol/task.ts";
import { confirm } from "../ask-line.ts";
import type { Context } from "../context.ts";
import { exitCodes, UsageError } from "../exit.ts";
import type { Parsed } from "../line/spec.ts";
import { textOf } from "../run/options.ts";
import { readPrompt } from "../run/read-prompt.ts";
import { readAgents, readTaskOptions } from "./options.ts";
import { discard, withResults } from "./results.ts";
import { withTasks } from "./start.ts";
import { bestOf, boardOf, exitCodeOfTask, judgementLines, nameOf } from "./text.ts";

/** `hearth arena`: the same prompt for several agents, each in a worktree from the same state. */
export async function arena(parsed: Parsed, context: Context): Promise<number> {
  const options = readTaskOptions(parsed);
  const agents = readAgents(textOf(parsed.options["agents"]));
  const prompt = await readPrompt(parsed.positionals);
  const wanted = textOf(parsed.options["apply"]);
  if (wanted !== undefined && wanted !== "best" && !agents.includes(wanted))
    throw new UsageError(`--apply takes best or one of --agents, not "${wanted}".`);
  const { out, err } = context;
  return withTasks(context, options, async ({ connection, begin, stop }) => {
    const end = await (await begin({ prompt, agents })).ended;
    if (options.isJson) await out.json(await withResults(connection, end));
    else {
      await out.write(boardOf(end));
      for (const line of judgementLines(end)) await out.line(line);
    }
    const code = exitCodeOfTask(end);
    if (wanted === undefined || stop.signal.aborted) return code;
    const winner = wanted === "best" ? bestOf(end) : end.entries[agents.indexOf(wanted)];
    if (winner?.outcome !== "end_turn") {
      await err.line("hearth: Nothing was applied: no agent whose result could be taken came to its end.");
      return code === exitCodes.done ? exitCodes.failed : code;
    }
    await apply(connection, winner, context);
    await discardOthers(connection, end, winner, parsed, context);
    return code;
  });
}

async function apply(connection: Connection, entry: TaskEntry, { err }: Context): Promise<void> {
  const params = { wid: entry.workspace_id };
  const { changes } = await connection.request("GET /v1/workspaces/{wid}/changes", {
    params,
    query: { session_id: entry.session_id, state: "pending" },
  });
  const ids = changes.map(({ id }) => id);
  if (ids.length === 0) return err.line(`hearth: ${nameOf(entry)} changed nothing.`);
  await connection.request("POST /v1/workspaces/{wid}/changes/apply", { params, body: { ids } });
  await err.line(`hearth: Applied ${plural(ids.length, "file", "files")} of ${nameOf(entry)}.`);
}

/** What was not taken stays unless a person wants it gone. */
async function discardOthers(
  connection: Connection,
  { entries }: Task,
  winner: TaskEntry,
  { options }: Parsed,
  { err }: Context,
): Promise<void> {
  const others = entries.filter((entry) => entry !== winner);
  if (others.length === 0 || options["keep"] === true) return;
  const what = plural(others.length, "other result", "other results");
  if (options["discard"] !== true && !(await isWanted(`Discard the ${what}?`))) {
    await err.line(`hearth: The ${what} ${others.length === 1 ? "is" : "are"} kept.`);
    return;
  }
  await discard(connection, others);
  await err.line(`hearth: The ${what} ${others.length === 1 ? "is" : "are"} discarded.`);
}

const isWanted = async (question: string): Promise<boolean> =>
  process.stdin.isTTY && process.stderr.isTTY && (await confirm(question));
