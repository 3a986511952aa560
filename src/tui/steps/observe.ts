import type { Effect, Step } from "../state/effects.ts";
import type { AppState } from "../state/state.ts";

/** What changes something for others; the rest is looking, or this terminal's own. */
const steering: { readonly [Kind in Effect["do"]]: boolean } = {
  send: true,
  cancel: true,
  answer: true,
  change_session: true,
  delete_session: true,
  login: true,
  end_job: true,
  give_trust: true,
  revoke_trust: true,
  revoke_grant: true,
  fork: true,
  start_arena: true,
  stop_task: true,
  take_entry: true,
  discard_entry: true,
  judge_changes: true,
  judge_named: true,
  change_queued: true,
  withdraw: true,
  resume_queue: true,
  compact: true,
  undo: true,
  redo: true,
  open_session: false,
  clear_screen: false,
  load_sessions: false,
  search_sessions: false,
  load_grants: false,
  load_job: false,
  load_trust: false,
  review_session: false,
  load_tasks: false,
  compare_entries: false,
  load_changes: false,
  load_whole: false,
  open_file: false,
  find_files: false,
  find_arguments: false,
  attach_path: false,
  paste_image: false,
  copy: false,
  export: false,
  doctor: false,
  set_theme: false,
  load_transcript: false,
  find: false,
  show_context: false,
  load_turns: false,
  preview_undo: false,
  retry_now: false,
  remember: false,
  print: false,
  repaint: false,
  edit_outside: false,
  suspend: false,
  leave: false,
  wake: false,
};

const OBSERVES = "this terminal observes: attach without --observe to steer";

/** In a terminal that observes, a step that would steer changes nothing and says why. */
export function withoutSteering(before: AppState, result: Step): Step {
  if (!before.isObserver || !result.effects.some((effect) => steering[effect.do])) return result;
  const { armed } = result.state;
  const text = armed?.press === "interrupt" ? `${OBSERVES} · ctrl+c again: leave` : OBSERVES;
  return {
    state: { ...before, armed, flash: { text, level: "info" } },
    effects: result.effects.filter((effect) => effect.do === "wake"),
  };
}
