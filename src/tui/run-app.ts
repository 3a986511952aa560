import { homedir } from "node:os";
import { ignoreError, inBackground } from "../async/in-background.ts";
import type { Connection } from "../client/connect.ts";
import { newId } from "../client/repeatable-calls.ts";
import { createController } from "./controller.ts";
import { emptyEditor, replaceAtoms } from "./editor/editor.ts";
import { errorSentence } from "./effects/error-sentence.ts";
import { createLocalEffects } from "./effects/local.ts";
import { createPerformer } from "./effects/perform.ts";
import { openHistoryFile } from "./files/history-file.ts";
import { openLeftSessions } from "./files/left-sessions.ts";
import { loadPreferences } from "./files/preferences.ts";
import { openTerminalFile } from "./files/terminal-file.ts";
import { repairSequence } from "./input/modes.ts";
import { createKeyMap } from "./keys.ts";
import { detectCapabilities, isOn } from "./local/capabilities.ts";
import { guardExits } from "./local/exits.ts";
import type { TuiOptions } from "./main.tsx";
import { callSequence } from "./screen/call.ts";
import { openPlainTerminal } from "./screen/plain-terminal.ts";
import { type ComingBack, comeBack } from "./session/coming-back.ts";
import { watchLatency } from "./session/latency.ts";
import { draftToKeep, untilDelivered } from "./session/leave.ts";
import { createSessionLink, type SessionLink } from "./session/link.ts";
import { newTrustOverlay } from "./state/overlay.ts";
import { type AppState, currentRuns, currentSession, type Flash, initialState } from "./state/state.ts";
import { createStore } from "./state/store.ts";
import type { Highlight } from "./text/highlight/highlight.ts";
import { loadHighlight } from "./text/highlight/load-highlight.ts";
import { themes } from "./theme.ts";
import { firstChordName } from "./view/chord-name.ts";
import { leavingRows } from "./view/leaving.ts";
import { headerBlock, plainHint, welcomeBlocks } from "./view/opening.ts";
import { createRenderer } from "./view/renderer.ts";

type AppOptions = TuiOptions & { clientId: string; connecting: Promise<Connection>; label: string };

/** The exit code if the terminal disappears without a signal, as for SIGHUP. */
const HUNG_UP = 129;

const WAITS = "waiting for the daemon · leave again to skip";

