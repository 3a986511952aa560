import type { SessionContext, TurnHost } from "../backend.ts";

/**
 * Wraps a turn's host so that the size of the last model request reports how full the model's window is. Steps without
 * usage figures report nothing.
 */
export function withContextUsage(host: TurnHost, { onEvent }: Pick<SessionContext, "onEvent">): TurnHost {
  let model: string | null = null;
  return {
    ...host,
    emit(...events) {
      host.emit(...events);
      for (const event of events) {
        if (event.type === "step_started") model = event.model;
        if (event.type !== "step_finished") continue;
        const used = event.usage.input_tokens + event.usage.output_tokens;
        if (used > 0) onEvent({ type: "context", used, window: null, model });
      }
    },
  };
}
