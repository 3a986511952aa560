import type { SessionContext, TurnHost } from "../backend.ts";

/**
 * The host of a turn whose steps are requests to a model: what the last one held tells how full the model's window is.
 * A step without figures says nothing.
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
