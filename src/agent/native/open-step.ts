import type { BackendEvent, TurnHost } from "../backend.ts";

/** The request is sent before the step is reported: at the first response, or after this time. */
const STEP_DELAY_MS = 5;

/** Reports a step's start before anything else in it. Null: the step is already open. */
export function openStep(host: Pick<TurnHost, "emit">, model: string | null) {
  let isOpen = model === null;
  const begin = () => {
    if (isOpen) return;
    isOpen = true;
    clearTimeout(timer);
    host.emit({ type: "step_started", model });
  };
  const timer = isOpen ? undefined : setTimeout(begin, STEP_DELAY_MS);
  return {
    begin,
    emit(...events: BackendEvent[]) {
      begin();
      host.emit(...events);
    },
  };
}
