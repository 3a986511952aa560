import { pathToFileURL } from "node:url";
import type { CancellationToken, MessageConnection } from "vscode-jsonrpc";
import type {
  Diagnostic,
  DocumentDiagnosticReport,
  InitializeParams,
  InitializeResult,
  PublishDiagnosticsParams,
} from "vscode-languageserver-protocol";
import { inTime, orAborted, settlesWithin } from "../../async/wait.ts";
import type { GroupProcess } from "../process/types.ts";

export type Document = { path: string; text: string; languageId: string };

/** A running language server of one workspace. */
export type LanguageServer = {
  readonly isOver: boolean;
  /** Sends the document's present text and returns the server's diagnostics for it; undefined if they come too late. */
  diagnose(document: Document, ms: number, signal: AbortSignal): Promise<readonly Diagnostic[] | undefined>;
  /** Rejects with the server's error, or when the signal aborts. */
  request<T>(document: Document | undefined, method: string, params: object, signal: AbortSignal): Promise<T>;
  stop(): Promise<void>;
};

const INITIALIZE_MS_MAX = 60_000;
/** Servers report syntax errors first and type errors a moment later. */
const SETTLE_MS = 150;
/** Documents that stay open in a server; for another one the least recently used is closed. */
const OPEN_MAX = 50;
const OUTPUT_PARSE_ERRORS_MAX = 5;

/** https://microsoft.github.io/language-server-protocol/specifications/lsp/3.17/specification/#initialize */
const initializeParams = (root: string): InitializeParams => ({
  processId: process.pid,
  clientInfo: { name: "hearth" },
  rootUri: pathToFileURL(root).href,
  workspaceFolders: [{ uri: pathToFileURL(root).href, name: "workspace" }],
  capabilities: {
    general: { positionEncodings: ["utf-16"] },
    window: { workDoneProgress: true },
    workspace: { configuration: true, workspaceFolders: true, symbol: {} },
    textDocument: {
      synchronization: { didSave: true },
      publishDiagnostics: { versionSupport: true },
      diagnostic: {},
      definition: { linkSupport: false },
      references: {},
      hover: { contentFormat: ["plaintext", "markdown"] },
      documentSymbol: { hierarchicalDocumentSymbolSupport: true },
    },
  },
});

