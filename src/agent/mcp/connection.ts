import type { Client, OAuthClientProvider } from "@modelcontextprotocol/client";
import { z } from "zod";
import { backoffMs } from "../../async/backoff.ts";
import { orAborted, settlesWithin } from "../../async/wait.ts";
import type { ProcessSupervisor } from "../process/types.ts";
import { failureOf, type McpFailure } from "./failure.ts";
import { type McpOffers, readOffers } from "./offers.ts";
import type { McpServerSpec } from "./spec.ts";
import { createStdioTransport } from "./stdio-transport.ts";

export type McpState =
  | { phase: "idle" }
  | { phase: "starting" }
  | { phase: "ready"; offers: McpOffers }
  | { phase: "failed"; failure: McpFailure };

export type CallOptions = { signal: AbortSignal; onProgress?: ((text: string) => void) | undefined };

/** The connection to one server of one workspace. Started at first use, and restarted after the server died. */
export type McpConnection = {
  readonly spec: McpServerSpec;
  state(): McpState;
  /** Starts the server unless it runs. After a failure it waits for a delay, unless `isAsked`. Never rejects. */
  start(isAsked?: boolean): Promise<void>;
  /** Rejects with the server's or the connection's error. */
  request(method: string, params: Record<string, unknown>, options: CallOptions): Promise<unknown>;
  close(): Promise<void>;
};

export type ConnectionDeps = {
  processes: ProcessSupervisor;
  /** Unique in the daemon; carried by its processes. */
  owner: string;
  version: string;
  /** Through the proxies that the environment names; Node's own by default. */
  fetchFor?: ((env: Readonly<Record<string, string>>) => Promise<typeof globalThis.fetch>) | undefined;
  /** For the login that is kept under this key. */
  providerOf?: ((key: string) => OAuthClientProvider) | undefined;
  now(): number;
  /** Called when its offers or its state have changed. */
  onChange(): void;
};

const LIST_TIMEOUT_MS = 30_000;
const PAGES_MAX = 64;
/** The longest call, even if the server keeps reporting progress. */
const CALL_MS_MAX = 30 * 60_000;
const RESTART = { firstMs: 1_000, maxMs: 60_000 };
const CLOSE_MS_MAX = 3_000;

/** Results are validated where they are read, so that one broken entry does not make the others unusable. */
const Anything = z.looseObject({});
const Page = z.looseObject({ nextCursor: z.string().optional().catch(undefined) });

type Sdk = typeof import("@modelcontextprotocol/client");

