import { type AppState, currentSessionId } from "../state/state.ts";
import { statusOf } from "./status.ts";

/** Announces an important change of the status line; undefined if there is none. */
export function announcement(before: AppState, after: AppState): string | undefined {
  if (before.replica === undefined || after.replica === undefined) return undefined;
  const [old, next] = [statusOf(before, ""), statusOf(after, "")];
  const isOther = currentSessionId(before) !== currentSessionId(after);
  const words = [
    ...(next.mode === old.mode ? [] : [`mode ${next.mode.replaceAll("_", " ")}`]),
    ...(next.agent === old.agent
      ? []
      : [`agent ${next.agent ?? "hearth"}${next.agentState === undefined ? "" : `, ${next.agentState}`}`]),
    ...(next.model === old.model || next.model === undefined ? [] : [`model ${next.model}`]),
    ...((next.needsYou ?? 0) > (old.needsYou ?? 0) && !isOther
      ? [`${next.needsYou} elsewhere need you`]
      : []),
  ];
  return words.length === 0 ? undefined : words.join(", ");
}
