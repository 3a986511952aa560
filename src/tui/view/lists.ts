import type { Grant } from "../../protocol/permission.ts";
import { effortsOf } from "../commands/agent-choice.ts";
import { permissionsText } from "../commands/texts.ts";
import type { Action, KeyOverrides } from "../keys.ts";
import type { AnyListOverlay, SessionsOverlay } from "../state/overlay.ts";
import {
  agentItems,
  effortItems,
  grantItems,
  helpItems,
  itemIds,
  markedIndex,
  modeItems,
  modelItems,
  sessionItems,
  themeItems,
  trustItems,
} from "../state/overlay-items.ts";
import { type AppState, currentAgent } from "../state/state.ts";
import { formatAgo } from "../text/figures.ts";
import { homePath } from "../text/home-path.ts";
import { type Line, span } from "../text/line.ts";
import { sanitizeLine } from "../text/sanitize.ts";
import { truncateEnd, widthOf } from "../text/width.ts";
import { arenaList } from "./arena-list.ts";
import { firstChordName } from "./chord-name.ts";
import { helpRows } from "./help-rows.ts";
import { jobList } from "./job-list.ts";
import { loginList } from "./login-list.ts";
import type { Renderer } from "./renderer.ts";
import { rewindList } from "./rewind.ts";
import { sessionRows } from "./session-rows.ts";

/** The most of a title in the question whether to delete its session. */
const DELETED_TITLE_MAX = 30;

/** The scripts that a grant was given for; what has changed asks again. */
const scriptSpans = (scripts: Grant["scripts"]): Line =>
  scripts.map(({ name, changed }) =>
    span(
      sanitizeLine(`  ${name}${changed ? " has changed: asks again" : ""}`),
      changed ? "warning" : "muted",
    ),
  );

/** `below`: further rows of the left side. */
type Item = {
  left: Line;
  below?: readonly Line[];
  right: readonly string[];
  whole?: string;
  isCut?: boolean;
};

export type List = {
  title: string;
  hints: string;
  /** Replaces the filter in the last row. */
  ask?: { label: string; text: string; isGrave?: boolean } | undefined;
  /**
   * Facts on the right are dropped from the last one on if they do not fit. `whole`: shown in full below the list while
   * the marked row is cut.
   */
  items: readonly Item[];
  empty: string;
  index: number;
  query: string;
};

