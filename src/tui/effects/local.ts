import { homedir } from "node:os";
import { join } from "node:path";
import { inBackground } from "../../async/in-background.ts";
import type { Connection } from "../../client/connect.ts";
import type { Paths } from "../../protocol/paths.ts";
import type { Attachment } from "../../protocol/routes/runs.ts";
import { withFiles } from "../editor/atoms.ts";
import { editorText, insertAttachment, replaceAtoms } from "../editor/editor.ts";
import { addEntry } from "../editor/history.ts";
import { fileTrouble } from "../files/file-trouble.ts";
import type { HistoryFile } from "../files/history-file.ts";
import { clipboardImage, readDragged } from "../local/attach-image.ts";
import { copyText } from "../local/copy-text.ts";
import { draggedPaths } from "../local/dragged-path.ts";
import { editOutside, openOutside } from "../local/edit-outside.ts";
import { stopJob } from "../local/exits.ts";
import { runDoctor } from "../local/run-doctor.ts";
import { copySequence } from "../screen/call.ts";
import type { Terminal } from "../screen/terminal.ts";
import type { Effect } from "../state/effects.ts";
import { type AppState, currentSession, type Flash, isWritingCommand } from "../state/state.ts";
import type { Store } from "../state/store.ts";
import { withPasted } from "../steps/completion.ts";
import type { ThemeChoice } from "../theme.ts";

/** Effects on this machine: neither drawing nor a request to the daemon. */
export type LocalEffect = Extract<
  Effect,
  {
    do:
      | "remember"
      | "edit_outside"
      | "open_file"
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

/** Performs the effects on this machine: files, the clipboard, an editor, the job. */
export function createLocalEffects(options: {
  paths: Paths;
  env: NodeJS.ProcessEnv;
  cwd: string;
  launcher: string;
  /** The daemon is on another machine: files here are not its files. */
  isRemote: boolean;
  store: Store<AppState>;
  history: HistoryFile;
  terminal: Terminal;
  ready: Promise<{ connection: Connection }>;
  say: (text: string, level: Flash["level"]) => void;
  /** Runs work in the background and shows its error. */
  guarded: (work: () => Promise<unknown>) => void;
  update: (change: (state: AppState) => AppState) => void;
  print: (text: string) => void;
  retryNow: () => void;
  leave: () => void;
  setTheme: (name: ThemeChoice) => void;
  signal: AbortSignal;
}) {
  const {
    paths,
    env,
    cwd,
    launcher,
    isRemote,
    store,
    history,
    terminal,
    ready,
    say,
    guarded,
    update,
    signal,
  } = options;
  const insertAttachments = (files: readonly Attachment[]) =>
    update((state) => ({ ...state, editor: files.reduce(insertAttachment, state.editor) }));
  async function attachPaths(text: string): Promise<void> {
    for (const paths of draggedPaths(text)) {
      const files = await Promise.all(
        paths.map((path) => readDragged(path, cwd, env["HOME"] || homedir(), isRemote)),
      );
      const there = files.filter((file) => file !== undefined);
      if (there.length === paths.length) return insertAttachments(there);
    }
    update((state) => withPasted(state, text));
  }

  async function exportTo(wanted: string): Promise<void> {
    const session = currentSession(store.get());
    if (session === undefined) return;
    try {
      const { connection } = await ready;
      const { exportSession } = await import("../local/export-session.ts");
      say(`written to ${await exportSession(connection, session, wanted, cwd, signal)}`, "info");
    } catch (error) {
      say(`Not written: ${fileTrouble(error)}`, "error");
    }
  }

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
  function perform(effect: LocalEffect): void {
    switch (effect.do) {
      case "remember":
        history.append(effect.text);
        return;
      case "leave":
        options.leave();
        return;
      case "retry_now":
        options.retryNow();
        return;
      case "attach_path":
        inBackground(
          () => attachPaths(effect.text),
          (error) => {
            update((state) => withPasted(state, effect.text));
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
        guarded(async () => options.print(await runDoctor(launcher, env)));
        return;
      case "set_theme":
        options.setTheme(effect.name);
        inBackground(
          async () => {
            const { saveTheme } = await import("../files/save-theme.ts");
            await saveTheme(paths, effect.name);
            say(`theme ${effect.name.replace("_", " ")}`, "info");
          },
          (error) => say(`The theme was not kept: ${fileTrouble(error)}`, "warning"),
        );
        return;
      case "suspend":
        suspend();
        return;
      case "open_file":
        guarded(async () => {
          const { connection } = await ready;
          const file = join(effect.root ?? connection.workspace.path, effect.path);
          await lend(async () => {
            const failed = await openOutside(file, effect.line, env);
            if (failed !== undefined) say(failed.problem, "warning");
          });
        });
        return;
      case "edit_outside":
        guarded(() =>
          lend(async () => {
            const before = store.get();
            const name = isWritingCommand(before) ? "command.sh" : "prompt.md";
            const written = await editOutside(editorText(before.editor), name, env);
            if ("problem" in written) return say(written.problem, "warning");
            update((state) => {
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

  return { perform, suspend };
}

/** Whether the composer edits the same thing in both: the draft, a queued prompt, or the answer to a question. */
const isSamePlace = (a: AppState, b: AppState): boolean =>
  a.editing?.runId === b.editing?.runId &&
  a.question?.writing?.what === b.question?.writing?.what &&
  (a.question?.writing === undefined || a.question.id === b.question?.id);