/** Creates the terminal's parts, connects them, and waits until the person leaves. */
export async function runApp(options: AppOptions, signal: AbortSignal): Promise<{ exitCode: number }> {
  const { paths, env, cwd, clientId, label, isObserver = false, remote } = options;
  /** What this terminal is remembered by. */
  const where = remote === undefined ? cwd : `${remote.host}:${remote.dir}`;
  const now = Date.now;
  const left = Promise.withResolvers<{ exitCode: number }>();
  const leave = (exitCode: number) => left.resolve({ exitCode });
  /** Aborted by leaving a second time: skips the wait for the daemon. */
  const skipWait = new AbortController();
  const history = openHistoryFile(paths);
  const terminalFile = openTerminalFile(paths, { label, cwd: where, platform: process.platform });
  const place = { cwd: where, host: remote?.host, env, terminal: `${label} ${process.ppid}` };
  const leftSessions = openLeftSessions(paths, place);
  const preferences = await loadPreferences(paths);
  const detected = detectCapabilities(env, process.stdout);
  const isSpoken = detected.screenReader || preferences.screenReader || !detected.cursor;
  const capabilities = { ...detected, screenReader: isSpoken };
  // A screen reader reads whatever is redrawn again, so both get lines that are printed once.
  const isPlain = !capabilities.cursor || capabilities.screenReader;
  // Loading Ink takes a good part of the start: it is loaded only if needed. The first frame echoes keys meanwhile.
  const screen = isPlain ? undefined : await import("./screen/terminal.ts");
  const ahead = options.firstFrame?.take();
  if (terminalFile.left !== undefined && terminalFile.left.modes.length > 0) {
    // A killed hearth may have left the alternate screen open.
    process.stdout.write(repairSequence(terminalFile.left.modes));
  }

  let link: SessionLink | undefined;
  /** Notices about the daemon and its configuration. */
  let notices: readonly string[] = [];
  let highlight: Highlight | undefined;
  let back: ComingBack = { sessionId: null, away: [], hints: [] };
  let shown = "";
  let isLeft = false;
  const usualTheme = capabilities.color === "none" ? themes.none : themes[capabilities.background];
  const moreKey = isPlain ? "/transcript" : firstChordName("transcript.open", preferences.keys);
  const renderer = createRenderer({
    theme: preferences.theme ?? usualTheme,
    capabilities,
    extras: () => ({ root: link?.replica?.workspace.path, highlight, moreKey }),
    // Grammars are loaded when there is code to highlight; then the screen is redrawn.
    onCode() {
      // If an update has removed the file meanwhile, code stays without colours.
      inBackground(async () => {
        highlight = await loadHighlight();
        controller.update((state) => ({ ...state }));
      }, ignoreError);
    },
  });
  const streams = { input: process.stdin, output: process.stdout };
  const terminal =
    screen === undefined
      ? openPlainTerminal(streams, renderer.paint, (line) => controller.onLine(line))
      : screen.openTerminal(streams, {
          drawn: terminalFile.left?.modes.includes("alternateScreen") ? undefined : ahead?.drawn,
          onWidth: env["TERM"] === "linux" ? "cuts" : "wraps",
          onResize: (size) => controller.onResize(size),
          onModes: (active) => terminalFile.modes(active),
        });
  const initial = initialState({
    clientId,
    size: terminal.size,
    now: now(),
    isObserver,
    display: {
      isLines: isPlain,
      // A screen reader would read a moving clock again and again.
      isStill: isPlain || isOn(env["HEARTH_NO_ANIMATIONS"]) || !preferences.animations,
      home: remote === undefined ? env["HOME"] || homedir() : undefined,
    },
    remote: remote === undefined ? undefined : { host: remote.host, latencyMs: undefined },
    history: history.load(),
    defaults: {
      agent: options.agent,
      model: options.model,
      mode: options.mode,
      agent_mode: undefined,
      isolation: options.isolation,
      container: options.container,
    },
  });
  const draft = terminalFile.left?.draft ?? [];
  const store = createStore<AppState>(
    draft.length === 0 ? initial : { ...initial, editor: replaceAtoms(emptyEditor, draft) },
  );
  const ready = options.connecting.then(async (connection) => {
    notices = [...(connection.notice === null ? [] : [connection.notice]), ...connection.warnings];
    const opened = createSessionLink(
      {
        ...{ connection, label, now, isObserver },
        ...{ onChange: controller.onChange, onLink: controller.onLink, onDeleted: controller.onDeleted },
      },
      signal,
    );
    link = opened;
    await opened.start(async (snapshot) => {
      const wishes = {
        session: options.session,
        continueLast: options.continueLast ?? false,
        hasPrompt: options.prompt !== undefined,
        isNew: options.container !== undefined,
        left: leftSessions.read(),
        clientId,
        terminal: place.terminal,
        now: now(),
      };
      back = await comeBack(connection, snapshot, wishes, signal);
      return back.sessionId;
    });
    const { trust } = connection;
    if (trust !== undefined && !trust.is_trusted && !isObserver)
      controller.update((state) => ({ ...state, overlay: state.overlay ?? newTrustOverlay(trust) }));
    if (remote !== undefined) {
      const tell = (latencyMs: number | undefined) =>
        controller.update((state) => ({ ...state, remote: { host: remote.host, latencyMs } }));
      watchLatency(remote, tell, signal);
    }
    return { connection, link: opened };
  });
  ready.catch(left.reject);
  const performer = createPerformer(
    {
      ready,
      store,
      newId,
      giveBack: (text, flash) => controller.giveBack(text, flash),
      update: (change) => controller.update(change),
      print: (text) => controller.print(text),
    },
    signal,
  );

  const say = (text: string, level: Flash["level"]) =>
    controller.update((state) => ({ ...state, flash: { text, level } }));
  /** Saves which session is shown and its active runs, for the next start in this directory. */
  function keepShown(state: AppState, isLeaving = false): void {
    const session = currentSession(state);
    if (session === undefined || isObserver) return;
    const runs = [
      ...currentRuns(state).flatMap(({ id, state: phase }) => (phase === "held" ? [] : [id])),
      ...state.sending.map(({ runId }) => runId),
    ];
    const now = [session.id, ...runs].join(" ");
    if (now === shown && !isLeaving) return;
    shown = now;
    leftSessions.show(session.id, runs);
  }

  const guarded = (work: () => Promise<unknown>) =>
    inBackground(work, (error) => say(errorSentence(error), "error"));
  const local = createLocalEffects({
    ...{ paths, env, cwd, launcher: options.launcher, isRemote: remote !== undefined, signal },
    ...{ store, history, terminal, ready, say, guarded },
    update: (change) => controller.update(change),
    print: (text) => controller.print(text),
    retryNow: () => link?.retryNow(),
    leave() {
      if (isLeft) skipWait.abort();
      isLeft = true;
      leave(0);
    },
    setTheme: (name) => renderer.setTheme(name === "auto" ? usualTheme : themes[name]),
  });
  const controller = createController({
    store,
    terminal,
    renderer,
    keys: createKeyMap(preferences.keys),
    overrides: preferences.keys,
    now,
    request: (effect) => guarded(() => performer.perform(effect)),
    local: local.perform,
    send: (sequence) => terminal.send(sequence),
    call(text) {
      if (preferences.notifications) terminal.send(callSequence(text, env));
    },
    onState(state) {
      terminalFile.draft(draftToKeep(state));
      keepShown(state);
    },
    away: () => back.away,
    opening: (replica) => [
      headerBlock(place, replica),
      ...(isPlain ? [plainHint] : []),
      ...welcomeBlocks(replica, [...notices, ...preferences.problems], back.hints),
    ],
  });
  const undoGuard = guardExits({
    restore() {
      terminalFile.flush();
      terminal.close([]);
    },
    leave,
    interrupt: isPlain ? () => controller.onInput([{ type: "key", chord: "ctrl+c" }]) : undefined,
    suspend: local.suspend,
    continued: () => terminal.continued(),
    fail: left.reject,
  });
  try {
    controller.update((state) => ({ ...state, live: [headerBlock(place, undefined)] }));
    terminal.listen(ahead?.typed ?? [], controller.onInput, () => leave(isPlain ? 0 : HUNG_UP));
    if (options.prompt !== undefined) {
      const text = options.prompt;
      guarded(() => performer.perform({ do: "send", text, delivery: "queue", attachments: [] }));
    }
    return await left.promise;
  } finally {
    // If this process is killed while it waits, the saved draft holds the prompts that may not have arrived.
    terminalFile.draft(draftToKeep(store.get(), performer.unsent()));
    terminalFile.flush();
    await untilDelivered(performer.delivered(), () => say(WAITS, "info"), skipWait.signal);
    const state = store.get();
    const unsent = performer.unsent();
    keepShown(state, true);
    controller.close();
    terminal.close(
      leavingRows(state, { isInCwd: cwd === process.cwd(), remote, unsentCount: unsent.length }),
    );
    terminalFile.draft(draftToKeep(state, unsent));
    terminalFile.close();
    undoGuard();
  }
}
