import type { Action, KeyOverrides } from "../keys.ts";
import type { Overlay, SessionsOverlay } from "../overlay.ts";
import {
  agentItems,
  helpItems,
  isOpenSession,
  itemIds,
  markedIndex,
  modeItems,
  modelItems,
  sessionItems,
  themeItems,
} from "../overlay-items.ts";
import type { Caret } from "../screen/difference.ts";
import { type AppState, currentAgent } from "../state.ts";
import { formatAgo, formatCost } from "../text/figures.ts";
import { homePath } from "../text/home-path.ts";
import { type Line, lineWidth, prefixLines, span, wrapLine } from "../text/line.ts";
import { sanitizeLine } from "../text/sanitize.ts";
import { truncateEnd, widthOf } from "../text/width.ts";
import { firstChordName } from "./chord-name.ts";
import { contextFact, fittingFacts } from "./facts.ts";
import type { Renderer } from "./renderer.ts";

const MARK_COLUMNS = 3;
/** So much of a title stands in the question whether to delete it. */
const DELETED_TITLE_MAX = 30;

export type OverlayView = {
  rows: string[];
  caret: Caret | undefined;
  spoken?: readonly string[] | undefined;
};

type List = {
  title: string;
  hints: string;
  /** What the last row asks for instead of a filter. */
  ask?: { label: string; text: string; isGrave?: boolean } | undefined;
  /**
   * What stands at the right goes from its end where there is no room for all of it. `whole`: what is said of the
   * marked row where it is cut.
   */
  items: readonly { left: Line; right: readonly string[]; whole?: string; isCut?: boolean }[];
  empty: string;
  index: number;
  query: string;
};

/** A list over the whole window: title, rows around the marked one, and at the bottom what is typed. */
export function listView(
  state: AppState,
  overlay: Exclude<Overlay, { kind: "transcript" }>,
  renderer: Renderer,
  overrides: KeyOverrides,
): OverlayView {
  const { columns, rows } = state.size;
  const { glyphs } = renderer;
  const list = listOf(state, overlay, renderer, overrides);
  const index = Math.min(list.index, Math.max(0, list.items.length - 1));
  const note = noteLines(state, list, index);
  const hints = prefixLines(
    wrapLine([span(list.hints, "muted")], columns - 2).slice(0, HINT_ROWS_MAX),
    [span(" ")],
    [span(" ")],
  );
  const room = Math.max(1, rows - 4 - hints.length - note.length);
  const first = Math.max(0, Math.min(index - Math.floor(room / 2), list.items.length - room));
  const shown = list.items.slice(first, first + room).map(({ left, right }, offset): Line => {
    const isMarked = first + offset === index;
    const mark = span(isMarked ? ` ${glyphs.prompt} ` : "   ", isMarked ? "accent" : "muted");
    const line: Line = [
      mark,
      ...(isMarked ? left.map((part) => ({ ...part, style: `${part.style} selection` })) : left),
    ];
    const room = columns - 1 - lineWidth(line);
    const facts = fittingFacts(right, room - 2, glyphs.separator);
    return facts === "" ? line : [...line, span(" ".repeat(room - widthOf(facts))), span(facts, "muted")];
  });
  const body: Line[] = shown.length > 0 ? shown : [[span(`   ${list.empty}`, "muted")]];
  const title: Line = [span(` ${list.title}`, "heading")];
  const label = list.ask?.label ?? "filter:";
  const text = list.ask?.text ?? list.query;
  const foot: Line = [
    span(` ${label} `, list.ask?.isGrave === true ? "warning strong" : "accent"),
    span(text),
  ];
  const filler = Array.from(
    { length: Math.max(0, rows - 3 - hints.length - body.length - note.length) },
    (): Line => [],
  );
  const lines = [title, ...hints, [], ...body, ...filler, ...note, foot];
  return {
    rows: lines.map((line) => renderer.fit(line, columns)),
    caret: { row: lines.length - 1, column: Math.min(lineWidth(foot), columns - 1) },
  };
}

/** The list for a terminal of lines: every row with its number, and no key to press. Undefined until it is there. */
export function spokenList(
  state: AppState,
  overlay: Exclude<Overlay, { kind: "transcript" }>,
  renderer: Renderer,
  overrides: KeyOverrides,
): string[] | undefined {
  if (overlay.kind === "sessions" && overlay.found === undefined) return undefined;
  // The clock stands still: a list is not said again because a minute has passed.
  const list = listOf({ ...state, now: 0 }, overlay, renderer, overrides);
  const isHelp = overlay.kind === "help";
  const rows = isHelp
    ? // There are no keys to press.
      helpItems(overlay, overrides).flatMap(({ key, text }) =>
        key.startsWith("/") ? [`${key}, ${text}`] : [],
      )
    : list.items.map(({ left, right }, index) => spokenRow(index, withoutMark(left, renderer), right));
  const how = isHelp
    ? "Words narrow the list, an empty line closes it."
    : "Type a number to choose, words to narrow the list, or an empty line to close it.";
  return [`${isHelp ? "Commands" : list.title}:`, ...(rows.length === 0 ? [list.empty] : rows), how];
}

