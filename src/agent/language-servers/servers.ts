import { extname, join } from "node:path";
import type { Diagnostic } from "vscode-languageserver-protocol";
import { ignoreError, inBackground } from "../../async/in-background.ts";
import { settlesWithin } from "../../async/wait.ts";
import type { FolderGate } from "../files/folder-gate.ts";
import { findCommand } from "../process/find-command.ts";
import type { ProcessSupervisor } from "../process/types.ts";
import type { ServerSpec } from "./known-servers.ts";
import { type Document, type LanguageServer, openLanguageServer } from "./server.ts";

export type Place = { root: string; env: Readonly<Record<string, string>> };

export type FileDiagnostics = { path: string; server: string; items: readonly Diagnostic[] };

/** The language servers of all workspaces: started when a file needs one, kept warm, shared by a workspace's sessions. */
export type LanguageServers = {
  /** Starts the server of this file, if there is one, without waiting for it. */
  warm(place: Place, path: string): void;
  /** The diagnostics of these files. A file without a server, or with a slow one, is left out. */
  diagnose(
    place: Place,
    files: readonly { path: string; text: string }[],
    signal: AbortSignal,
  ): Promise<readonly FileDiagnostics[]>;
  /** The server of this file, or the reason why there is none. */
  serverOf(
    place: Place,
    path: string,
  ): Promise<{ server: LanguageServer; languageId: string } | { reason: string }>;
  close(): Promise<void>;
};

type Deps = {
  processes: ProcessSupervisor;
  folders: FolderGate;
  /** Reads the present configuration. */
  specs(): readonly ServerSpec[];
  idleMs?: number | undefined;
  /** How long an edit waits for diagnostics. */
  diagnoseMs?: number | undefined;
};

/** native-agent.md 25. */
const DIAGNOSE_MS = 2000;
const IDLE_MS = 10 * 60_000;
/** The delay before a server that failed to start, or has ended, is started again. */
const AGAIN_AFTER_MS = 60_000;
const OWNER = "language-server";

type Entry = {
  opened: Promise<LanguageServer | { reason: string }>;
  server: LanguageServer | undefined;
  usedAt: number;
  failedAt: number | undefined;
};

export function createLanguageServers({
  processes,
  folders,
  specs,
  idleMs = IDLE_MS,
  diagnoseMs = DIAGNOSE_MS,
}: Deps): LanguageServers {
  const entries = new Map<string, Entry>();
  let timer: NodeJS.Timeout | undefined;
  const closing = new AbortController();

  const specOf = (path: string) => {
    const ending = extname(path);
    for (const spec of specs()) {
      const languageId = spec.languages[ending];
      if (languageId !== undefined) return { spec, languageId };
    }
    return undefined;
  };

  async function start(spec: ServerSpec, { root, env }: Place): Promise<LanguageServer | { reason: string }> {
    let reason = `${spec.name} is not installed (looked for ${spec.commands.map(({ argv }) => argv[0]).join(", ")})`;
    for (const { argv, runsProjectCode } of spec.commands) {
      const [name, ...args] = argv;
      const inProject = spec.mayRunProjectCode && !name.includes("/");
      const found =
        (inProject && (await findCommand(join(root, "node_modules/.bin", name), env, folders)).found) ||
        (await findCommand(name, env, folders)).found;
      if (found === undefined) continue;
      if (runsProjectCode && !spec.mayRunProjectCode) {
        reason = `${name} runs code of the project, so it starts only with "language_servers": { "${spec.name}": { "enabled": true } } in your configuration`;
        continue;
      }
      try {
        const child = await processes.spawn({ command: [found.path, ...args], cwd: root, env, owner: OWNER });
        try {
          return await openLanguageServer(child, root, closing.signal);
        } catch (error) {
          await child.stop();
          throw error;
        }
      } catch (error) {
        reason = `${name} did not start: ${error instanceof Error ? error.message : String(error)}`;
      }
    }
    return { reason };
  }

  function entryOf(spec: ServerSpec, place: Place): Entry {
    const key = `${place.root}\0${spec.name}`;
    const known = entries.get(key);
    const mayStartAgain = known?.failedAt !== undefined && Date.now() - known.failedAt > AGAIN_AFTER_MS;
    if (known !== undefined && !mayStartAgain) {
      known.usedAt = Date.now();
      if (known.server?.isOver) known.failedAt ??= Date.now();
      return known;
    }
    const entry: Entry = {
      opened: start(spec, place).then(
        (opened) => {
          if ("reason" in opened) entry.failedAt = Date.now();
          else entry.server = opened;
          return opened;
        },
        (error: unknown) => {
          entry.failedAt = Date.now();
          return { reason: error instanceof Error ? error.message : String(error) };
        },
      ),
      server: undefined,
      usedAt: Date.now(),
      failedAt: undefined,
    };
    entries.set(key, entry);
    timer ??= setInterval(evict, idleMs / 2).unref();
    return entry;
  }

  function evict() {
    for (const [key, { usedAt, opened }] of entries) {
      if (Date.now() - usedAt < idleMs) continue;
      entries.delete(key);
      inBackground(async () => stop(await opened), ignoreError);
    }
  }
  const stop = async (opened: LanguageServer | { reason: string }) => {
    if (!("reason" in opened)) await opened.stop();
  };

  const serverOf: LanguageServers["serverOf"] = async (place, path) => {
    const found = specOf(path);
    if (found === undefined)
      return { reason: `no language server is known for ${extname(path) || "such"} files` };
    if (closing.signal.aborted) return { reason: "the daemon is stopping" };
    const opened = await entryOf(found.spec, place).opened;
    if ("reason" in opened) return opened;
    if (opened.isOver) return { reason: `${found.spec.name} has ended; it is started again in a minute` };
    return { server: opened, languageId: found.languageId };
  };

  async function diagnoseOne(
    place: Place,
    { path, text }: { path: string; text: string },
    signal: AbortSignal,
  ): Promise<FileDiagnostics | undefined> {
    const name = specOf(path)?.spec.name;
    if (name === undefined) return undefined;
    const endsAt = Date.now() + diagnoseMs;
    const opening = serverOf(place, path);
    if (!(await settlesWithin(opening, diagnoseMs, signal))) return undefined;
    const opened = await opening;
    if ("reason" in opened) return undefined;
    const document: Document = { path, text, languageId: opened.languageId };
    const items = await opened.server.diagnose(document, Math.max(1, endsAt - Date.now()), signal);
    return items && { path, server: name, items };
  }

  return {
    warm(place, path) {
      if (specOf(path) !== undefined) inBackground(() => serverOf(place, path), ignoreError);
    },
    async diagnose(place, files, signal) {
      const all = await Promise.all(files.map((file) => diagnoseOne(place, file, signal)));
      signal.throwIfAborted();
      return all.filter((one) => one !== undefined);
    },
    serverOf,
    async close() {
      closing.abort();
      clearInterval(timer);
      await Promise.all([...entries.values()].map(async ({ opened }) => stop(await opened)));
      entries.clear();
    },
  };
}
