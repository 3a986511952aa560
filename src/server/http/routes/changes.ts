import type { Services } from "../../services.ts";
import type { Handlers } from "../handler.ts";

type Keys =
  | "GET /v1/workspaces/{wid}/changes"
  | "GET /v1/workspaces/{wid}/sessions/{sid}/patch"
  | "GET /v1/workspaces/{wid}/changes/{chid}/text"
  | "POST /v1/workspaces/{wid}/changes/{chid}/apply"
  | "POST /v1/workspaces/{wid}/changes/{chid}/reject"
  | "POST /v1/workspaces/{wid}/changes/{chid}/revert"
  | "POST /v1/workspaces/{wid}/changes/apply"
  | "POST /v1/workspaces/{wid}/changes/reject"
  | "POST /v1/workspaces/{wid}/changes/revert"
  | "POST /v1/workspaces/{wid}/sessions/{sid}/branch";

/** What is decided about an agent's work is for a person to say, not for the agent. */
export function createChangeHandlers({ changes }: Services): Pick<Handlers, Keys> {
  return {
    "GET /v1/workspaces/{wid}/changes": async ({ params, query }) => ({
      status: 200,
      body: {
        ...(await changes.list(params.wid, query)),
        ...(query.session_id !== undefined && { root: changes.rootOf(params.wid, query.session_id) }),
      },
    }),
    "GET /v1/workspaces/{wid}/sessions/{sid}/patch": async ({ params }) => {
      const { patch, ...more } = await changes.patch(params.wid, params.sid);
      return { status: 200, body: { patch: patch.toString("base64"), ...more } };
    },
    "GET /v1/workspaces/{wid}/changes/{chid}/text": async ({ params }) => ({
      status: 200,
      body: await changes.text(params.wid, params.chid),
    }),
    "POST /v1/workspaces/{wid}/changes/{chid}/apply": async ({ params, body, mustBePerson }) => {
      await mustBePerson();
      return { status: 200, body: { change: await changes.applyOne(params.wid, params.chid, body ?? {}) } };
    },
    "POST /v1/workspaces/{wid}/changes/{chid}/reject": async ({ params, body, mustBePerson }) => {
      await mustBePerson();
      return { status: 200, body: { change: await changes.rejectOne(params.wid, params.chid, body ?? {}) } };
    },
    "POST /v1/workspaces/{wid}/changes/{chid}/revert": async ({ params, body, mustBePerson }) => {
      await mustBePerson();
      return { status: 200, body: { change: await changes.revertOne(params.wid, params.chid, body ?? {}) } };
    },
    "POST /v1/workspaces/{wid}/changes/apply": async ({ params, body, mustBePerson }) => {
      await mustBePerson();
      return { status: 200, body: { changes: await changes.apply(params.wid, body.ids, body.resolve) } };
    },
    "POST /v1/workspaces/{wid}/changes/reject": async ({ params, body, mustBePerson }) => {
      await mustBePerson();
      return { status: 200, body: { changes: await changes.reject(params.wid, body.ids) } };
    },
    "POST /v1/workspaces/{wid}/changes/revert": async ({ params, body, mustBePerson }) => {
      await mustBePerson();
      return { status: 200, body: { changes: await changes.revert(params.wid, body.ids, body.resolve) } };
    },
    "POST /v1/workspaces/{wid}/sessions/{sid}/branch": async ({ params, body, mustBePerson }) => {
      await mustBePerson();
      return { status: 200, body: await changes.branch(params.wid, params.sid, body?.message) };
    },
  };
}
