/** What a client and a daemon compare. */
export type Identity = { version: string; build: string; protocol: string };

export type Relation =
  | "same"
  /** The daemon is from an earlier hearth than this client … */
  | "older"
  /** … from a later one … */
  | "newer"
  /** … or from another build of the same version that is not known to be earlier. */
  | "other";

/**
 * How the daemon relates to this client. For two builds of one version, a daemon that was already running when this
 * client was built is older. Any other is left alone, so that two installations never keep replacing each other's daemon.
 */
export function relate(
  client: Identity & { builtAtMs: number },
  daemon: Identity & { startedAtMs: number },
): Relation {
  if (daemon.build === client.build && daemon.version === client.version) return "same";
  const order =
    compareDotted(daemon.protocol, client.protocol) || compareDotted(daemon.version, client.version);
  if (order !== 0) return order < 0 ? "older" : "newer";
  return daemon.startedAtMs < client.builtAtMs ? "older" : "other";
}

/** Whether a client and a daemon with these protocol versions can talk to each other. */
export const isCompatible = (a: string, b: string): boolean => a.split(".")[0] === b.split(".")[0];

/** Orders "1.10.2" after "1.9"; a pre-release (after a hyphen) comes before its release. */
function compareDotted(a: string, b: string): number {
  const [coreA = "", preA] = splitOnce(a);
  const [coreB = "", preB] = splitOnce(b);
  const numbersA = coreA.split(".").map(Number);
  const numbersB = coreB.split(".").map(Number);
  for (let index = 0; index < Math.max(numbersA.length, numbersB.length); index++) {
    const difference = (numbersA[index] ?? 0) - (numbersB[index] ?? 0);
    if (difference !== 0) return difference;
  }
  if (preA === preB) return 0;
  if (preA === undefined) return 1;
  if (preB === undefined) return -1;
  return preA < preB ? -1 : 1;
}

function splitOnce(version: string): [string, string?] {
  const at = version.indexOf("-");
  return at === -1 ? [version] : [version.slice(0, at), version.slice(at + 1)];
}
