import { isRecord, stringOf } from "../wire/loose.ts";

export const networkCodes: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ENOTFOUND: "unknown host",
  EAI_AGAIN: "name lookup failed",
  ECONNRESET: "connection reset",
  EPIPE: "connection closed",
  ETIMEDOUT: "connection timed out",
  EHOSTUNREACH: "host unreachable",
  ENETUNREACH: "network unreachable",
  UND_ERR_CONNECT_TIMEOUT: "connection timed out",
  UND_ERR_SOCKET: "connection closed",
};
/** These rarely go away within minutes. */
export const lastingNetworkCodes = new Set(["ECONNREFUSED", "ENOTFOUND", "EHOSTUNREACH", "ENETUNREACH"]);

/** The network error code in the chain of causes. */
export function networkCodeOf(error: unknown): string | undefined {
  for (let at: unknown = error, depth = 0; isRecord(at) && depth < 8; at = at["cause"], depth += 1) {
    const code = stringOf(at["code"]);
    if (
      code !== undefined &&
      (code in networkCodes || /^(CERT_|ERR_TLS|UNABLE_TO|SELF_SIGNED|DEPTH_ZERO)/.test(code))
    )
      return code;
    const nested = at["errors"]; // AggregateError of happy eyeballs
    if (Array.isArray(nested)) {
      const found = nested.map(networkCodeOf).find((candidate) => candidate !== undefined);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}