/** Initializes a server that was started in `root`. Rejects if it does not answer as a language server. */
export async function openLanguageServer(
  child: GroupProcess,
  root: string,
  signal: AbortSignal,
): Promise<LanguageServer> {
  const rpc = await import("./json-rpc.ts");
  const connection = rpc.createMessageConnection(
    new rpc.StreamMessageReader(child.stdout),
    new rpc.StreamMessageWriter(child.stdin),
  );
  child.stderr.resume();
  const said = new Map<string, { version: number | undefined; items: readonly Diagnostic[] }>();
  const listeners = new Set<(uri: string) => void>();
  const open = new Map<string, { version: number; text: string }>();
  let isOver = false;

  answerRequests(connection);
  connection.onNotification("textDocument/publishDiagnostics", (params: PublishDiagnosticsParams) => {
    said.set(params.uri, { version: params.version, items: params.diagnostics });
    for (const listener of listeners) listener(params.uri);
  });
  let errors = 0;
  connection.onError(() => {
    errors++;
    if (errors > OUTPUT_PARSE_ERRORS_MAX) child.stop().catch(() => {}); // it does not speak the protocol
  });
  connection.listen();
  const ended = child.exited.then(() => {
    isOver = true;
    connection.dispose();
    throw new Error("the language server has ended");
  });
  ended.catch(() => {});

  async function request<T>(method: string, params: object, signal: AbortSignal): Promise<T> {
    const source = new rpc.CancellationTokenSource();
    const cancel = () => source.cancel();
    signal.addEventListener("abort", cancel);
    const token: CancellationToken = source.token;
    try {
      return await orAborted(Promise.race([connection.sendRequest<T>(method, params, token), ended]), signal);
    } finally {
      signal.removeEventListener("abort", cancel);
      source.dispose();
    }
  }

  const initialized = connection.sendRequest<InitializeResult>("initialize", initializeParams(root));
  const { capabilities } = await orAborted(
    inTime(Promise.race([initialized, ended]), INITIALIZE_MS_MAX, "the language server's answer"),
    signal,
  );
  await connection.sendNotification("initialized", {});
  const canBeAsked = capabilities.diagnosticProvider !== undefined;

  /** Sends the document's text if the server does not have it. Returns its version. */
  async function synchronize({ path, text, languageId }: Document): Promise<number> {
    const uri = pathToFileURL(path).href;
    const known = open.get(uri);
    const version = (known?.version ?? 0) + (known?.text === text ? 0 : 1);
    open.delete(uri);
    open.set(uri, { version, text });
    if (known === undefined) {
      const textDocument = { uri, languageId, version, text };
      await connection.sendNotification("textDocument/didOpen", { textDocument });
      const [oldest] = open.keys();
      if (open.size > OPEN_MAX && oldest !== undefined) {
        open.delete(oldest);
        await connection.sendNotification("textDocument/didClose", { textDocument: { uri: oldest } });
      }
    } else if (known.text !== text) {
      const change = { textDocument: { uri, version }, contentChanges: [{ text }] };
      await connection.sendNotification("textDocument/didChange", change);
      await connection.sendNotification("textDocument/didSave", { textDocument: { uri } });
    }
    return version;
  }

  /** Waits until the server has sent diagnostics for this version, and none for a moment after them. */
  async function published(uri: string, version: number, signal: AbortSignal): Promise<void> {
    const next = Promise.withResolvers<void>();
    let quiet: NodeJS.Timeout | undefined;
    const listener = (of: string) => {
      const about = said.get(uri);
      if (of !== uri || about === undefined || (about.version ?? version) < version) return;
      clearTimeout(quiet);
      quiet = setTimeout(next.resolve, SETTLE_MS);
    };
    listeners.add(listener);
    try {
      await orAborted(Promise.race([next.promise, ended]), signal);
    } finally {
      clearTimeout(quiet);
      listeners.delete(listener);
    }
  }

  async function diagnostics(document: Document, signal: AbortSignal): Promise<readonly Diagnostic[]> {
    const uri = pathToFileURL(document.path).href;
    const before = open.get(uri);
    if (canBeAsked) {
      await synchronize(document);
      const params = { textDocument: { uri } };
      const report = await request<DocumentDiagnosticReport>("textDocument/diagnostic", params, signal);
      return report.kind === "full" ? report.items : (said.get(uri)?.items ?? []);
    }
    const isKnown = before?.text === document.text && said.has(uri);
    if (!isKnown) {
      said.delete(uri);
      const version = await synchronize(document);
      await published(uri, version, signal);
    }
    return said.get(uri)?.items ?? [];
  }

  return {
    get isOver() {
      return isOver;
    },
    async diagnose(document, ms, signal) {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(ms)]);
      try {
        return await diagnostics(document, limit);
      } catch {
        signal.throwIfAborted();
        return undefined; // too slow, ended, or it refused: the edit counts, not the check
      }
    },
    async request(document, method, params, signal) {
      if (document !== undefined) await synchronize(document);
      return request(method, params, signal);
    },
    async stop() {
      if (!isOver) {
        const goodbye = connection.sendRequest("shutdown").then(() => connection.sendNotification("exit"));
        await settlesWithin(goodbye, SETTLE_MS);
      }
      await child.stop();
    },
  };
}

/** Answers a server's requests: there is no configuration, and it may not edit files. */
function answerRequests(connection: MessageConnection): void {
  connection.onRequest("workspace/configuration", ({ items }: { items: readonly unknown[] }) =>
    items.map(() => null),
  );
  for (const method of [
    "client/registerCapability",
    "client/unregisterCapability",
    "window/workDoneProgress/create",
    "window/showMessageRequest",
    "workspace/diagnostic/refresh",
    "workspace/semanticTokens/refresh",
    "workspace/inlayHint/refresh",
    "workspace/codeLens/refresh",
    "workspace/workspaceFolders",
  ])
    connection.onRequest(method, () => null);
  connection.onRequest("workspace/applyEdit", () => ({ applied: false }));
}
