import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import type { RecordedRequest } from "../../agent/native/requests/recorder.ts";
import { createRedaction } from "../../agent/native/requests/redaction.ts";
import { ignoreError, inBackground } from "../../async/in-background.ts";
import type { RunId, SessionId } from "../../protocol/ids.ts";
import type { RequestDetail, RequestMeta } from "../../protocol/request.ts";
import type { Log } from "../daemon/log.ts";
import { applyDifference, differenceOf } from "./body-difference.ts";
import { cacheAlarm } from "./cache-alarm.ts";

/** All requests together, compressed. Beyond it the oldest go. */
const BYTES_MAX = 128 * 1024 * 1024;
const KEPT_SHARE = 0.8;
/** The folder is measured again after this much was written. */
const MEASURED_EVERY_BYTES = 8 * 1024 * 1024;
/** Requests of a session that are looked at for the state of its cache. */
const LOOKED_AT = 200;

const zip = promisify(gzip);
const unzip = promisify(gunzip);

const fileOf = (rid: RunId, n: number): string => `${rid}-${String(n).padStart(4, "0")}`;

function metaOf(detail: Omit<RequestDetail, "body">): RequestMeta {
  const { url: _, headers: __, response: ___, response_headers: ____, ...meta } = detail;
  return meta;
}

/** `base`: the file whose body this one's is told by. */
type KeptRequest = Omit<RequestDetail, "body"> &
  ({ body: string } | { base: string; head: number; tail: number; middle: string });

/** A body that the session's next one may be told by. */
type Base = { file: string; body: Uint8Array; depth: number };
/** To read a request, at most so many files are read … */
const DEPTH_MAX = 50;
/** … and at most so many sessions keep their last body in memory. */
const BASES_MAX = 4;

/**
 * What was sent to models and what came back, in files beside the log: they are no part of the store. Nothing waits for
 * them, and a disk that cannot be written only means that there is less to see.
 */
