// Long because it is the terminal's composition root: all parts are created and connected here.
import { homedir } from "node:os";
import { ignoreError, inBackground } from "../async/in-background.ts";
import type { Connection } from "../client/connect.ts";
import { newId } from "../client/repeatable-calls.ts";
import type { Attachment } from "../protocol/routes.ts";
import { createController, type LocalEffect } from "./controller.ts";
import { withFiles } from "./editor/atoms.ts";
import { editorText, emptyEditor, insertAttachment, replaceAtoms } from "./editor/editor.ts";
import { addEntry } from "./editor/history.ts";
import { fileTrouble } from "./files/file-trouble.ts";
import { openHistoryFile } from "./files/history-file.ts";
import { openLeftSessions } from "./files/left-sessions.ts";
import { loadPreferences } from "./files/preferences.ts";
import { openTerminalFile } from "./files/terminal-file.ts";
import { repairSequence } from "./input/modes.ts";
import { createKeyMap } from "./keys.ts";
import { clipboardImage, readDragged } from "./local/attach-image.ts";
import { detectCapabilities, isOn } from "./local/capabilities.ts";
import { copyText } from "./local/copy-text.ts";
import { draggedPaths } from "./local/dragged-path.ts";
import { editOutside } from "./local/edit-outside.ts";
import { guardExits, stopJob } from "./local/exits.ts";
import { runDoctor } from "./local/run-doctor.ts";
import type { TuiOptions } from "./main.tsx";
import { createPerformer, sentence } from "./perform.ts";
import { callSequence, copySequence } from "./screen/call.ts";
import { openPlainTerminal } from "./screen/plain-terminal.ts";
import { type ComingBack, comeBack } from "./session/coming-back.ts";
import { draftToKeep, untilDelivered } from "./session/leave.ts";
import { createSessionLink, type SessionLink } from "./session/link.ts";
import { newTrustOverlay } from "./state/overlay.ts";
import {
  type AppState,
  currentRuns,
  currentSession,
  type Flash,
  initialState,
  isWritingCommand,
} from "./state/state.ts";
import { createStore } from "./state/store.ts";
import { withPasted } from "./steps/completion.ts";
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
  const { paths, env, cwd, clientId, label } = options;
  const now = Date.now;
  const left = Promise.withResolvers<{ exitCode: number }>();
  const leave = (exitCode: number) => left.resolve({ exitCode });
  /** Aborted by leaving a second time: skips the wait for the daemon. */
  const skipWait = new AbortController();
  const history = openHistoryFile(paths);
  const terminalFile = openTerminalFile(paths, { label, cwd, platform: process.platform });
  const place = { cwd, env, terminal: `${label} ${process.ppid}` };
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
    display: {
      isLines: isPlain,
      // A screen reader would read a moving clock again and again.
      isStill: isPlain || isOn(env["HEARTH_NO_ANIMATIONS"]) || !preferences.animations,
      home: env["HOME"] || homedir(),
    },
    history: history.load(),
    defaults: {
      agent: options.agent,
      model: options.model,
      mode: options.mode,
      agent_mode: undefined,
      isolation: options.isolation,
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
        ...{ connection, label, now },
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
        left: leftSessions.read(),
        clientId,
        terminal: place.terminal,
        now: now(),
      };
      back = await comeBack(connection, snapshot, wishes, signal);
      return back.sessionId;
    });
    const { trust } = connection;
    if (trust !== undefined && !trust.is_trusted)
      controller.update((state) => ({ ...state, overlay: state.overlay ?? newTrustOverlay(trust) }));
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
    },
    signal,
  );

  const say = (text: string, level: Flash["level"]) =>
    controller.update((state) => ({ ...state, flash: { text, level } }));
  const insertAttachments = (files: readonly Attachment[]) =>
    controller.update((state) => ({ ...state, editor: files.reduce(insertAttachment, state.editor) }));
  async function attachPaths(text: string): Promise<void> {
    for (const paths of draggedPaths(text)) {
      const files = await Promise.all(paths.map((path) => readDragged(path, cwd, env["HOME"] || homedir())));
      const there = files.filter((file) => file !== undefined);
      if (there.length === paths.length) return insertAttachments(there);
    }
    controller.update((state) => withPasted(state, text));
  }

  async function exportTo(wanted: string): Promise<void> {
    const session = currentSession(store.get());
    if (session === undefined) return;
    try {
      const { connection } = await ready;
      const { exportSession } = await import("./local/export-session.ts");
      say(`written to ${await exportSession(connection, session, wanted, cwd, signal)}`, "info");
    } catch (error) {
      say(`Not written: ${fileTrouble(error)}`, "error");
    }
  }

  /** Saves which session is shown and its active runs, for the next start in this directory. */
  function keepShown(state: AppState, isLeaving = false): void {
    const session = currentSession(state);
    if (session === undefined) return;
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
    inBackground(work, (error) => say(sentence(error), "error"));
  let isSuspended = false;
  const lend = async (use: () => Promise<void>) => {
    isSuspended = true;
    try {
      await terminal.lend(use);
    } finally {
      isSuspended = false;
    }
  };
  /** Stops the job. If an editor has the terminal, it is stopped too, and the modes are already restored. */
  const suspend = () => guarded(() => (isSuspended ? stopJob() : lend(stopJob)));
  function local(effect: LocalEffect): void {
    switch (effect.do) {
      case "remember":
        history.append(effect.text);
        return;
      case "leave":
        if (isLeft) skipWait.abort();
        isLeft = true;
        leave(0);
        return;
      case "retry_now":
        link?.retryNow();
        return;
      case "attach_path":
        inBackground(
          () => attachPaths(effect.text),
          (error) => {
            controller.update((state) => withPasted(state, effect.text));
            say(`Not attached, but named: ${fileTrouble(error)}`, "warning");
          },
        );
        return;
      case "paste_image":
        guarded(async () => {
          const image = await clipboardImage();
          if (image === undefined) say("There is no image in the clipboard.", "warning");
          else insertAttachments([image]);
        });
        return;
      case "copy": {
        // Both ways: it is not known which of them reaches the person's clipboard.
        const sequence = copySequence(effect.text, env);
        if (sequence !== undefined) terminal.send(sequence);
        guarded(async () => {
          const isTaken = await copyText(effect.text, env, process.platform);
          if (isTaken || sequence !== undefined) say("copied", "info");
          else say("The answer is too long for the clipboard of a terminal: /export writes it.", "warning");
        });
        return;
      }
      case "export":
        guarded(() => exportTo(effect.file));
        return;
      case "doctor":
        guarded(async () => controller.print(await runDoctor(options.launcher, env)));
        return;
      case "set_theme":
        renderer.setTheme(effect.name === "auto" ? usualTheme : themes[effect.name]);
        inBackground(
          async () => {
            const { saveTheme } = await import("./files/save-theme.ts");
            await saveTheme(paths, effect.name);
            say(`theme ${effect.name.replace("_", " ")}`, "info");
          },
          (error) => say(`The theme was not kept: ${fileTrouble(error)}`, "warning"),
        );
        return;
      case "suspend":
        suspend();
        return;
      case "edit_outside":
        guarded(() =>
          lend(async () => {
            const before = store.get();
            const name = isWritingCommand(before) ? "command.sh" : "prompt.md";
            const written = await editOutside(editorText(before.editor), name, env);
            if ("problem" in written) return say(written.problem, "warning");
            controller.update((state) => {
              if (!isSamePlace(before, state)) {
                const flash = {
                  text: "The prompt it was written for is gone · ↑ restores it",
                  level: "warning",
                } as const;
                return { ...state, history: addEntry(state.history, written.text), flash };
              }
              const atoms = withFiles(written.text, state.editor.atoms);
              return { ...state, editor: replaceAtoms(state.editor, atoms), flash: undefined };
            });
          }),
        );
    }
  }

  const controller = createController({
    store,
    terminal,
    renderer,
    keys: createKeyMap(preferences.keys),
    overrides: preferences.keys,
    now,
    request: (effect) => guarded(() => performer.perform(effect)),
    local,
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
    suspend,
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
    terminal.close(leavingRows(state, { isInCwd: cwd === process.cwd(), unsentCount: unsent.length }));
    terminalFile.draft(draftToKeep(state, unsent));
    terminalFile.close();
    undoGuard();
  }
}

/** Whether the composer edits the same thing in both: the draft, a queued prompt, or the answer to a question. */
const isSamePlace = (a: AppState, b: AppState): boolean =>
  a.editing?.runId === b.editing?.runId &&
  a.question?.writing?.what === b.question?.writing?.what &&
  (a.question?.writing === undefined || a.question.id === b.question?.id);
