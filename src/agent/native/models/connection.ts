import type { EnvHttpProxyAgent as ProxyAgent, Agent as UndiciAgent } from "undici";
import { createModelFetch, type ModelFetch } from "./model-fetch.ts";

/** An idle connection is kept so long, so that the step after a tool needs no new TLS handshake. */
const KEEP_ALIVE_MS = 20_000;
const CONNECT_TIMEOUT_MS = 20_000;

const proxyNames = [
  "HTTPS_PROXY",
  "https_proxy",
  "HTTP_PROXY",
  "http_proxy",
  "NO_PROXY",
  "no_proxy",
] as const;

/**
 * The daemon's connections to models, by undici's own agents: Node's global fetch refuses an agent of another
 * version, and its five-minute timeouts would end a model that thinks. Loaded at first use, because loading takes
 * a hundred milliseconds. `connect`: instead of the network.
 */
export function createConnections(connect?: UndiciAgent.Options["connect"]) {
  let loading: Promise<typeof import("undici")> | undefined;
  const byProxy = new Map<string, { agent: UndiciAgent | ProxyAgent; fetch: ModelFetch }>();

  const load = () => {
    loading ??= import("undici");
    return loading;
  };

  return {
    /** `env`: the client's own, of which the proxy settings count. The machine itself is never behind a proxy. */
    async fetchFor(env: Readonly<Record<string, string>>): Promise<ModelFetch> {
      const undici = await load();
      const settings = proxyNames.map((name) => env[name] ?? "");
      const key = settings.join("\n");
      const known = byProxy.get(key);
      if (known) return known.fetch;
      const options = {
        // The watchdog owns silence: it sees what the model says, not what keeps a proxy awake.
        bodyTimeout: 0,
        headersTimeout: 0,
        keepAliveTimeout: KEEP_ALIVE_MS,
        connect: connect ?? { timeout: CONNECT_TIMEOUT_MS },
      };
      const [https = "", httpsLower = "", http = "", httpLower = "", no = "", noLower = ""] = settings;
      const httpsProxy = https || httpsLower;
      const httpProxy = http || httpLower;
      const noProxy = [no || noLower, "localhost", "127.0.0.1", "[::1]", "::1"].filter(Boolean).join(",");
      const agent =
        httpsProxy === "" && httpProxy === ""
          ? new undici.Agent(options)
          : new undici.EnvHttpProxyAgent({
              ...options,
              httpProxy: httpProxy || httpsProxy,
              httpsProxy: httpsProxy || httpProxy,
              noProxy,
            });
      const bound = createModelFetch(undici, agent);
      byProxy.set(key, { agent, fetch: bound });
      return bound;
    },
    async close(): Promise<void> {
      const agents = [...byProxy.values()];
      byProxy.clear();
      await Promise.all(agents.map(({ agent }) => agent.destroy()));
    },
  };
}
export type Connections = ReturnType<typeof createConnections>;
