import { isRunning } from "../../protocol/job.ts";
import { withEffort } from "../../protocol/model-effort.ts";
import type { Grant } from "../../protocol/permission.ts";
import { chosenModel, whyNotReady } from "../commands/agent-choice.ts";
import type { InputEvent } from "../input/decode.ts";
import type { Action, KeyMap } from "../keys.ts";
import { type Effect, type Step, stay, step } from "../state/effects.ts";
import type {
  AnyListOverlay,
  GrantsOverlay,
  JobsOverlay,
  Overlay,
  SessionsOverlay,
} from "../state/overlay.ts";
import {
  agentItems,
  effortItems,
  grantItems,
  isOpenSession,
  itemIds,
  jobItems,
  loginItems,
  markedIndex,
  modeItems,
  modelItems,
  sessionItems,
  themeItems,
} from "../state/overlay-items.ts";
import { type AppState, currentAgent } from "../state/state.ts";
import { withEditsAllowed } from "./allow-edits.ts";
import { acceptArenaItem, leaveArenaLevel, manageArena } from "./arena.ts";
import { changeSession, newSession } from "./change-session.ts";
import { stepKey } from "./login.ts";
import { stepReview } from "./review.ts";
import { acceptRewind, closeRewind } from "./rewind.ts";
import { stepTranscript } from "./transcript.ts";
import { answerTrust, markTrust } from "./trust.ts";

const withOverlay = (state: AppState, overlay: Overlay | undefined): AppState => ({ ...state, overlay });
const close = (state: AppState): AppState => withOverlay(state, undefined);

/** Handles an input event while an overlay is open. */
export function stepOverlay(state: AppState, overlay: Overlay, event: InputEvent, keys: KeyMap): Step {
  if (overlay.kind === "transcript") return stepTranscript(state, overlay, event, keys);
  if (overlay.kind === "review") return stepReview(state, overlay, event, keys);
  if (overlay.kind === "sessions" && overlay.task.do !== "choose")
    return stepTask(state, overlay, event, keys);
  if (overlay.kind === "login" && overlay.provider !== undefined) return stepKey(state, overlay, event, keys);
  if (overlay.kind === "trust" && event.type !== "key") return markTrust(state, overlay, event);
  if (event.type === "text" || event.type === "paste") {
    const typed = event.text.split("\n")[0] ?? "";
    return withQuery(state, overlay, overlay.query + typed);
  }
  const action = event.type === "key" ? keys.list.get(event.chord) : undefined;
  if (action === undefined) return stay(state);
  const ids = itemIds(state, overlay, {});
  const index = markedIndex(ids, overlay);
  const last = Math.max(0, ids.length - 1);
  const mark = (to: number) =>
    stay(withOverlay(state, { ...overlay, marked: ids[Math.max(0, Math.min(to, last))] }));
  switch (action) {
    case "list.up":
      return mark(index === 0 ? last : index - 1);
    case "list.down":
      return mark(index >= last ? 0 : index + 1);
    case "list.page_up":
      return mark(index - pageOf(state));
    case "list.page_down":
      return mark(index + pageOf(state));
    case "list.first":
      return mark(0);
    case "list.last":
      return mark(last);
    case "list.erase":
      return withQuery(state, overlay, Array.from(overlay.query).slice(0, -1).join(""));
    case "list.clear":
      return withQuery(state, overlay, "");
    case "list.close":
      if (overlay.kind === "jobs" && overlay.shown !== undefined)
        return stay(
          withOverlay(state, { ...overlay, shown: undefined, query: "", marked: overlay.shown.id }),
        );
      if (overlay.kind === "arena") return stay(leaveArenaLevel(state, overlay) ?? close(state));
      return stay(overlay.kind === "rewind" ? closeRewind(state, overlay) : close(state));
    case "list.accept":
      return acceptItem(state, overlay, index);
    default:
      if (overlay.kind === "grants" && action === "list.delete") return acceptItem(state, overlay, index);
      if (overlay.kind === "jobs" && (action === "list.stop" || action === "list.delete"))
        return endJob(state, overlay, index);
      if (overlay.kind === "arena") return manageArena(state, overlay, index, action);
      return overlay.kind === "sessions" ? manage(state, overlay, index, action) : stay(state);
  }
}

/** Sessions are also looked for by what was said in them. */
function withQuery(state: AppState, overlay: AnyListOverlay, query: string): Step {
  const next = withOverlay(state, { ...overlay, query, marked: undefined });
  return overlay.kind === "sessions" ? step(next, { do: "search_sessions", query }) : stay(next);
}

const pageOf = (state: AppState): number => Math.max(1, state.size.rows - 6);

