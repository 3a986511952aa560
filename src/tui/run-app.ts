import { randomBytes } from "node:crypto";
import { homedir } from "node:os";
import type { Connection } from "../client/connect.ts";
import type { Replica } from "../client/replica.ts";
import { HearthError } from "../protocol/errors.ts";
import type { NewId, SessionId } from "../protocol/ids.ts";
import type { Snapshot } from "../protocol/snapshot.ts";
import { VERSION } from "../protocol/version.ts";
import { detectCapabilities } from "./capabilities.ts";
import { chooseSession, createController, type LocalEffect } from "./controller.ts";
import { editOutside } from "./edit-outside.ts";
import { editorText, replaceText } from "./editor/editor.ts";
import { guardExits, stopJob } from "./exits.ts";
import { openHistoryFile } from "./files.ts";
import { createKeyMap, type KeyOverrides } from "./keys.ts";
import type { TuiOptions } from "./main.tsx";
import { createPerformer, sentence } from "./perform.ts";
import { createSessionLink, type SessionLink } from "./session-link.ts";
import { type AppState, initialState, isBusy } from "./state.ts";
import { createStore } from "./store.ts";
import { openTerminal } from "./terminal.tsx";
import type { Block } from "./text/block.ts";
import { themes } from "./theme.ts";
import { createRenderer } from "./view/renderer.ts";

type AppOptions = TuiOptions & { clientId: string; connecting: Promise<Connection>; label: string };

/** Builds the terminal's parts, connects them, and waits until the person leaves. */
export async function runApp(options: AppOptions, signal: AbortSignal): Promise<{ exitCode: number }> {
  const { paths, env, clientId } = options;
  const now = Date.now;
  const left = Promise.withResolvers<{ exitCode: number }>();
  const leave = (exitCode: number) => left.resolve({ exitCode });
  const history = openHistoryFile(paths);
  const capabilities = detectCapabilities(env, process.stdout);
  const overrides: KeyOverrides = {};
  const ahead = options.firstFrame?.take();
  let link: SessionLink | undefined;

  const terminal = openTerminal(
    { input: process.stdin, output: process.stdout },
    { capabilities, drawn: ahead?.drawn, onResize: (size) => controller.onResize(size) },
  );
  const store = createStore<AppState>(
    initialState({
      clientId,
      size: terminal.screen.size,
      now: now(),
      history: history.load(),
      defaults: {
        agent: options.agent,
        model: options.model,
        mode: options.mode,
        isolation: options.isolation,
      },
    }),
  );
  const renderer = createRenderer({
    theme: capabilities.color === "none" ? themes.none : themes[capabilities.background],
    capabilities,
    extras: () => ({ root: link?.replica?.workspace.path }),
  });
  const newId: NewId = (prefix) => `${prefix}_${randomBytes(16).toString("hex")}`;
  const ready = options.connecting.then(async (connection) => {
    const opened = createSessionLink(
      { connection, label: options.label, now, onChange: controller.onChange, onLink: controller.onLink },
      signal,
    );
    link = opened;
    await opened.start((snapshot) => pickSession(snapshot, options));
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

  const lend = (use: () => Promise<void>) =>
    terminal.lend(use).catch((error: unknown) => {
      controller.update((state) => ({ ...state, flash: { text: sentence(error), level: "error" } }));
    });
  function local(effect: LocalEffect): void {
    switch (effect.do) {
      case "remember":
        history.append(effect.text);
        return;
      case "leave":
        leave(0);
        return;
      case "retry_now":
        link?.retryNow();
        return;
      case "suspend":
        void lend(stopJob);
        return;
      case "edit_outside":
        void lend(async () => {
          const text = await editOutside(editorText(store.get().editor), env);
          controller.update((state) => ({ ...state, editor: replaceText(state.editor, text) }));
        });
    }
  }

  const controller = createController({
    store,
    terminal,
    renderer,
    keys: createKeyMap(overrides),
    overrides,
    now,
    request: (effect) => void performer.perform(effect),
    local,
    opening: (replica) => headerOf(options, replica),
  });
  const undoGuard = guardExits({ restore: () => terminal.close([]), leave, fail: left.reject });
  try {
    controller.update((state) => ({ ...state, live: headerOf(options, undefined) }));
    terminal.listen(ahead?.typed ?? [], controller.onInput, () => leave(signalOfHangUp));
    if (options.prompt !== undefined)
      void performer.perform({ do: "send", text: options.prompt, delivery: "queue" });
    return await left.promise;
  } finally {
    const goesOn = isBusy(store.get()) ? ["  the work goes on here; hearth comes back to it"] : [];
    controller.close();
    terminal.close(goesOn);
    undoGuard();
  }
}

/** A terminal that went away without a signal ends its programs like one that hung up. */
const signalOfHangUp = 129;

function pickSession(snapshot: Snapshot, options: AppOptions): SessionId | null {
  const { session: wanted, continueLast = false, clientId } = options;
  if (wanted === undefined) return chooseSession(snapshot, { sessionId: undefined, continueLast, clientId });
  const prefix = wanted.startsWith("ses_") ? wanted : `ses_${wanted}`;
  const found = snapshot.sessions.filter(({ id }) => id.startsWith(prefix));
  const [session] = found;
  if (session !== undefined && found.length === 1) return session.id;
  throw new HearthError(
    "session_not_found",
    found.length > 1
      ? `Several sessions begin with ${wanted}: give more of the id.`
      : `There is no session ${wanted} in ${snapshot.workspace.path}: \`hearth sessions list\` shows what there is.`,
  );
}

/** The line that says what this is and where; the branch is known once the daemon has answered. */
function headerOf({ cwd, env }: AppOptions, replica: Replica | undefined): Block[] {
  const home = env["HOME"] || homedir();
  const path = replica?.workspace.path ?? cwd;
  const short = path === home || path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path;
  return [
    {
      id: "local/header",
      type: "header",
      version: VERSION,
      path: short,
      branch: replica?.workspace.branch ?? null,
      facts: [],
    },
  ];
}
