import { mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import type { RecordedRequest } from "../../agent/native/requests/recorder.ts";
import { ignoreError, inBackground } from "../../async/in-background.ts";
import type { RunId, SessionId } from "../../protocol/ids.ts";
import type { RequestDetail, RequestMeta } from "../../protocol/request.ts";
import type { Log } from "../daemon/log.ts";
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

function metaOf(detail: RequestDetail): RequestMeta {
  const { url: _, headers: __, body: ___, response: ____, response_headers: _____, ...meta } = detail;
  return meta;
}

/**
 * What was sent to models and what came back, in files beside the log: they are no part of the store. Nothing waits for
 * them, and a disk that cannot be written only means that there is less to see.
 */
export function createRequestLog(dir: string, log: Pick<Log, "warn">) {
  /** The last requests of sessions in use, oldest first. */
  const recent = new Map<SessionId, RequestMeta[]>();
  const alarmed = new Set<SessionId>();
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

  async function write(recorded: RecordedRequest) {
    const { session_id, run_id, n } = recorded;
    const detail = recorded.detail();
    const meta = metaOf(detail);
    const known = recent.get(session_id) ?? (await metasIn(session_id));
    recent.set(session_id, [...known, meta].slice(-LOOKED_AT));
    watchCache(session_id);
    const bytes = await zip(JSON.stringify(detail));
    await mkdir(folderOf(session_id), { recursive: true, mode: 0o700 });
    const file = join(folderOf(session_id), fileOf(run_id, n));
    await writeFile(`${file}.gz`, bytes, { mode: 0o600 });
    await writeFile(`${file}.json`, JSON.stringify(meta), { mode: 0o600 });
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
        const bytes = await readFile(join(folderOf(sid), `${fileOf(rid, n)}.gz`));
        return JSON.parse((await unzip(bytes)).toString("utf8")) as RequestDetail;
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
      if (isDeleted)
        inBackground(() => next(() => rm(folderOf(sid), { recursive: true, force: true })), ignoreError);
    },
    close: () => work,
  };
}
export type RequestLog = ReturnType<typeof createRequestLog>;
