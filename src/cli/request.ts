import type { Connection } from "../client/connect.ts";
import type { RunId, SessionId } from "../protocol/ids.ts";
import type { RequestDetail, RequestMeta } from "../protocol/request.ts";
import type { Session } from "../protocol/session.ts";
import { connectHere } from "./connect-here.ts";
import type { Context } from "./context.ts";
import { exitCodes, UsageError } from "./exit.ts";
import type { Parsed } from "./line/spec.ts";
import { formatTable, shortId } from "./output/format.ts";

/** Sessions and runs that are searched for the beginning of an id. */
const SESSIONS_MAX = 50;
const RUNS_MAX = 500;
/** Of what differs, this much is shown. */
const DIFFERENCE_CHARS_MAX = 4_000;

type Place = { sid: SessionId; rid: RunId; requests: RequestMeta[] };

/** `hearth request`: what was sent to a model and what came back. */
export async function request({ options, positionals }: Parsed, context: Context): Promise<number> {
  const { out } = context;
  const isJson = options["json"] === true;
  const step = typeof options["step"] === "string" ? Number(options["step"]) : undefined;
  if (step !== undefined && !(Number.isInteger(step) && step > 0))
    throw new UsageError("--step needs the number of a request, from 1.");
  await connectHere(context, async (connection) => {
    const place = await findRun(connection, positionals[0]);
    if (options["diff"] === true) {
      const found = await difference(connection, place, step ?? place.requests.at(-1)?.n ?? 1);
      if (isJson) await out.json(found, 2);
      else await out.write(differenceText(found));
    } else if (step !== undefined) {
      const found = await detailOf(connection, place.sid, place.rid, step);
      if (isJson) await out.json(found, 2);
      else await out.write(detailText(found));
    } else if (isJson) await out.json({ run_id: place.rid, requests: place.requests }, 2);
    else await out.write(listText(place));
  });
  return exitCodes.done;
}

async function requestsOf(connection: Connection, sid: SessionId, rid: RunId): Promise<RequestMeta[]> {
  const params = { wid: connection.workspace.id, sid, rid };
  const key = "GET /v1/workspaces/{wid}/sessions/{sid}/runs/{rid}/requests" as const;
  return (await connection.request(key, { params })).requests;
}

async function detailOf(
  connection: Connection,
  sid: SessionId,
  rid: RunId,
  n: number,
): Promise<RequestDetail> {
  const params = { wid: connection.workspace.id, sid, rid };
  const key = "GET /v1/workspaces/{wid}/sessions/{sid}/runs/{rid}/request" as const;
  return (await connection.request(key, { params, query: { n } })).request;
}

/** A session's runs, the newest first. */
async function runsOf(connection: Connection, { id: sid }: Pick<Session, "id">): Promise<RunId[]> {
  const params = { wid: connection.workspace.id, sid };
  const { runs } = await connection.request("GET /v1/workspaces/{wid}/sessions/{sid}/runs", {
    params,
    query: { limit: RUNS_MAX },
  });
  return runs.map(({ id }) => id).reverse();
}

/** The run with this id or beginning of one; without, the last one that asked a model. */
async function findRun(connection: Connection, wanted: string | undefined): Promise<Place> {
  const { sessions } = await connection.request("GET /v1/workspaces/{wid}/sessions", {
    params: { wid: connection.workspace.id },
    query: { limit: SESSIONS_MAX },
  });
  const prefix = wanted === undefined || wanted.startsWith("run_") ? wanted : `run_${wanted}`;
  for (const session of sessions) {
    for (const rid of await runsOf(connection, session)) {
      if (prefix !== undefined && !rid.startsWith(prefix)) continue;
      const requests = await requestsOf(connection, session.id, rid);
      if (requests.length > 0) return { sid: session.id, rid, requests };
      if (prefix === undefined) continue;
      throw new UsageError(
        `Nothing is kept of what ${rid} sent: another agent answered it, or it is too old.`,
      );
    }
  }
  const { path } = connection.workspace;
  throw new UsageError(
    prefix === undefined
      ? `No request to a model is kept of the sessions in ${path}.`
      : `There is no run ${wanted} in ${path}.`,
  );
}