/** The content of each list, and its keys. */
export function listOf(
  state: AppState,
  overlay: AnyListOverlay,
  renderer: Renderer,
  overrides: KeyOverrides,
): List {
  const { glyphs } = renderer;
  const base = { index: markedIndex(itemIds(state, overlay, overrides), overlay), query: overlay.query };
  const dot = glyphs.separator;
  switch (overlay.kind) {
    case "sessions": {
      const items = sessionRows(state, overlay, renderer);
      const { task } = overlay;
      const ask =
        task.do === "rename"
          ? { label: "new title:", text: task.title }
          : task.do === "delete"
            ? {
                label: `${task.loses === undefined ? "" : `${sanitizeLine(task.loses)} `}delete "${titleOfTask(state, overlay)}" for good? enter deletes, esc keeps it`,
                text: "",
                isGrave: true,
              }
            : undefined;
      return {
        ...base,
        items,
        ask,
        title: `${overlay.parent !== undefined ? "Sub-agents" : overlay.isArchive ? "Archived sessions" : "Sessions"}${dot}${sanitizeLine(homePath(state.replica?.workspace.path ?? "", state.display.home))}`,
        hints: [...sessionKeys(overlay, overrides), ...definedText(state, overlay)].join(dot),
        empty:
          overlay.found === undefined
            ? "asking the daemon"
            : overlay.isArchive
              ? "nothing is archived"
              : "no session fits",
      };
    }
    case "models":
      return {
        ...base,
        items: modelItems(state, overlay).map(({ name, detail, isCurrent }) => ({
          left: [
            span(`${isCurrent ? glyphs.ok : " "} `, "success"),
            span(sanitizeLine(name)),
            span(isCurrent ? "  (current)" : "", "muted"),
          ],
          right: [sanitizeLine(detail)],
        })),
        title: `Models of ${currentAgent(state)?.name ?? "the agent"}`,
        hints: "enter takes it from the next turn on",
        empty: "this agent names no models: /model NAME takes any",
      };
    case "efforts":
      return {
        ...base,
        items: effortItems(state, overlay).map(({ effort, detail, isCurrent }) => ({
          left: [
            span(`${isCurrent ? glyphs.ok : " "} `, "success"),
            span(sanitizeLine(effort)),
            span(isCurrent ? "  (current)" : "", "muted"),
          ],
          right: [detail],
        })),
        title: `How hard ${effortsOf(state).model ?? "the model"} thinks`,
        hints: "enter takes it from the next turn on",
        empty: "no effort fits",
      };
    case "agents":
      return {
        ...base,
        items: agentItems(state, overlay).map((agent) => ({
          left: [
            span(`${agent.status === "ready" ? glyphs.ok : " "} `, "success"),
            span(agent.name, agent.status === "ready" ? "text" : "muted"),
            span(agent === currentAgent(state) ? "  (current)" : "", "muted"),
            span(agent.reason === null ? "" : `  ${sanitizeLine(agent.reason)}`, "muted"),
          ],
          whole: [agent.name, agent.reason ?? "", agent.fix ?? ""]
            .filter((part) => part !== "")
            .map(sanitizeLine)
            .join(dot),
          right: [agent.backend, agent.version ?? "", agent.status.replaceAll("_", " ")].filter(
            (fact) => fact !== "",
          ),
        })),
        title: "Agents",
        hints: "enter switches from the next turn on",
        empty: "no agent fits",
      };
    case "modes":
      return {
        ...base,
        items: modeItems(state, overlay).map(({ name, meaning, mode, isCurrent }) => ({
          left: [
            span(sanitizeLine(name), mode === undefined ? "text" : `mode_${mode}`),
            span(isCurrent ? "  (now)" : "", "muted"),
            span(`  ${sanitizeLine(meaning)}`, "muted"),
          ],
          right: [],
        })),
        title: "What the agent may do without asking",
        hints: "enter takes it for this session, in every terminal",
        empty: "no mode fits",
      };
    case "grants":
      return {
        ...base,
        items: grantItems(state, overlay).map(({ rule, session_id, granted_at, scripts }) => ({
          left: [span(sanitizeLine(rule)), ...scriptSpans(scripts)],
          right: [
            session_id === null ? "always" : "this session",
            formatAgo(state.now - Date.parse(granted_at)),
          ],
          whole: sanitizeLine(rule),
        })),
        title: "Allowed without asking",
        hints: `enter takes it back, then it asks again${dot}${permissionsText(state)}`,
        empty: overlay.found === undefined ? "asking the daemon" : "nothing was allowed for longer than once",
      };
    case "login":
      return { ...base, ...loginList(state, overlay, renderer) };
    case "jobs":
      return { ...base, ...jobList(state, overlay, renderer, overrides) };
    case "arena":
      return { ...base, ...arenaList(state, overlay, renderer, overrides) };
    case "rewind":
      return { ...base, ...rewindList(state, overlay, renderer) };
    case "trust":
      return {
        ...base,
        items: trustItems(overlay).map(({ text, isHead }) => ({
          left: [span(sanitizeLine(text), isHead ? "text" : "muted")],
          right: [],
          whole: sanitizeLine(text),
        })),
        title: overlay.trust.is_trusted ? "Trusted in this directory" : "This directory would start programs",
        hints: overlay.trust.is_trusted
          ? "esc closes"
          : "nothing of it has run; what changes later is asked about again; esc: not now",
        empty: "",
        ask: { label: "enter takes the marked answer", text: "" },
      };
    case "themes":
      return {
        ...base,
        items: themeItems(overlay).map((name) => ({ left: [span(name.replace("_", " "))], right: [] })),
        title: "Themes",
        hints: "enter takes it and keeps it in terminal.jsonc",
        empty: "no theme fits",
      };
    case "help": {
      const items = helpItems(overlay, overrides);
      const wide = Math.min(
        state.size.columns >= 100 ? 34 : 28,
        Math.floor(state.size.columns * 0.4),
        Math.max(8, ...items.map(({ key }) => widthOf(key))),
      );
      return {
        ...base,
        items: items.map((item) => helpRows(item, wide, state.size.columns, dot)),
        title: "Keys and commands",
        hints: "terminal.jsonc in the config folder changes them",
        empty: "nothing fits",
      };
    }
  }
}

/** The sub-agents that the agent may start besides its own two. */
function definedText(state: AppState, { parent }: SessionsOverlay): string[] {
  const defined = parent === undefined ? [] : (currentAgent(state)?.subagents ?? []);
  return defined.length === 0
    ? []
    : [`defined here: ${defined.map(({ name }) => sanitizeLine(name)).join(", ")}`];
}

function sessionKeys({ isArchive }: SessionsOverlay, overrides: KeyOverrides): string[] {
  const key = (action: Action, does: string) => `${firstChordName(action, overrides)} ${does}`;
  return isArchive
    ? [
        key("list.accept", "open"),
        key("list.archive", "take back"),
        key("list.delete", "delete"),
        key("list.archived", "the others"),
      ]
    : [
        key("list.new", "new"),
        key("list.fork", "fork"),
        key("list.rename", "rename"),
        key("list.archive", "archive"),
        key("list.delete", "delete"),
        key("list.stop", "stop"),
        key("list.archived", "archived"),
      ];
}

const titleOfTask = (state: AppState, overlay: SessionsOverlay): string => {
  const { task } = overlay;
  const session = sessionItems(state, { ...overlay, query: "" }).find(
    ({ id }) => task.do !== "choose" && id === task.id,
  );
  return truncateEnd(sanitizeLine(session?.title ?? "") || "untitled", DELETED_TITLE_MAX);
};
