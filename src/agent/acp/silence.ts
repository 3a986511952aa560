import { pause } from "../../async/wait.ts";
import type { BackendEvent } from "../backend.ts";

/** How often a silence is looked at, at most. */
const LOOK_MS_MIN = 250;

type Watched = {
  agent: string;
  /** Milliseconds without a word. */
  silentMs(): number;
  emit(event: BackendEvent): void;
  limitMs: number;
};

/** Says once in each silence that there is one: the protocol has no sign of life. Call the answer to stop. */
export function watchSilence({ agent, silentMs, emit, limitMs }: Watched): () => void {
  let timer: NodeJS.Timeout | undefined;
  let wasTold = false;
  const look = () => {
    const silent = silentMs();
    if (silent < limitMs) wasTold = false;
    else if (!wasTold) {
      wasTold = true;
      const text = `${agent} has not responded for ${Math.round(silent / 1000)} s.`;
      emit({ type: "notice", level: "info", code: "stall", text });
    }
    timer = setTimeout(look, Math.max(LOOK_MS_MIN, limitMs - silent)).unref();
  };
  look();
  return () => clearTimeout(timer);
}

/** An agent that works by itself has done so when nothing was heard for as long as this, and nothing goes on. */
const QUIET_MS = 3000;
/** Agents do not always say how a command ended: what nothing was heard of for so long is not waited for. */
const UNHEARD_MS_MAX = 10 * 60_000;

/** Until an agent that works by itself has nothing more to say, or the signal aborts. */
export async function untilQuiet(
  { silentMs, unheardMs }: { silentMs(): number; unheardMs(): number },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted && silentMs() < QUIET_MS && unheardMs() < UNHEARD_MS_MAX)
    await pause(Math.max(LOOK_MS_MIN, QUIET_MS - silentMs()), signal);
}
