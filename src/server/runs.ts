import { createHash } from "node:crypto";
import { publicRun, type RunRecord } from "../agent/run/record.ts";
import { ignoreError, inBackground } from "../async/in-background.ts";
import { HearthError } from "../protocol/errors.ts";
import type { NewId, RunId, SessionId, WorkspaceId } from "../protocol/ids.ts";
import { changedModel } from "../protocol/model-effort.ts";
import type { PromptBody } from "../protocol/routes/runs.ts";
import type { Agents } from "./agents.ts";
import type { Coordinators } from "./coordinators.ts";
import type { Environments } from "./environments.ts";
import type { Services } from "./services.ts";
import type { Store } from "./store/open.ts";

type RunsDeps = {
  store: Store;
  coordinators: Coordinators;
  agents: Agents;
  environments: Environments;
  /** Throws workspace_not_found. */
  sessionOf(wid: WorkspaceId, sid: SessionId): { agent: string; model: string | null };
  /** Throws workspace_closing, daemon_stopping. */
  mustAccept(wid: WorkspaceId): void;
  /** For a run that nobody watches; null: none. */
  stepsMax(wid: WorkspaceId): number | null;
  /** The most that a run may cost. */
  capRun?(rid: RunId, cost: number): void;
  newId: NewId;
};

/** Clients' requests about prompts and runs. */
export function createRuns(deps: RunsDeps): Services["runs"] {
  const { store, coordinators } = deps;

  function runOf(sid: SessionId, rid: RunId): RunRecord {
    const run = store.runs.get(rid);
    if (run?.session_id === sid) return run;
    throw new HearthError("run_not_found", `There is no run ${rid} in this session.`);
  }

  /** A run that has not started. Throws run_not_found, run_started. */
  function waitingRun(wid: WorkspaceId, sid: SessionId, rid: RunId) {
    deps.sessionOf(wid, sid);
    const run = runOf(sid, rid);
    const coordinator = coordinators.of(wid, sid);
    if (coordinator.isWaiting(rid)) return coordinator;
    const what = run.state === "completed" ? "is over" : "has started";
    throw new HearthError("run_started", `This prompt can no longer be changed: its run ${what}.`, {
      details: { state: run.state },
    });
  }

  const hashOf = ({ session_id, prompt, attachments }: PromptBody): string =>
    createHash("sha256")
      .update(JSON.stringify([session_id, prompt, attachments ?? []]))
      .digest("hex");

  return {
    accept(wid, body, caller) {
      const session = deps.sessionOf(wid, body.session_id);
      const hash = hashOf(body);
      const known = body.run_id && store.runs.get(body.run_id);
      if (known) {
        if (known.request_hash === hash) {
          return coordinators.of(wid, body.session_id).replyFor(known.id, known.message_id);
        }
        throw new HearthError(
          "run_id_conflict",
          `${known.id} already names another prompt; choose a new run_id for this one.`,
        );
      }
      deps.mustAccept(wid);
      if (body.prompt.trim() === "" && (body.attachments ?? []).length === 0) {
        throw new HearthError("empty_prompt", "The prompt is empty; write something or attach a file.");
      }
      const agent = body.agent ?? session.agent;
      deps.agents.mustExist(wid, agent);
      if (body.env) deps.environments.takeKeys(wid, caller, body.env);
      const on_question = body.on_question ?? "wait";
      // Nobody watches a run that waits for no answer, so its steps are limited.
      const stepsMax = on_question === "wait" ? null : deps.stepsMax(wid);
      const run_id = body.run_id ?? deps.newId("run");
      if (body.max_cost !== undefined) deps.capRun?.(run_id, body.max_cost);
      const reply = coordinators.of(wid, body.session_id).accept({
        run_id,
        prompt: body.prompt,
        attachments: body.attachments ?? [],
        agent,
        model: body.model === undefined ? null : changedModel(session.model, body.model),
        mode: body.mode ?? null,
        delivery: body.delivery ?? "queue",
        env: deps.environments.forTools(wid, caller, body.env),
        max_steps: body.max_steps ?? stepsMax,
        on_question,
        request_hash: hash,
        by: caller,
      });
      if (body.keep_warm === false)
        inBackground(() => coordinators.releaseWhenIdle(body.session_id), ignoreError);
      else coordinators.keepWarm(body.session_id);
      return reply;
    },
    cancel(wid, sid, scope, caller) {
      deps.sessionOf(wid, sid);
      return coordinators.of(wid, sid).cancel(scope, caller);
    },
    list(wid, sid, limit) {
      deps.sessionOf(wid, sid);
      return store.runs.list(sid, limit).map(publicRun);
    },
    get(wid, sid, rid) {
      deps.sessionOf(wid, sid);
      return publicRun(runOf(sid, rid));
    },
    edit(wid, sid, rid, changes) {
      const coordinator = waitingRun(wid, sid, rid);
      if (changes.prompt !== undefined && changes.prompt.trim() === "") {
        throw new HearthError("empty_prompt", "The prompt is empty; withdraw it if it should not run.");
      }
      return publicRun(coordinator.edit(rid, changes));
    },
    withdraw(wid, sid, rid, caller) {
      deps.sessionOf(wid, sid);
      const run = runOf(sid, rid);
      // The same request again: its first reply was lost.
      if (run.outcome === "canceled" && run.started_at === null && run.canceled_by === caller)
        return publicRun(run);
      waitingRun(wid, sid, rid).withdraw(rid, caller);
      return publicRun(runOf(sid, rid));
    },
    resume(wid, sid) {
      deps.sessionOf(wid, sid);
      const resumed = coordinators.of(wid, sid).resume();
      return resumed.map((rid) => publicRun(runOf(sid, rid)));
    },
  };
}
