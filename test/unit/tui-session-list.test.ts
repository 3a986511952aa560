import { expect, test } from "vitest";
import type { HearthEvent } from "../../src/protocol/events.ts";
import type { Session } from "../../src/protocol/session.ts";
import { createKeyMap } from "../../src/tui/keys.ts";
import { newSessionsOverlay, type SessionsOverlay } from "../../src/tui/state/overlay.ts";
import { sessionItems, withListedSession } from "../../src/tui/state/overlay-items.ts";
import type { AppState } from "../../src/tui/state/state.ts";
import { stepOverlay } from "../../src/tui/steps/overlay.ts";
import { connected, session } from "../support/tui-state.ts";

const cart = session({ id: `ses_${"2".padStart(32, "0")}`, title: "cart" });
const event = (type: HearthEvent["type"], changed: Session) =>
  ({ type, payload: { session: changed } }) as HearthEvent;

/** What the list shows when its answer, older than the event, comes before or after it. */
function titles(told: HearthEvent, isAnsweredFirst: boolean, isArchive = false): string[] {
  const answer = (state: AppState): AppState => ({
    ...state,
    overlay: { ...(state.overlay as SessionsOverlay), found: [cart] },
  });
  const open = connected({ sessions: [] }, { overlay: { ...newSessionsOverlay, isArchive } });
  const state = isAnsweredFirst
    ? withListedSession(answer(open), told)
    : answer(withListedSession(open, told));
  return sessionItems(state, state.overlay as SessionsOverlay).map(({ title }) => title);
}

test.each([true, false])(
  "a list does not bring back what went meanwhile (its answer first: %s)",
  (isAnsweredFirst) => {
    const archived = { ...cart, archived: true };
    expect(titles(event("session.updated", archived), isAnsweredFirst)).toEqual([]);
    expect(titles(event("session.updated", archived), isAnsweredFirst, true)).toEqual(["cart"]);
    expect(titles(event("session.deleted", cart), isAnsweredFirst)).toEqual([]);
    expect(titles(event("session.updated", { ...cart, title: "basket" }), isAnsweredFirst)).toEqual([
      "basket",
    ]);
  },
);

test("a session is found by what was said in it, for the text that is typed now, and with its words", () => {
  const tax = session({ id: `ses_${"3".padStart(32, "0")}`, title: "shop" });
  const overlay: SessionsOverlay = { ...newSessionsOverlay, found: [cart], query: "val" };
  const state = connected({ sessions: [] }, { overlay });
  const typed = stepOverlay(state, overlay, { type: "text", text: "ue" }, createKeyMap({}));
  expect(typed.effects).toEqual([{ do: "search_sessions", query: "value" }]);
  const asked = typed.state.overlay as SessionsOverlay;
  const shown = (query: string) =>
    sessionItems(state, { ...asked, texts: { query, found: [{ session: tax, snippet: "the value tax" }] } });
  expect(shown("value").map(({ title }) => title)).toEqual(["shop"]);
  expect(shown("val")).toEqual([]);
  const gone = { ...asked, texts: { query: "value", found: [{ session: tax, snippet: "" }] } };
  expect(sessionItems(state, { ...gone, changed: new Map([[tax.id, null]]) })).toEqual([]);
});
