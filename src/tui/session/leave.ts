import { settlesWithin } from "../../async/wait.ts";
import { type Atom, atomsOf } from "../editor/atoms.ts";
import { draftOf } from "../editor/history.ts";
import type { AppState } from "../state/state.ts";

/** After this long the screen says that it waits for the daemon … */
const QUIET_MS = 300;
/** … and after this long it no longer waits. Starting a daemon takes a second or two. */
const LEAVE_MS = 5000;

/**
 * Before a terminal lets go, what was typed reaches the daemon: a prompt may be sent and the terminal left in the same
 * moment. `onWait` is called when a person notices; `hurried` ends the wait.
 */
export async function untilDelivered(
  delivered: Promise<unknown>,
  onWait: () => void,
  hurried: AbortSignal,
): Promise<void> {
  if (await settlesWithin(delivered, QUIET_MS, hurried)) return;
  if (hurried.aborted) return;
  onWait();
  await settlesWithin(delivered, LEAVE_MS, hurried);
}

/** What the next terminal here begins with: the draft, and before it prompts that did not reach the daemon. */
export function draftToKeep(state: AppState, unsent: readonly string[] = []): readonly Atom[] {
  const { editor, editing, question, history } = state;
  const draft = draftOf(history, editing?.draft ?? question?.writing?.draft ?? editor);
  if (unsent.length === 0) return draft;
  const prompts = atomsOf(unsent.join("\n"));
  return draft.length === 0 ? prompts : [...prompts, "\n", ...draft];
}
