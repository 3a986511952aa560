import { HearthError } from "../../protocol/errors.ts";
import type { RunId, SessionId, WorkspaceId } from "../../protocol/ids.ts";
import type { Session } from "../../protocol/session.ts";
import type { Services } from "../services.ts";
import { cacheAlarm, cacheHitOf } from "./cache-alarm.ts";
import type { RequestLog } from "./log.ts";

type RequestsDeps = {
  requests: RequestLog;
  /** Throws workspace_not_found, session_not_found. */
  sessionOf(wid: WorkspaceId, sid: SessionId): Session;
  /** Throws run_not_found. */
  mustBeRun(wid: WorkspaceId, sid: SessionId, rid: RunId): void;
  isNative(wid: WorkspaceId, agent: string): boolean;
};

/** What clients may see of the requests to models. */
export function createRequests(deps: RequestsDeps): Services["requests"] {
  const { requests } = deps;
  return {
    async list(wid, sid, rid) {
      deps.mustBeRun(wid, sid, rid);
      return requests.ofRun(sid, rid);
    },
    async detail(wid, sid, rid, n) {
      deps.mustBeRun(wid, sid, rid);
      const found = await requests.detail(sid, rid, n);
      if (found !== undefined) return found;
      throw new HearthError("not_found", `Request ${n} of ${rid} is not kept, or was never sent.`);
    },
    async context(wid, sid) {
      const { agent, context } = deps.sessionOf(wid, sid);
      const is_own = deps.isNative(wid, agent);
      const size = { used: context?.used ?? null, window: context?.window ?? null };
      const nothing = { model: null, parts: null, cache_hit: null, alarm: null };
      if (!is_own) return { is_own, ...nothing, ...size };
      const steps = (await requests.recent(sid)).filter(
        ({ kind, outcome }) => kind === "step" && outcome === "whole",
      );
      const last = steps.at(-1);
      if (last === undefined) return { is_own, ...nothing, ...size };
      return {
        ...{ is_own, model: last.model, ...size, parts: last.parts },
        ...{ cache_hit: cacheHitOf(last), alarm: cacheAlarm(steps) ?? null },
      };
    },
  };
}