export function createRequestLog(dir: string, log: Pick<Log, "warn">) {
  /** The last requests of sessions in use, oldest first. */
  const recent = new Map<SessionId, RequestMeta[]>();
  const alarmed = new Set<SessionId>();
  const bases = new Map<SessionId, Base>();
  let work: Promise<unknown> = Promise.resolve();
  let unmeasured = MEASURED_EVERY_BYTES;

  const folderOf = (sid: SessionId) => join(dir, sid);

  async function metasIn(sid: SessionId): Promise<RequestMeta[]> {
    const names = await readdir(folderOf(sid)).catch(() => []);
    const found = names.filter((name) => name.endsWith(".json"));
    const read = await Promise.all(
      found.map(
        (name) =>
          readFile(join(folderOf(sid), name), "utf8")
            .then((text) => [JSON.parse(text) as RequestMeta])
            .catch(() => []), // pruned meanwhile, or half-written by a killed daemon
      ),
    );
    return read.flat().sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.n - b.n));
  }

  async function prune() {
    if (unmeasured < MEASURED_EVERY_BYTES) return;
    unmeasured = 0;
    const names = await readdir(dir, { recursive: true });
    const files = await Promise.all(
      names.map(async (name) => {
        const found = await stat(join(dir, name)).catch(() => undefined);
        return found?.isFile() ? [{ path: join(dir, name), size: found.size, at: found.mtimeMs }] : [];
      }),
    );
    const oldest = files.flat().sort((a, b) => a.at - b.at);
    let total = oldest.reduce((sum, { size }) => sum + size, 0);
    if (total <= BYTES_MAX) return;
    for (const { path, size } of oldest) {
      if (total <= BYTES_MAX * KEPT_SHARE) return;
      await rm(path, { force: true });
      total -= size;
    }
  }

  function watchCache(sid: SessionId) {
    const steps = (recent.get(sid) ?? []).filter(
      ({ kind, outcome }) => kind === "step" && outcome === "whole",
    );
    const alarm = cacheAlarm(steps);
    if (alarm === undefined) alarmed.delete(sid);
    else if (!alarmed.has(sid)) {
      alarmed.add(sid);
      log.warn(alarm, { session: sid });
    }
  }

  /** Writing whole megabytes at each step would take longer than the step. */
  function keptOf(
    { session_id, body, secrets }: RecordedRequest,
    detail: Omit<RequestDetail, "body">,
    file: string,
  ): { kept: KeptRequest; base: Base | undefined } {
    const known = bases.get(session_id);
    const before =
      detail.kind === "step" && known !== undefined && known.depth < DEPTH_MAX ? known : undefined;
    if (before !== undefined) {
      const { head, tail, middle } = differenceOf(before.body, body);
      const seam = Math.max(0, ...secrets.map((secret) => Buffer.byteLength(secret)));
      const isNew = holdsAny(body.subarray(Math.max(0, head - seam), body.length - tail + seam), secrets);
      if (middle.length < body.length / 2 && !isNew) {
        const text = Buffer.from(middle).toString("utf8");
        const kept = { ...detail, base: before.file, head, tail, middle: text };
        return { kept, base: { file, body, depth: before.depth + 1 } };
      }
    }
    const { plain } = createRedaction(secrets);
    const kept = { ...detail, body: plain(Buffer.from(body).toString("utf8")) };
    const canBeBase = detail.kind === "step" && !holdsAny(body, secrets);
    return { kept, base: canBeBase ? { file, body, depth: 0 } : undefined };
  }

  function keepBase(sid: SessionId, base: Base) {
    bases.set(sid, base);
    const [oldest] = bases.keys();
    if (bases.size > BASES_MAX && oldest !== undefined) bases.delete(oldest);
  }

  async function read(sid: SessionId, file: string): Promise<KeptRequest> {
    const bytes = await readFile(join(folderOf(sid), `${file}.gz`));
    return JSON.parse((await unzip(bytes)).toString("utf8")) as KeptRequest;
  }

  async function bodyOf(sid: SessionId, kept: KeptRequest): Promise<Uint8Array> {
    if ("body" in kept) return Buffer.from(kept.body);
    const { base, head, tail, middle } = kept;
    const before = await bodyOf(sid, await read(sid, base));
    return applyDifference(before, { head, tail, middle: Buffer.from(middle) });
  }

  async function write(recorded: RecordedRequest) {
    const { session_id, run_id, n } = recorded;
    const detail = recorded.detail();
    const meta = metaOf(detail);
    const known = recent.get(session_id) ?? (await metasIn(session_id));
    recent.set(session_id, [...known, meta].slice(-LOOKED_AT));
    watchCache(session_id);
    const file = fileOf(run_id, n);
    const { kept, base } = keptOf(recorded, detail, file);
    bases.delete(session_id);
    const bytes = await zip(JSON.stringify(kept));
    const folder = folderOf(session_id);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeFile(join(folder, `${file}.gz`), bytes, { mode: 0o600 });
    await writeFile(join(folder, `${file}.json`), JSON.stringify(meta), { mode: 0o600 });
    if (base !== undefined) keepBase(session_id, base);
    unmeasured += bytes.length;
    await prune();
  }

  const next = (act: () => Promise<unknown>): Promise<unknown> => {
    work = work.then(act).catch(ignoreError);
    return work;
  };

  return {
    add: (recorded: RecordedRequest) => inBackground(() => next(() => write(recorded)), ignoreError),
    /** A run's requests, oldest first. */
    async ofRun(sid: SessionId, rid: RunId): Promise<RequestMeta[]> {
      await work;
      return (await metasIn(sid)).filter(({ run_id }) => run_id === rid);
    },
    async detail(sid: SessionId, rid: RunId, n: number): Promise<RequestDetail | undefined> {
      await work;
      try {
        const kept = await read(sid, fileOf(rid, n));
        if ("body" in kept) return kept;
        const body = Buffer.from(await bodyOf(sid, kept)).toString("utf8");
        const { base: _, head: __, tail: ___, middle: ____, ...detail } = kept;
        return { ...detail, body };
      } catch {
        return undefined; // never sent, or pruned
      }
    },
    /** The session's last requests, oldest first. */
    async recent(sid: SessionId): Promise<readonly RequestMeta[]> {
      await work;
      const known = recent.get(sid) ?? (await metasIn(sid)).slice(-LOOKED_AT);
      recent.set(sid, known);
      return known;
    },
    /** The session was deleted, or has left memory. */
    forget(sid: SessionId, isDeleted: boolean) {
      recent.delete(sid);
      alarmed.delete(sid);
      bases.delete(sid);
      if (isDeleted)
        inBackground(() => next(() => rm(folderOf(sid), { recursive: true, force: true })), ignoreError);
    },
    close: () => work,
  };
}
const holdsAny = (bytes: Uint8Array, secrets: readonly string[]): boolean =>
  secrets.some(
    (secret) => secret !== "" && Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes(secret),
  );

export type RequestLog = ReturnType<typeof createRequestLog>;
