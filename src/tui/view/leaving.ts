import { plural } from "../../protocol/plural.ts";
import { type AppState, currentSession, isBusy } from "../state/state.ts";

/** What stands on the screen when the terminal is left: how to come back to what was shown. Short enough for 50 columns. */
export function leavingRows(
  state: AppState,
  { isInCwd, unsentCount }: { isInCwd: boolean; unsentCount: number },
): string[] {
  const unsent = unsentCount === 0 ? [] : [`  not sent, kept as draft: ${plural(unsentCount, "prompt")}`];
  const session = currentSession(state);
  if (session === undefined) return unsent;
  const anywhere = `hearth attach ${session.id.slice(0, 12)}`;
  const first = isInCwd ? "hearth -c" : anywhere;
  return [
    ...unsent,
    `  ${isBusy(state) ? "work continues · " : ""}resume with: ${first}`,
    ...(isInCwd ? [`  from anywhere: ${anywhere}`] : []),
  ];
}