export function createMcpConnection(spec: McpServerSpec, deps: ConnectionDeps): McpConnection {
  const { transport: how } = spec;
  const closing = new AbortController();
  let state: McpState = { phase: "idle" };
  let client: Client | undefined;
  let starting: Promise<void> | undefined;
  let failures = 0;
  let retryAt = 0;

  function become(next: McpState) {
    state = next;
    deps.onChange();
  }

  function failed(failure: McpFailure) {
    failures += 1;
    retryAt = deps.now() + backoffMs(RESTART, failures);
    become({ phase: "failed", failure });
  }

  async function openTransport(sdk: Sdk) {
    if (how.kind === "stdio") return createStdioTransport(how, deps.owner, deps.processes);
    const fetch = await deps.fetchFor?.(how.env);
    const authProvider = how.login === undefined ? undefined : deps.providerOf?.(how.login);
    return new sdk.StreamableHTTPClientTransport(new URL(how.url), {
      requestInit: { headers: how.headers },
      ...(fetch !== undefined && { fetch }),
      ...(authProvider !== undefined && { authProvider }),
    });
  }

  async function listOf(from: Client, method: string, key: string, signal: AbortSignal): Promise<unknown[]> {
    const entries: unknown[] = [];
    let cursor: string | undefined;
    for (let page = 0; page < PAGES_MAX; page += 1) {
      const params = cursor === undefined ? {} : { cursor };
      const answer = await from.request({ method, params }, Page, { timeout: LIST_TIMEOUT_MS, signal });
      const found = answer[key];
      if (Array.isArray(found)) entries.push(...found);
      if (answer.nextCursor === undefined || answer.nextCursor === cursor) break;
      cursor = answer.nextCursor;
    }
    return entries;
  }

  async function offersOf(from: Client, signal: AbortSignal): Promise<McpOffers> {
    const can = from.getServerCapabilities() ?? {};
    const none = (): unknown[] => [];
    const list = (method: string, key: string) => listOf(from, method, key, signal);
    const [tools, prompts, resources, templates] = await Promise.all([
      can.tools === undefined ? [] : list("tools/list", "tools"),
      // Prompts and resources are optional: if listing them fails, the tools can still be used.
      can.prompts === undefined ? [] : list("prompts/list", "prompts").catch(none),
      can.resources === undefined ? [] : list("resources/list", "resources").catch(none),
      can.resources === undefined ? [] : list("resources/templates/list", "resourceTemplates").catch(none),
    ]);
    const canComplete = can.completions !== undefined;
    return readOffers({ tools, prompts, resources, templates, canComplete });
  }

  let isListing = false;
  let isStale = false;
  /** Lists again after a "list changed" notification; several in a row are one request. */
  async function listAgain(from: Client): Promise<void> {
    isStale = true;
    if (isListing) return;
    isListing = true;
    while (isStale && client === from && !closing.signal.aborted) {
      isStale = false;
      const offers = await offersOf(from, closing.signal).catch(() => undefined);
      if (offers !== undefined && client === from) become({ phase: "ready", offers });
    }
    isListing = false;
  }

  async function startNow(): Promise<void> {
    become({ phase: "starting" });
    const sdk = await import("@modelcontextprotocol/client");
    const opened = await openTransport(sdk);
    const lastWords = () => ("lastWords" in opened ? opened.lastWords() : "");
    const made = new sdk.Client(
      { name: "hearth", version: deps.version },
      {
        capabilities: { roots: {} },
        // An old stdio server may exit if it is asked for the newest protocol version.
        versionNegotiation: { mode: how.kind === "http" ? "auto" : "legacy" },
      },
    );
    const root = { uri: `file://${encodeURI(spec.root)}`, name: "workspace" };
    made.setRequestHandler("roots/list", async () => ({ roots: [root] }));
    for (const kind of ["tools", "prompts", "resources"] as const)
      made.setNotificationHandler(`notifications/${kind}/list_changed`, () => listAgain(made));
    made.onerror = () => {}; // a broken message; what waits for an answer ends by its time limit
    made.onclose = () => {
      if (client !== made) return;
      client = undefined;
      if (closing.signal.aborted) return;
      failed({ kind: "failed", reason: `it ended${lastWords() === "" ? "" : ` (${lastWords()})`}` });
    };
    const signal = AbortSignal.any([closing.signal, AbortSignal.timeout(spec.startTimeoutMs)]);
    try {
      const connecting = made.connect(opened, { timeout: spec.startTimeoutMs, signal });
      await orAborted(connecting, signal);
      const offers = await offersOf(made, signal);
      client = made;
      failures = 0;
      become({ phase: "ready", offers });
    } catch (error) {
      const isLate = signal.aborted && !closing.signal.aborted;
      const cause = isLate ? new sdk.SdkError(sdk.SdkErrorCode.RequestTimeout, "no answer") : error;
      const failure = failureOf(cause, sdk, spec.startTimeoutMs, lastWords());
      await settlesWithin(
        made.close().then(() => opened.close()),
        CLOSE_MS_MAX,
      );
      if (!closing.signal.aborted) failed(failure);
    }
  }

  async function start(isAsked = false): Promise<void> {
    if (closing.signal.aborted || state.phase === "ready") return;
    if (starting === undefined && !isAsked && state.phase === "failed" && deps.now() < retryAt) return;
    starting ??= startNow()
      .catch((error: unknown) => failed({ kind: "failed", reason: String(error) }))
      .finally(() => {
        starting = undefined;
      });
    await starting;
  }

  return {
    spec,
    state: () => state,
    start,
    async request(method, params, { signal, onProgress }) {
      if (client === undefined) await orAborted(start(true), signal);
      if (client === undefined) {
        const why = state.phase === "failed" ? state.failure.reason : "it does not run";
        throw new Error(`The MCP server ${spec.name} cannot be used: ${why}.`);
      }
      return client.request({ method, params }, Anything, {
        ...{ signal, timeout: spec.timeoutMs, resetTimeoutOnProgress: true, maxTotalTimeout: CALL_MS_MAX },
        onprogress({ progress, total, message }) {
          const share = total === undefined ? String(progress) : `${progress}/${total}`;
          onProgress?.(`${message === undefined ? share : `${message} (${share})`}\n`);
        },
      });
    },
    async close() {
      closing.abort();
      const open = client;
      client = undefined;
      await settlesWithin(Promise.allSettled([open?.close(), starting]), CLOSE_MS_MAX);
      if (how.kind === "stdio") await deps.processes.stopOwner(deps.owner);
    },
  };
}
