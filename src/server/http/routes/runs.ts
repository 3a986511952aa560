import { allowsMore } from "../../../protocol/choices.ts";
import { SHELL_AGENT } from "../../../protocol/shell-agent.ts";
import type { Services } from "../../services.ts";
import type { Handlers } from "../handler.ts";

type Keys =
  | "POST /v1/workspaces/{wid}/agent"
  | "POST /v1/workspaces/{wid}/agent/sessions/{sid}/cancel"
  | "GET /v1/workspaces/{wid}/sessions/{sid}/runs"
  | "GET /v1/workspaces/{wid}/sessions/{sid}/runs/{rid}"
  | "PATCH /v1/workspaces/{wid}/sessions/{sid}/queue/{rid}"
  | "DELETE /v1/workspaces/{wid}/sessions/{sid}/queue/{rid}"
  | "POST /v1/workspaces/{wid}/sessions/{sid}/queue/resume"
  | "POST /v1/workspaces/{wid}/sessions/{sid}/compact";

export function createRunHandlers({ runs, compactions, sessions, refresh }: Services): Pick<Handlers, Keys> {
  return {
    "POST /v1/workspaces/{wid}/agent": async ({ params, body, caller, mustBePerson }) => {
      // A command line is what a person types: it runs unasked.
      const widens =
        body.agent === SHELL_AGENT ||
        (body.mode !== undefined && allowsMore(body.mode, sessions.get(params.wid, body.session_id).mode));
      if (widens) await mustBePerson();
      await refresh(params.wid);
      return { status: 202, body: runs.accept(params.wid, body, caller) };
    },
    "POST /v1/workspaces/{wid}/agent/sessions/{sid}/cancel": ({ params, body, caller }) => {
      const { run_id, scope = "all" } = body ?? {};
      const what = run_id === undefined ? scope : { run_id };
      return { status: 200, body: runs.cancel(params.wid, params.sid, what, caller) };
    },
    "GET /v1/workspaces/{wid}/sessions/{sid}/runs": ({ params, query }) => ({
      status: 200,
      body: { runs: runs.list(params.wid, params.sid, query.limit) },
    }),
    "GET /v1/workspaces/{wid}/sessions/{sid}/runs/{rid}": ({ params }) => ({
      status: 200,
      body: { run: runs.get(params.wid, params.sid, params.rid) },
    }),
    "PATCH /v1/workspaces/{wid}/sessions/{sid}/queue/{rid}": async ({ params, body, mustBePerson }) => {
      await mustBePerson(); // it may be a command line
      return { status: 200, body: { run: runs.edit(params.wid, params.sid, params.rid, body) } };
    },
    "DELETE /v1/workspaces/{wid}/sessions/{sid}/queue/{rid}": ({ params, caller }) => ({
      status: 200,
      body: { run: runs.withdraw(params.wid, params.sid, params.rid, caller) },
    }),
    "POST /v1/workspaces/{wid}/sessions/{sid}/queue/resume": ({ params }) => ({
      status: 200,
      body: { runs: runs.resume(params.wid, params.sid) },
    }),
    "POST /v1/workspaces/{wid}/sessions/{sid}/compact": async ({ params, body, caller }) => {
      await refresh(params.wid);
      return { status: 202, body: compactions.compact(params.wid, params.sid, body ?? {}, caller) };
    },
  };
}
