import { settlesWithin } from "../../async/wait.ts";
import { type Atom, atomsOf } from "../editor/atoms.ts";
import { draftOf } from "../editor/history.ts";
import type { AppState } from "../state/state.ts";

/** After this time the screen shows that it waits for the daemon … */
const QUIET_MS = 300;
/** … and after this time it stops waiting. Starting a daemon takes a second or two. */
const LEAVE_MS = 5000;

/**
 * Waits until the daemon has accepted the prompts sent so far: a person may send one and leave in the same moment.
 * `onWait` is called when the wait becomes noticeable; aborting `skip` ends it.
 */
export async function untilDelivered(
  delivered: Promise<unknown>,
  onWait: () => void,
  skip: AbortSignal,
): Promise<void> {
  if (await settlesWithin(delivered, QUIET_MS, skip)) return;
  if (skip.aborted) return;
  onWait();
  await settlesWithin(delivered, LEAVE_MS, skip);
}

/** The draft to save for the next start here: the draft, after the prompts that did not reach the daemon. */
export function draftToKeep(state: AppState, unsent: readonly string[] = []): readonly Atom[] {
  const { editor, editing, question, history } = state;
  const draft = draftOf(history, editing?.draft ?? question?.writing?.draft ?? editor);
  if (unsent.length === 0) return draft;
  const prompts = atomsOf(unsent.join("\n"));
  return draft.length === 0 ? prompts : [...prompts, "\n", ...draft];
}