/** Accepts a row of the list; `index` counts from 0. */
export function acceptItem(state: AppState, overlay: AnyListOverlay, index: number): Step {
  switch (overlay.kind) {
    case "sessions": {
      const session = sessionItems(state, overlay)[index];
      return session === undefined
        ? stay(close(state))
        : step(close(state), { do: "open_session", id: session.id });
    }
    case "models": {
      const model = modelItems(state, overlay)[index];
      if (model === undefined) return stay(close(state));
      return changeSession(close(state), { model: model.id });
    }
    case "efforts": {
      const item = effortItems(state, overlay)[index];
      return item === undefined
        ? stay(close(state))
        : changeSession(close(state), { model: withEffort(chosenModel(state), item.effort) });
    }
    case "agents": {
      const agent = agentItems(state, overlay)[index];
      if (agent === undefined || agent === currentAgent(state)) return stay(close(state));
      if (agent.status !== "ready")
        return stay({ ...state, flash: { text: whyNotReady(agent), level: "warning" } });
      return changeSession(close(state), { agent: agent.name, model: null });
    }
    case "modes": {
      const item = modeItems(state, overlay)[index];
      return item === undefined
        ? stay(close(state))
        : withEditsAllowed(changeSession(close(state), item.changes), item.changes.mode);
    }
    case "grants":
      return takeBack(state, overlay, grantItems(state, overlay)[index]);
    case "login": {
      const provider = loginItems(state, overlay)[index];
      if (provider === undefined) return stay(close(state));
      return stay(withOverlay(state, { ...overlay, query: "", marked: undefined, provider }));
    }
    case "jobs":
      return showJob(state, overlay, index);
    case "arena":
      return acceptArenaItem(state, overlay, index);
    case "trust":
      return answerTrust(state, overlay, index);
    case "rewind":
      return acceptRewind(state, overlay, index);
    case "themes": {
      const name = themeItems(overlay)[index];
      return name === undefined ? stay(close(state)) : step(close(state), { do: "set_theme", name });
    }
    case "help":
      return stay(close(state));
  }
}

/** Shows the output of the marked job; of the one that is shown, what it has printed since. */
function showJob(state: AppState, overlay: JobsOverlay, index: number): Step {
  const id = overlay.shown?.id ?? jobItems(state, overlay)[index]?.id;
  if (id === undefined) return stay(close(state));
  const lines = overlay.shown?.lines;
  const next: JobsOverlay = { ...overlay, query: "", marked: undefined, shown: { id, lines } };
  return step(withOverlay(state, next), { do: "load_job", id });
}

function endJob(state: AppState, overlay: JobsOverlay, index: number): Step {
  const jobs = jobItems(state, { ...overlay, query: overlay.shown === undefined ? overlay.query : "" });
  const job = overlay.shown === undefined ? jobs[index] : jobs.find(({ id }) => id === overlay.shown?.id);
  if (job === undefined || !isRunning(job)) return stay(state);
  return step(
    { ...state, flash: { text: `${job.id} is being ended`, level: "info" } },
    { do: "end_job", id: job.id },
  );
}

/** Revokes a grant. The list stays open, since a person may revoke several. */
function takeBack(state: AppState, overlay: GrantsOverlay, grant: Grant | undefined): Step {
  if (grant === undefined) return stay(close(state));
  const found = overlay.found?.filter(({ id }) => id !== grant.id);
  const flash = { text: `${grant.rule} asks again`, level: "info" } as const;
  const next = { ...withOverlay(state, { ...overlay, found, marked: undefined }), flash };
  return step(next, { do: "revoke_grant", id: grant.id });
}

/** Actions on the marked session besides opening it. */
function manage(state: AppState, overlay: SessionsOverlay, index: number, action: Action): Step {
  const session = sessionItems(state, overlay)[index];
  if (action === "list.new") return newSession(close(state));
  if (action === "list.archived") {
    const isArchive = !overlay.isArchive;
    const next: SessionsOverlay = { ...overlay, isArchive, found: undefined, marked: undefined };
    return step(withOverlay(state, next), { do: "load_sessions", isArchive });
  }
  if (session === undefined) return stay(state);
  const task = (next: SessionsOverlay["task"]) => stay(withOverlay(state, { ...overlay, task: next }));
  switch (action) {
    case "list.rename":
      return task({ do: "rename", id: session.id, title: session.title });
    case "list.delete":
      return task({ do: "delete", id: session.id });
    case "list.archive": {
      const archived = !session.archived;
      const found = overlay.found?.map((other) => (other.id === session.id ? { ...other, archived } : other));
      const archive: Effect = { do: "change_session", changes: { archived }, id: session.id };
      const next = withOverlay(state, { ...overlay, found });
      // As /archive does: an archived session is closed.
      return archived && isOpenSession(state, session)
        ? newSession(next, { before: archive })
        : step(next, archive);
    }
    case "list.fork":
      return step(close(state), { do: "fork", id: session.id });
    case "list.stop":
      return step(state, { do: "cancel", id: session.id });
    default:
      return stay(state);
  }
}

/** Handles an input event while a title is written or a deletion is to be confirmed. */
function stepTask(state: AppState, overlay: SessionsOverlay, event: InputEvent, keys: KeyMap): Step {
  const { task } = overlay;
  const chosen = (): AppState => withOverlay(state, { ...overlay, task: { do: "choose" } });
  const action = event.type === "key" ? keys.list.get(event.chord) : undefined;
  if (action === "list.close") return stay(chosen());
  if (task.do === "rename") {
    const write = (title: string) => stay(withOverlay(state, { ...overlay, task: { ...task, title } }));
    if (event.type === "text" || event.type === "paste")
      return write(task.title + event.text.replace(/\s+/g, " "));
    if (action === "list.erase") return write(Array.from(task.title).slice(0, -1).join(""));
    if (action === "list.clear") return write("");
    if (action !== "list.accept") return stay(state);
    const title = task.title.trim();
    if (title === "") return stay(chosen());
    return step(chosen(), { do: "change_session", changes: { title }, id: task.id });
  }
  if (task.do !== "delete" || action !== "list.accept") return stay(state);
  const found = overlay.found?.filter(({ id }) => id !== task.id);
  const next = withOverlay(state, {
    ...overlay,
    found,
    task: { do: "choose" },
  });
  return step(next, {
    do: "delete_session",
    id: task.id,
    ...(task.loses !== undefined && { isForced: true }),
  });
}
