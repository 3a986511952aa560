import type { Connection } from "../client/connect.ts";
import { type Job, jobStateText } from "../protocol/job.ts";
import { connectHere } from "./connect-here.ts";
import type { Context } from "./context.ts";
import { exitCodes, UsageError } from "./exit.ts";
import type { Parsed } from "./line/spec.ts";
import { formatElapsed, formatTable, shortId } from "./output/format.ts";
import { withoutEscapes } from "./output/printable.ts";

/** `hearth jobs list|show|stop`: background commands of this directory's sessions. */
export async function jobs(parsed: Parsed, context: Context): Promise<number> {
  const action = { list, show }[parsed.command.path[1] ?? ""] ?? stop;
  return connectHere(context, (connection) => action(parsed, context, connection));
}

async function jobsOf({ request, workspace }: Connection, { options }: Parsed): Promise<Job[]> {
  const snapshot = await request("GET /v1/workspaces/{wid}/snapshot", {
    params: { wid: workspace.id },
    query: { limit: 1 },
  });
  const session = options["session"];
  const prefix = typeof session !== "string" || session.startsWith("ses_") ? session : `ses_${session}`;
  return snapshot.jobs.filter(
    ({ session_id }) => typeof prefix !== "string" || session_id.startsWith(prefix),
  );
}

async function list(parsed: Parsed, { out }: Context, connection: Connection): Promise<number> {
  const all = await jobsOf(connection, parsed);
  if (parsed.options["json"] === true) await out.json(all, 2);
  else if (all.length === 0) await out.line(`No background commands in ${connection.workspace.path}.`);
  else await out.write(formatTable([["JOB", "SESSION", "AGE", "STATE", "COMMAND"], ...all.map(rowOf)]));
  return exitCodes.done;
}

const rowOf = (job: Job): string[] => [
  job.id,
  shortId(job.session_id),
  formatElapsed(Date.now() - Date.parse(job.started_at)),
  jobStateText(job),
  withoutEscapes(job.command.replace(/\s+/g, " ")),
];

/** Ids count anew in each session. */
async function oneOf(parsed: Parsed, connection: Connection): Promise<Job> {
  const wanted = parsed.positionals[0] ?? "";
  const found = (await jobsOf(connection, parsed)).filter(({ id }) => id === wanted);
  const [only, other] = found;
  if (only === undefined)
    throw new UsageError(`There is no job ${wanted} here: \`hearth jobs list\` shows what there is.`);
  if (other !== undefined)
    throw new UsageError(`Several sessions have a ${wanted}: say which with --session.`);
  return only;
}

async function show(parsed: Parsed, { out }: Context, connection: Connection): Promise<number> {
  const job = await oneOf(parsed, connection);
  const params = { wid: connection.workspace.id, sid: job.session_id, jid: job.id };
  let text = "";
  for (let offset = 0; ; ) {
    const page = await connection.request("GET /v1/workspaces/{wid}/sessions/{sid}/jobs/{jid}/output", {
      params,
      query: { offset, limit: 200_000 },
    });
    if (page.offset > offset)
      text += `\n[… ${page.offset - offset} characters left out${page.file === null ? "" : `; the whole output is in ${page.file}`} …]\n`;
    text += page.text;
    offset = page.next_offset;
    if (page.text === "" || offset >= page.total) break;
  }
  if (parsed.options["json"] === true) await out.json({ job, output: text }, 2);
  else await out.write(withoutEscapes(text));
  return exitCodes.done;
}

async function stop(parsed: Parsed, { out }: Context, connection: Connection): Promise<number> {
  const { id, session_id } = await oneOf(parsed, connection);
  const params = { wid: connection.workspace.id, sid: session_id, jid: id };
  const { job } = await connection.request("POST /v1/workspaces/{wid}/sessions/{sid}/jobs/{jid}/cancel", {
    params,
  });
  if (parsed.options["json"] === true) await out.json({ job }, 2);
  else await out.line(`${job.id}: ${jobStateText(job)}`);
  return exitCodes.done;
}
