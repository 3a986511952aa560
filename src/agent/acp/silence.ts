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
      const text = `${agent} has said nothing for ${Math.round(silent / 1000)} s.`;
      emit({ type: "notice", level: "info", code: "stall", text });
    }
    timer = setTimeout(look, Math.max(LOOK_MS_MIN, limitMs - silent)).unref();
  };
  look();
  return () => clearTimeout(timer);
}