const share = ({ usage }: RequestMeta): string =>
  usage.input_tokens === 0 ? "-" : `${Math.round((100 * usage.cache_read_tokens) / usage.input_tokens)} %`;
const seconds = (ms: number | null): string => (ms === null ? "-" : `${(ms / 1000).toFixed(1)} s`);

function listText({ rid, requests }: Place): string {
  const head = ["N", "KIND", "MODEL", "STATUS", "INPUT", "CACHED", "OUTPUT", "COST", "FIRST", "TOTAL"];
  const rows = requests.map((one) => [
    String(one.n),
    one.kind,
    one.model,
    one.outcome === "whole" ? String(one.status ?? "") : `${one.status ?? "-"} ${one.outcome}`,
    String(one.usage.input_tokens),
    share(one),
    String(one.usage.output_tokens),
    `$${one.cost.toFixed(4)}`,
    seconds(one.first_ms),
    seconds(one.duration_ms),
  ]);
  const last = requests.at(-1)?.n ?? 1;
  return `${rid}\n${formatTable([head, ...rows])}\`hearth request ${shortId(rid)} --step ${last}\` shows a request whole, \`--diff\` what is new in it.\n`;
}

const headersText = (headers: Readonly<Record<string, string>>): string =>
  Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\n`)
    .join("");

function pretty(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json;
  }
}

function detailText(found: RequestDetail): string {
  const status = found.status === null ? "no answer" : String(found.status);
  const error = found.error === null ? "" : `${found.error}\n`;
  return `POST ${found.url}\n${headersText(found.headers)}\n${pretty(found.body)}\n\n${status}\n${headersText(found.response_headers)}\n${found.response}\n${error}`;
}

type Difference = {
  run_id: RunId;
  n: number;
  before: { run_id: RunId; n: number } | null;
  same_bytes: number;
  bytes: number;
  was: string;
  is: string;
};

/** The request and the one before it, also that of an earlier run. */
async function difference(connection: Connection, place: Place, n: number): Promise<Difference> {
  const now = await detailOf(connection, place.sid, place.rid, n);
  const before = await requestBefore(connection, place, now);
  const was = before?.body ?? "";
  let same = 0;
  while (same < was.length && same < now.body.length && was[same] === now.body[same]) same += 1;
  return {
    ...{ run_id: place.rid, n, before: before === undefined ? null : { run_id: before.run_id, n: before.n } },
    same_bytes: Buffer.byteLength(now.body.slice(0, same)),
    bytes: Buffer.byteLength(now.body),
    ...{ was: was.slice(same), is: now.body.slice(same) },
  };
}

async function requestBefore(
  connection: Connection,
  place: Place,
  { n, kind }: RequestDetail,
): Promise<RequestDetail | undefined> {
  const { sid, rid, requests } = place;
  const earlier = requests.findLast((one) => one.n < n && one.kind === kind);
  if (earlier !== undefined) return detailOf(connection, sid, rid, earlier.n);
  const runs = await runsOf(connection, { id: sid });
  for (const older of runs.slice(runs.indexOf(rid) + 1)) {
    const last = (await requestsOf(connection, sid, older)).findLast((one) => one.kind === kind);
    if (last !== undefined) return detailOf(connection, sid, older, last.n);
  }
  return undefined;
}

const bounded = (text: string): string =>
  text.length <= DIFFERENCE_CHARS_MAX
    ? text
    : `${text.slice(0, DIFFERENCE_CHARS_MAX).toWellFormed()}\n[… ${text.length - DIFFERENCE_CHARS_MAX} characters more]`;

function differenceText({ run_id, n, before, same_bytes, bytes, was, is }: Difference): string {
  if (before === null) return `Request ${n} of ${run_id} is the first one of its conversation.\n`;
  const first = `Request ${n} of ${run_id} and request ${before.n} of ${before.run_id}: the first ${same_bytes} of ${bytes} bytes are the same.\n`;
  return `${first}\n--- was\n${bounded(was)}\n+++ is\n${bounded(is)}\n`;
}
