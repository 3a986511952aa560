// Long because it handles the daemon's events, keys and timers in one place: each does little, but their order matters.
import type { Replica } from "../client/replica.ts";
import type { HearthEvent } from "../protocol/events.ts";
import type { Run } from "../protocol/run.ts";
import type { Session } from "../protocol/session.ts";
import { isEmpty, replaceText } from "./editor/editor.ts";
import { addEntry } from "./editor/history.ts";
import type { InputEvent } from "./input/decode.ts";
import type { KeyMap, KeyOverrides } from "./keys.ts";
import { callOf, titleOf } from "./local/attention.ts";
import type { RequestEffect } from "./perform.ts";
import { titleSequence } from "./screen/call.ts";
import type { Terminal } from "./screen/terminal.ts";
import {
  createSessionFeed,
  isWaiting,
  pastContext,
  type SessionFeed,
  skippedOnOpening,
} from "./session/feed.ts";
import type { Effect } from "./state/effects.ts";
import type { TranscriptOverlay } from "./state/overlay.ts";
import {
  type AppState,
  activeRun,
  currentSession,
  type Flash,
  isBusy,
  type Link,
  nameOfClient,
} from "./state/state.ts";
import type { Store } from "./state/store.ts";
import { withTokenCount } from "./state/token-count.ts";
import { sessionToJoin, withBegun } from "./steps/beside.ts";
import { stepInput } from "./steps/input.ts";
import { stepLine } from "./steps/line.ts";
import { withQuestion } from "./steps/question.ts";
import { leaveEditing } from "./steps/take-draft.ts";
import type { Block } from "./text/blocks/block.ts";
import { drawnTogether } from "./text/blocks/render-block.ts";
import { announcement } from "./view/announcement.ts";
import { type AppView, emptyView, type OverlayView } from "./view/app-view.ts";
import { type LiveView, liveView } from "./view/live.ts";
import { openingBlocks, switchBlocks } from "./view/opening.ts";
import { listView, spokenList } from "./view/overlay.ts";
import type { Renderer } from "./view/renderer.ts";
import { createTranscriptPager } from "./view/transcript.ts";

/** Streamed text is drawn at most this often: below the 45 ms between the daemon's batches, so each is drawn at once. */
const STREAM_MS = 32;
const TICK_MS = 1000;
const GLANCE_MS = 4000;
/** Screens of history that are printed when a session is opened. */
const SCREENS_REPLAYED = 2;
/** The transcript requests its previous page when it is this close to the first loaded row. */
const SCREENS_AHEAD = 3;

/** Effects on this machine: neither drawing nor a request to the daemon. */
export type LocalEffect = Extract<
  Effect,
  {
    do:
      | "remember"
      | "edit_outside"
      | "suspend"
      | "leave"
      | "retry_now"
      | "attach_path"
      | "paste_image"
      | "copy"
      | "export"
      | "doctor"
      | "set_theme";
  }
>;

export type Controller = {
  onInput(events: readonly InputEvent[]): void;
  /** A whole line, in screen-reader mode. */
  onLine(line: string): void;
  /** Called by the session link. */
  onChange(replica: Replica, event: HearthEvent | undefined, isOther: boolean): void;
  onLink(link: Link): void;
  /** The open session was deleted; `onChange` follows with what is shown instead. */
  onDeleted(session: Session | undefined, by: string | null | undefined): void;
  onResize(size: AppState["size"]): void;
  /** Applies a change that was not made by a key, and draws it. */
  update(change: (state: AppState) => AppState): void;
  /** Prints a notice into the scrollback. */
  print(text: string): void;
  /** Puts a prompt that could not be sent back into the composer. */
  giveBack(text: string, flash: Flash): void;
  /** Stops every timer. */
  close(): void;
};

/**
 * Holds the state and draws it. Pure steps change the state; the controller performs their effects and decides when to
 * draw: once in a turn of the event loop, after requests were sent; streamed text at most every STREAM_MS.
 */
