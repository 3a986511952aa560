import { type AppState, currentSession, isBusy } from "../state.ts";

/** What stands on the screen when the terminal is left: how to come back to what was shown. Short enough for 50 columns. */
export function leavingRows(state: AppState, isInCwd: boolean): string[] {
  const session = currentSession(state);
  if (session === undefined) return [];
  const anywhere = `hearth attach ${session.id.slice(0, 12)}`;
  const first = isInCwd ? "hearth -c" : anywhere;
  return [
    `  ${isBusy(state) ? "work continues · " : ""}resume with: ${first}`,
    ...(isInCwd ? [`  from anywhere: ${anywhere}`] : []),
  ];
}
