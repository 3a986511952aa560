/**
 * Why a daemon ends. After `stop` only a person starts the next one; after any other reason clients do. `by` is for
 * people: a terminal, a command, a signal.
 */
export type DaemonStop = { reason: (typeof reasons)[number]; by: string | null };

const reasons = ["stop", "restart", "idle", "fault"] as const;

export function daemonStopOf(value: unknown): DaemonStop | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { reason: said, by } = value as Record<string, unknown>;
  const reason = reasons.find((known) => known === said);
  return reason && { reason, by: typeof by === "string" ? by : null };
}

const MARK = "stopping ";

/**
 * The last line of an event stream whose daemon ends. It is a comment because it is not an event: it has no number and
 * is not replayed.
 */
export const stopComment = (stop: DaemonStop): string => `: ${MARK}${JSON.stringify(stop)}\n\n`;

/** The stop that a comment of an event stream announces, if it does. */
export function parseStopComment(comment: string): DaemonStop | undefined {
  const text = comment.trim();
  if (!text.startsWith(MARK)) return undefined;
  try {
    return daemonStopOf(JSON.parse(text.slice(MARK.length)));
  } catch {
    return undefined; // cut off
  }
}