export function createController(options: {
  store: Store<AppState>;
  terminal: Terminal;
  renderer: Renderer;
  keys: KeyMap;
  overrides: KeyOverrides;
  now: () => number;
  request: (effect: RequestEffect) => void;
  local: (effect: LocalEffect) => void;
  /** Writes escape sequences that draw nothing. */
  send: (sequence: string) => void;
  /** Rings the bell or shows a desktop notification. */
  call: (text: string) => void;
  /** Called with each new state, for work other than drawing. */
  onState: (state: AppState) => void;
  /** The first blocks in the scrollback, printed once the workspace is known. */
  opening: (replica: Replica) => readonly Block[];
  /** Runs that were active when the person last left the first session. */
  away: () => readonly Run[];
}): Controller {
  const { store, terminal, renderer, keys, overrides, now } = options;
  const pager = createTranscriptPager(renderer);
  let conversation: SessionFeed | undefined;
  let newest: Replica | undefined;
  /** The last block in the scrollback: it decides whether a blank row comes next. */
  let last: Block | undefined;
  let streamTimer: NodeJS.Timeout | undefined;
  let streamedAt = Number.NEGATIVE_INFINITY;
  let tick: NodeJS.Timeout | undefined;
  let wake: NodeJS.Timeout | undefined;
  let flashTimer: NodeJS.Timeout | undefined;
  let glance: Flash | undefined;
  let isClosed = false;
  let drawing: NodeJS.Immediate | undefined;
  let title = "";
  let view: AppView = emptyView;

  /** Draws at the end of this turn of the event loop. */
  function changed(): void {
    drawing ??= setImmediate(draw);
  }

  function commit(blocks: readonly Block[]): void {
    if (blocks.length === 0) return;
    changed(); // before the rows are committed, so that they and their frame are one write
    for (const together of drawnTogether(blocks)) {
      const previous = last;
      const layOut = (columns: number) => renderer.blocks(together, columns, previous).map(renderer.paint);
      const rows = layOut(store.get().size.columns);
      terminal.commit({ rows, layOut });
      if (rows.length > 0) last = together.at(-1);
    }
  }

  /** Clears an info message after a moment. A warning or an error stays until the next key. */
  function keepFlash({ flash, armed }: AppState): void {
    if (flash === glance) return;
    clearTimeout(flashTimer);
    glance = flash;
    if (flash?.level !== "info" || armed !== undefined) return;
    flashTimer = setTimeout(() => {
      if (store.get().flash === flash) set({ ...store.get(), flash: undefined });
    }, GLANCE_MS);
  }

  function draw(): void {
    clearImmediate(drawing);
    drawing = undefined;
    if (isClosed) return;
    const state = store.get();
    keepFlash(state);
    const { overlay } = state;
    options.onState(state);
    joinBegun(state);
    const nextTitle = titleOf(state);
    if (nextTitle !== title) options.send(titleSequence(nextTitle));
    title = nextTitle;
    if (overlay === undefined) {
      const live = liveView(state, renderer, overrides, last);
      const { question } = state;
      const { isQuestionCut: isCut, cutOptions } = live;
      if (
        question !== undefined &&
        (isCut !== question.isCut || `${cutOptions}` !== `${question.cutOptions}`)
      ) {
        store.set({ ...state, question: { ...question, isCut, cutOptions } });
      }
      show({ live });
    } else if (overlay.kind === "transcript") drawTranscript(state, overlay);
    else {
      const spoken = state.display.isLines ? spokenList(state, overlay, renderer, overrides) : undefined;
      show({ overlay: { ...listView(state, overlay, renderer, overrides), spoken } });
    }
  }

  /** Shows the live region or an overlay. While an overlay covers the live region, it is not laid out. */
  function show(what: { live: LiveView } | { overlay: OverlayView }): void {
    view = { live: view.live, overlay: undefined, ...what, looks: renderer.looks };
    terminal.show(view);
  }

  /** A terminal without a session of its own joins the one in which something began. */
  function joinBegun(state: AppState): void {
    const id = sessionToJoin(state);
    if (id === undefined) return;
    store.set({ ...state, beside: undefined });
    options.request({ do: "open_session", id, opening: "begun_beside" });
  }

  function drawTranscript(state: AppState, overlay: TranscriptOverlay): void {
    // Screen-reader mode cannot scroll: all loaded rows are printed once.
    if (state.display.isLines) {
      if (overlay.messages === undefined) return;
      const rows = pager.all(state, overlay).map(renderer.paint);
      terminal.commit({ rows, layOut: () => rows });
      store.set({ ...state, overlay: undefined });
      return;
    }
    const transcript = pager.view(state, overlay);
    const { up, above } = transcript;
    show({ overlay: transcript });
    if (up !== overlay.up) store.set({ ...state, overlay: { ...overlay, up } });
    const isNear = above < state.size.rows * SCREENS_AHEAD;
    if (isNear && overlay.before !== null && !overlay.isLoading) options.request({ do: "load_transcript" });
  }

  function find(isOlder: boolean): void {
    const state = store.get();
    const { overlay } = state;
    if (overlay?.kind !== "transcript") return;
    const up = pager.find(state, overlay, isOlder);
    if (up !== undefined) store.set({ ...state, flash: undefined, overlay: { ...overlay, up } });
    else if (overlay.query !== "") {
      const more = overlay.before === null ? "" : " in what is loaded";
      store.set({ ...state, flash: { text: `no "${overlay.query}"${more}`, level: "warning" } });
    }
  }

  function set(state: AppState): void {
    if (state.display.isLines) announce(store.get(), state);
    store.set(withTokenCount(withQuestion(state, now()), now()));
    keepTime();
    changed();
  }

  /** Prints changes of the status line in screen-reader mode, which has no status line. */
  function announce(before: AppState, after: AppState): void {
    const text = announcement(before, after);
    if (text === undefined) return;
    commit([{ id: `local/announce/${now()}`, type: "presence", text, isRule: false }]);
  }

  /** Runs the clock only while something is running and visible. */
  function keepTime(): void {
    const state = store.get();
    const isTicking =
      !isClosed &&
      !state.display.isStill &&
      state.focus !== "out" &&
      (isBusy(state) || state.link.state === "lost");
    if (isTicking === (tick !== undefined)) return;
    clearInterval(tick);
    tick = isTicking ? setInterval(() => set(withOpen({ ...store.get(), now: now() })), TICK_MS) : undefined;
  }

  /** Updates the unfinished blocks: running tools show their running time. */
  function withOpen(state: AppState): AppState {
    if (conversation === undefined || newest === undefined || state.live.length === 0) return state;
    return { ...state, ...settle(newest) };
  }

  /** Moves finished blocks into the scrollback. */
  function settle(replica: Replica): Pick<AppState, "replica" | "live"> {
    if (conversation === undefined) return { replica, live: [] };
    const { closed, open } = conversation.advance(replica);
    commit(closed);
    return { replica, live: open };
  }

  function follow(replica: Replica): void {
    clearTimeout(streamTimer);
    streamTimer = undefined;
    const state = { ...store.get(), ...settle(replica), now: now() };
    const known = new Set(replica.runs.map(({ id }) => id));
    const seen = new Set(replica.messages.map((message) => message.run_id));
    const sending = state.sending.filter(({ runId }) => !known.has(runId) && !seen.has(runId));
    const cancelAsked = activeRun(state)?.id === state.cancelAsked ? state.cancelAsked : undefined;
    set({
      ...state,
      sending: sending.length === state.sending.length ? state.sending : sending,
      cancelAsked,
    });
  }

  function followStream(): void {
    streamedAt = now();
    if (newest !== undefined) follow(newest);
  }

  /** Opens another session: the old one stays in the scrollback, the last screens of the new one follow. */
  function open(replica: Replica): void {
    const { size, clientId, display } = store.get();
    const height = (blocks: readonly Block[]) => renderer.blocks(blocks, size.columns, undefined).length;
    const shown = {
      ...replica,
      messages: replica.messages.filter((message) => !isWaiting(message, replica.runs)),
    };
    const skipped = skippedOnOpening(shown, size.rows * SCREENS_REPLAYED, height, pastContext(replica));
    const isFirst = conversation === undefined;
    const { opening } = store.get();
    if (opening === "cleared") clear();
    if (isFirst) commit(options.opening(replica));
    else commit(switchBlocks(replica, currentSession(store.get()), now(), opening));
    conversation = createSessionFeed({
      clientId,
      isStill: display.isStill,
      now,
      replica: () => newest,
      skipped,
    });
    commit(openingBlocks(replica, clientId, skipped.size, now(), "before"));
    const away = isFirst ? options.away() : [];
    const closing = openingBlocks(replica, clientId, skipped.size, now(), "after", { away, opening });
    const state = { ...leaveEditing(store.get()), ...settle(replica), beside: undefined, now: now() };
    commit(closing);
    set(state);
  }

  function clear(): void {
    terminal.clear();
    last = undefined;
    changed();
  }

  function run(effects: readonly Effect[]): void {
    for (const effect of effects) perform(effect);
  }

  function perform(effect: Effect): void {
    switch (effect.do) {
      case "print":
        commit([effect.block]);
        return;
      case "find":
        find(effect.isOlder);
        return;
      case "clear_screen":
        clear();
        return;
      case "repaint":
        terminal.repaint();
        return;
      case "wake":
        clearTimeout(wake);
        wake = setTimeout(forgetArmed, effect.at - now() + 1);
        return;
      case "remember":
      case "edit_outside":
      case "suspend":
      case "leave":
      case "retry_now":
      case "attach_path":
      case "paste_image":
      case "copy":
      case "export":
      case "doctor":
      case "set_theme":
        options.local(effect);
        return;
      default:
        options.request(effect);
    }
  }

  function forgetArmed(): void {
    wake = undefined;
    const state = store.get();
    if (state.armed !== undefined && now() > state.armed.until)
      set({ ...state, armed: undefined, flash: undefined });
  }

  return {
    onInput(events) {
      // A key may be an answer, and what it does depends on how much of the question has been shown: draw it first.
      if (drawing !== undefined && store.get().question !== undefined) draw();
      changed();
      for (const event of events) {
        const { state, effects } = stepInput(store.get(), event, keys, now());
        store.set(state);
        run(effects);
      }
      keepTime();
    },
    onLine(line) {
      const { state, effects } = stepLine(withQuestion(store.get(), now()), line, now());
      set(state);
      run(effects);
    },
    onChange(replica, event, isOther) {
      newest = replica;
      if (isOther || conversation === undefined) {
        open(replica);
        return;
      }
      if (event !== undefined) {
        conversation.observe(replica, event);
        const call = callOf(store.get(), replica, event);
        if (call !== undefined) options.call(call);
        store.set(withBegun(store.get(), replica, event));
      }
      if (event?.type !== "part.delta") {
        follow(replica);
        return;
      }
      if (streamTimer !== undefined) return;
      // The first text after a pause is drawn at once.
      const wait = streamedAt + STREAM_MS - now();
      if (wait <= 0) followStream();
      else streamTimer = setTimeout(followStream, wait);
    },
    onLink(link) {
      const state = store.get();
      const isBack = ["lost", "stopped"].includes(state.link.state) && link.state === "connected";
      const flash: Flash | undefined = isBack ? { text: "reconnected", level: "info" } : state.flash;
      set({ ...state, link, flash, now: now() });
    },
    onDeleted(session, by) {
      const state = store.get();
      const who = by === undefined || by === null ? "" : ` by ${nameOfClient(state, by) ?? "you"}`;
      const text = `"${session?.title || "untitled"}" was deleted${who}`;
      store.set({ ...state, staysNew: false });
      commit([{ id: `local/deleted/${now()}`, type: "notice", level: "warning", code: "deleted", text }]);
    },
    onResize(size) {
      set({ ...store.get(), size });
    },
    update: (change) => set(change(store.get())),
    print(text) {
      commit([{ id: `local/said/${now()}`, type: "notice", level: "info", code: "command", text }]);
      set({ ...store.get(), flash: undefined });
    },
    giveBack(text, flash) {
      const state = store.get();
      if (isEmpty(state.editor)) set({ ...state, editor: replaceText(state.editor, text), flash });
      else
        set({
          ...state,
          history: addEntry(state.history, text),
          flash: { ...flash, text: `${flash.text} (↑ restores it)` },
        });
    },
    close() {
      isClosed = true;
      clearImmediate(drawing);
      clearTimeout(streamTimer);
      clearInterval(tick);
      clearTimeout(wake);
      clearTimeout(flashTimer);
    },
  };
}
