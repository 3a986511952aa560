import { pause } from "../../../async/wait.ts";
import type { BackendEvent } from "../../backend.ts";

/** The shortest time between two checks. */
const CHECK_MS_MIN = 250;

type Watched = {
  agent: string;
  /** Milliseconds since the agent's last message. */
  silentMs(): number;
  emit(event: BackendEvent): void;
  limitMs: number;
};

/** Reports each long silence once, because the protocol has no heartbeat. The returned function ends the watch. */
export function watchSilence({ agent, silentMs, emit, limitMs }: Watched): () => void {
  let timer: NodeJS.Timeout | undefined;
  let isReported = false;
  const check = () => {
    const silent = silentMs();
    if (silent < limitMs) isReported = false;
    else if (!isReported) {
      isReported = true;
      const text = `${agent} has not responded for ${Math.round(silent / 1000)} s.`;
      emit({ type: "notice", level: "info", code: "stall", text });
    }
    timer = setTimeout(check, Math.max(CHECK_MS_MIN, limitMs - silent)).unref();
  };
  check();
  return () => clearTimeout(timer);
}

/** An agent's own work is over after this long without messages, if no call is running. */
const QUIET_MS = 3000;
/** Agents do not always report how a command ended, so a call without news is not awaited any longer than this. */
const NO_MESSAGE_MS_MAX = 10 * 60_000;

/** Resolves when the agent's own work is over, or the signal aborts. */
export async function untilQuiet(
  { silentMs, sinceMessageMs }: { silentMs(): number; sinceMessageMs(): number },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted && silentMs() < QUIET_MS && sinceMessageMs() < NO_MESSAGE_MS_MAX)
    await pause(Math.max(CHECK_MS_MIN, QUIET_MS - silentMs()), signal);
}
