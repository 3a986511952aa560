import type { TurnResult } from "../../backend.ts";
import type { Compactor, Room } from "./compactor.ts";

/** The turn of a person who asks for a compaction. */
export async function compactOnly(
  { compactor, model, host, limits }: Pick<Room, "model" | "host" | "limits"> & { compactor: Compactor },
  keep: string,
  signal: AbortSignal,
): Promise<TurnResult> {
  const open = () => host.emit({ type: "step_started", model: model.id });
  const done = await compactor.compact({ model, host, limits, open }, keep, signal);
  if (done === "done") return { outcome: "end_turn" };
  if (done === "failed") {
    const message = "The conversation could not be compacted. It is as it was.";
    return { outcome: "error", error: { code: "provider_error", message, retryable: true } };
  }
  open();
  const text = "There was nothing to compact.";
  host.emit({ type: "notice", level: "info", code: "nothing_to_compact", text });
  return { outcome: "end_turn" };
}
