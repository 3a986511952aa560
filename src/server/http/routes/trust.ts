import type { Services } from "../../services.ts";
import type { Handlers } from "../handler.ts";

type Keys =
  | "GET /v1/workspaces/{wid}/trust"
  | "POST /v1/workspaces/{wid}/trust"
  | "DELETE /v1/workspaces/{wid}/trust";

export function createTrustHandlers({ trust, refresh }: Services): Pick<Handlers, Keys> {
  return {
    "GET /v1/workspaces/{wid}/trust": async ({ params }) => {
      await refresh(params.wid);
      return { status: 200, body: { trust: trust.of(params.wid) ?? null } };
    },
    "POST /v1/workspaces/{wid}/trust": async ({ params, body, caller, mustBePerson }) => {
      await mustBePerson();
      await refresh(params.wid);
      return { status: 200, body: { trust: trust.give(params.wid, body.hash, caller) } };
    },
    "DELETE /v1/workspaces/{wid}/trust": ({ params }) => ({
      status: 200,
      body: { trust: trust.revoke(params.wid) ?? null },
    }),
  };
}
