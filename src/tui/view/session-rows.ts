import type { Session } from "../../protocol/session.ts";
import type { SessionsOverlay } from "../state/overlay.ts";
import { isOpenSession, sessionItems, textMatches } from "../state/overlay-items.ts";
import type { AppState } from "../state/state.ts";
import { formatAgo, formatCost } from "../text/figures.ts";
import { span } from "../text/line.ts";
import { sanitizeLine } from "../text/sanitize.ts";
import { contextFact } from "./facts.ts";
import type { Renderer } from "./renderer.ts";

/** The rows of the list of sessions. */
export function sessionRows(state: AppState, overlay: SessionsOverlay, { glyphs }: Pick<Renderer, "glyphs">) {
  const signs = { waiting: glyphs.question, running: glyphs.running, idle: " " } as const;
  const styles = { waiting: "warning", running: "accent", idle: "muted" } as const;
  const texts = textMatches(overlay);
  return sessionItems(state, overlay).map((session) => ({
    left: [
      span(`${signs[session.state]} `, styles[session.state]),
      span(
        session.subagent === undefined ? "" : `  ${session.subagent.name ?? session.subagent.kind}: `,
        "muted",
      ),
      span(sanitizeLine(session.title) || "untitled"),
      span(isOpenSession(state, session) ? "  (open)" : "", "muted"),
      span(snippetOf(texts.get(session.id)?.snippet), "muted"),
    ],
    whole: sanitizeLine(session.title),
    right: [
      stateOf(state, session),
      ...(session.queued > 0 ? [`${session.queued} queued`] : []),
      session.agent,
      ...contextFact(session),
      ...(session.cost > 0 ? [formatCost(session.cost)] : []),
    ],
  }));
}

function stateOf({ now }: AppState, { state, updated_at }: Session): string {
  if (state === "idle") return formatAgo(now - Date.parse(updated_at));
  return state === "waiting" ? "needs you" : "running";
}

/** Where the text was found in what was said. */
const snippetOf = (snippet: string | undefined): string =>
  snippet === undefined || snippet === "" ? "" : `  "${sanitizeLine(snippet.replace(/\s+/g, " "))}"`;