/** What a sign in front says, the facts say in words. */
function withoutMark(left: Line, { glyphs }: Renderer): Line {
  const signs = [glyphs.ok, glyphs.question, glyphs.running, ""];
  return signs.includes(left[0]?.text.trim() ?? "") ? left.slice(1) : left;
}

function spokenRow(index: number, left: Line, right: readonly string[]): string {
  const text = left
    .map((part) => part.text)
    .join("")
    .trim()
    .replace(/\s{2,}/g, ", ");
  const facts = right.filter((fact) => fact !== "" && fact !== "now" && !fact.endsWith(" ago"));
  return `${index + 1} ${[text, ...facts].join(", ")}`;
}

const NOTE_ROWS_MAX = 3;
const HINT_ROWS_MAX = 3;

/** Above what is typed: what went wrong, or the whole of a marked row that is cut. */
function noteLines(state: AppState, { items }: List, index: number): Line[] {
  const { columns } = state.size;
  const { flash } = state;
  if (flash !== undefined) return [[span(` ${flash.text}`, flash.level === "info" ? "muted" : flash.level)]];
  const marked = items[index];
  const isCut = marked?.isCut === true || MARK_COLUMNS + lineWidth(marked?.left ?? []) > columns;
  if (!isCut || marked?.whole === undefined) return [[]];
  const lines = wrapLine([span(marked.whole, "muted")], columns - 2);
  return prefixLines(lines.slice(0, NOTE_ROWS_MAX), [span(" ")], [span(" ")]);
}

function listOf(
  state: AppState,
  overlay: Exclude<Overlay, { kind: "transcript" }>,
  renderer: Renderer,
  overrides: KeyOverrides,
): List {
  const { glyphs } = renderer;
  const base = { index: markedIndex(itemIds(state, overlay, overrides), overlay), query: overlay.query };
  const dot = glyphs.separator;
  switch (overlay.kind) {
    case "sessions": {
      const signs = { waiting: glyphs.question, running: glyphs.running, idle: " " } as const;
      const styles = { waiting: "warning", running: "accent", idle: "muted" } as const;
      const items = sessionItems(state, overlay).map((session) => ({
        left: [
          span(`${signs[session.state]} `, styles[session.state]),
          span(sanitizeLine(session.title) || "untitled"),
          span(isOpenSession(state, session) ? "  (open)" : "", "muted"),
        ],
        whole: sanitizeLine(session.title),
        right: [
          session.state === "idle"
            ? formatAgo(state.now - Date.parse(session.updated_at))
            : session.state === "waiting"
              ? "needs you"
              : "running",
          ...(session.queued > 0 ? [`${session.queued} queued`] : []),
          session.agent,
          ...contextFact(session),
          ...(session.cost > 0 ? [formatCost(session.cost)] : []),
        ],
      }));
      const { task } = overlay;
      const ask =
        task.do === "rename"
          ? { label: "new title:", text: task.title }
          : task.do === "delete"
            ? {
                label: `delete "${titleOfTask(state, overlay)}" for good? enter deletes, esc keeps it`,
                text: "",
                isGrave: true,
              }
            : undefined;
      return {
        ...base,
        items,
        ask,
        title: `${overlay.isArchive ? "Archived sessions" : "Sessions"}${dot}${sanitizeLine(homePath(state.replica?.workspace.path ?? "", state.manner.home))}`,
        hints: sessionKeys(overlay, overrides).join(dot),
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
        items: items.map(({ key, text, name }) => ({
          left: [span(padded(key, wide, glyphs.ellipsis), "accent"), span(text)],
          right: [name],
          isCut: widthOf(key) > wide,
          whole: [`${key}: ${text}`, name].filter((part) => part !== "").join(dot),
        })),
        title: "Keys and commands",
        hints: "terminal.jsonc in the config folder changes them",
        empty: "nothing fits",
      };
    }
  }
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

const padded = (text: string, columns: number, ellipsis: string): string => {
  const shown = truncateEnd(text, columns, ellipsis);
  return shown + " ".repeat(Math.max(0, columns + 2 - widthOf(shown)));
};
