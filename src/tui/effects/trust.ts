import type { Connection } from "../../client/connect.ts";
import type { Effect } from "../state/effects.ts";
import { newTrustOverlay } from "../state/overlay.ts";
import type { AppState } from "../state/state.ts";

type TrustEffect = Extract<Effect, { do: "load_trust" | "give_trust" | "revoke_trust" }>;

/** Loads what the project would start, or sends the person's answer about it. */
export async function performTrust(
  effect: TrustEffect,
  connection: Connection,
  update: (change: (state: AppState) => AppState) => void,
  signal: AbortSignal,
): Promise<void> {
  const params = { wid: connection.workspace.id };
  const say = (text: string) => update((state) => ({ ...state, flash: { text, level: "info" } }));
  switch (effect.do) {
    case "give_trust":
      await connection.request("POST /v1/workspaces/{wid}/trust", {
        params,
        body: { hash: effect.hash },
        signal,
      });
      say("trusted · it starts with the next prompt");
      return;
    case "revoke_trust":
      await connection.request("DELETE /v1/workspaces/{wid}/trust", { params, signal });
      say("not trusted any more");
      return;
    case "load_trust": {
      const { trust } = await connection.request("GET /v1/workspaces/{wid}/trust", { params, signal });
      if (trust === null) say("This directory starts nothing of its own.");
      else update((state) => ({ ...state, overlay: newTrustOverlay(trust) }));
    }
  }
}
