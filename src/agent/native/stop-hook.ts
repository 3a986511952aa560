import type { TurnHost } from "../backend.ts";
import { textInside } from "../hearth-note.ts";
import type { Next } from "./decide.ts";
import type { TurnHooks } from "./execute.ts";

/** How often hooks may keep one turn from ending. */
const REFUSED_MAX = 5;

/** Asks the hooks before a turn ends. Returns what the model is told when one keeps it from ending. */
export function createStopHook(
  hooks: Pick<TurnHooks, "stop"> | undefined,
  host: Pick<TurnHost, "emit">,
  signal: AbortSignal,
) {
  let refused = 0;
  return async (next: Next): Promise<string | undefined> => {
    if (next.do !== "end" || next.outcome !== "end_turn" || refused >= REFUSED_MAX) return undefined;
    const stop = await hooks?.stop(refused > 0, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
    if (stop?.message !== undefined)
      host.emit({ type: "notice", level: "warning", code: "hook", text: stop.message });
    if (stop?.blocks === undefined) return undefined;
    refused += 1;
    return `A hook of the user does not let you end here:\n<hook>\n${textInside("hook", stop.blocks)}\n</hook>`;
  };
}
