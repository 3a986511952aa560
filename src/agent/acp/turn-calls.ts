import type { Turn, TurnHost } from "../backend.ts";
import type { Verdict } from "../permission/request.ts";
import { diffTexts } from "../tools/unified-diff.ts";
import { findFile, placeInside } from "./client-files.ts";
import { permissionRequests } from "./permission.ts";
import { proposedText } from "./proposed-text.ts";
import { isFinal, kindOf, pathsOf, type TrackedCall } from "./tool-call.ts";
import { beginTurn, denyCall, type Mapped, mapUpdate, type TurnState, trackCall } from "./update-mapper.ts";
import type { Wire } from "./wire.ts";

/** How long before a command is heard of it may have begun: some agents tell late, and a busy daemon hears late. */
const TOLD_LATE_MS_MAX = 1000;

export type TurnCallsDeps = {
  turn: Turn;
  host: TurnHost;
  /** Aborts when the turn is canceled. */
  signal: AbortSignal;
  root: string;
  model: string | null;
  now(): number;
};

export type TurnCalls = ReturnType<typeof createTurnCalls>;

/** The tool calls of a running turn: what the agent has told of them, and which of them were allowed. */
export function createTurnCalls({ turn, host, signal, root, model, now }: TurnCallsDeps) {
  let state: TurnState = beginTurn(root, model);
  const allowed = new Set<string>();
  let ownCalls = 0;
  let openQuestions = 0;
  let hasDenied = false;
  const begunAt = now();
  /** They may have left something behind that their agent does not think of. */
  let canceledCommands: readonly TrackedCall[] = [];
  signal.addEventListener(
    "abort",
    () => {
      canceledCommands = openCommands();
    },
    { once: true },
  );

  const openCommands = (): TrackedCall[] =>
    [...state.calls.values()].filter(
      (call) => !isFinal(call) && kindOf(call) === "execute" && !state.denied.has(call.id),
    );

  function apply({ state: next, events }: Mapped) {
    state = next;
    for (const event of events) host.emit(event);
  }

  /** What would become of each file that a call names, as far as it can be told. */
  async function diffsOf(call: TrackedCall): Promise<Map<string, string>> {
    const diffs = new Map<string, string>();
    if (kindOf(call) !== "edit") return diffs;
    for (const path of pathsOf(call)) {
      const before = await currentText(path);
      const made = before === undefined ? undefined : proposedText(call, path, before);
      if (before !== undefined && made !== undefined) diffs.set(path, diffTexts(before, made).unified);
    }
    return diffs;
  }

  /** "" for a file that is not there; undefined for what cannot be shown. */
  async function currentText(path: string): Promise<string | undefined> {
    try {
      const place = await placeInside(root, path);
      return (await findFile(place, signal))?.text ?? "";
    } catch {
      return undefined; // outside the root, a folder, not text: it is asked about without its diff
    }
  }

  return {
    get state() {
      return state;
    },
    apply,
    find: (id: string): TrackedCall | undefined => state.calls.get(id),
    hear(update: Wire) {
      apply(mapUpdate(state, update, now()));
    },
    track(id: string, said: Wire) {
      apply(trackCall(state, id, said, now()));
    },
    deny(id: string) {
      apply(denyCall(state, id));
    },
    /** A call that the agent did not announce, of something that is done for it. */
    announce(said: Wire): string {
      ownCalls += 1;
      const id = `${turn.run_id}_${ownCalls}`;
      apply(trackCall(state, id, { ...said, status: "in_progress" }, now()));
      return id;
    },
    allow: (id: string) => void allowed.add(id),
    /** Calls that a person or a rule has allowed and that are not over yet. */
    allowed: (): TrackedCall[] =>
      [...state.calls.values()].filter((call) => allowed.has(call.id) && !isFinal(call)),
    /** Judges all that a call means to do; a refusal is the call's end. */
    async judge(id: string, aborted: AbortSignal): Promise<Verdict["decision"]> {
      const call = state.calls.get(id);
      if (call === undefined) return "canceled";
      openQuestions += 1;
      try {
        for (const request of permissionRequests(call, root, await diffsOf(call))) {
          const { decision } = await host.authorize(request, aborted);
          if (decision === "allow") continue;
          if (decision === "deny") {
            hasDenied = true;
            apply(denyCall(state, id));
          }
          return decision;
        }
        return "allow";
      } finally {
        openQuestions -= 1;
      }
    },
    get hasDenied() {
      return hasDenied;
    },
    /** Something is going on that takes its time without a word. */
    isWorking: (): boolean =>
      openQuestions > 0 || [...state.calls.values()].some(({ status }) => status === "running"),
    /**
     * Of a canceled turn: from when on commands may run that were not over when it was canceled, whatever the agent
     * has told of them since; undefined when there are none.
     */
    commandSince(): number | undefined {
      const open = [...openCommands(), ...canceledCommands];
      if (open.length === 0) return undefined;
      return Math.max(begunAt, Math.min(...open.map(({ since }) => since)) - TOLD_LATE_MS_MAX);
    },
  };
}
