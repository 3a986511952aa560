import type { Turn, TurnHost } from "../../backend.ts";
import type { Verdict } from "../../permission/request.ts";
import { diffTexts } from "../../tools/files/unified-diff.ts";
import { findFile, placeInside } from "../client/files.ts";
import { proposedText } from "../client/proposed-text.ts";
import type { Wire } from "../wire.ts";
import { permissionRequests } from "./permission.ts";
import { isFinal, kindOf, pathsOf, type TrackedCall } from "./tool-call.ts";
import { beginTurn, denyCall, type Mapped, mapUpdate, type TurnState, trackCall } from "./update-mapper.ts";

/** A command may have begun this long before its first update: agents report late, and a busy daemon reads late. */
const REPORT_DELAY_MS_MAX = 1000;

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

/** The tool calls of a running turn, and which of them were allowed. */
export function createTurnCalls({ turn, host, signal, root, model, now }: TurnCallsDeps) {
  let state: TurnState = beginTurn(root, model);
  const allowed = new Set<string>();
  let ownCalls = 0;
  let openQuestions = 0;
  let hasDenied = false;
  const begunAt = now();
  /** Commands that ran when the turn was canceled: they may leave processes behind. */
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

  /** The proposed diff of each file that a call edits, if it is known. */
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

  /** "" for a missing file; undefined if it cannot be shown. */
  async function currentText(path: string): Promise<string | undefined> {
    try {
      const place = await placeInside(root, path);
      return (await findFile(place, signal))?.text ?? "";
    } catch {
      return undefined; // outside the root, a folder or not text: the question is shown without a diff
    }
  }

  return {
    get state() {
      return state;
    },
    apply,
    find: (id: string): TrackedCall | undefined => state.calls.get(id),
    update(update: Wire) {
      apply(mapUpdate(state, update, now()));
    },
    track(id: string, update: Wire) {
      apply(trackCall(state, id, update, now()));
    },
    deny(id: string) {
      apply(denyCall(state, id));
    },
    /** Adds a call that the agent did not announce, for a request that hearth carries out. */
    announce(update: Wire): string {
      ownCalls += 1;
      const id = `${turn.run_id}_${ownCalls}`;
      apply(trackCall(state, id, { ...update, status: "in_progress" }, now()));
      return id;
    },
    allow: (id: string) => void allowed.add(id),
    /** Calls that a person or a rule has allowed and that have not ended yet. */
    allowed: (): TrackedCall[] =>
      [...state.calls.values()].filter((call) => allowed.has(call.id) && !isFinal(call)),
    /** Judges everything that a call does. A refusal ends the call. */
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
    /** A question is open or a call is running, so silence is normal. */
    isWorking: (): boolean =>
      openQuestions > 0 || [...state.calls.values()].some(({ status }) => status === "running"),
    /**
     * For a canceled turn: the earliest time at which a command may have begun that still ran when it was canceled.
     * undefined when there was none.
     */
    commandSince(): number | undefined {
      const open = [...openCommands(), ...canceledCommands];
      if (open.length === 0) return undefined;
      return Math.max(begunAt, Math.min(...open.map(({ since }) => since)) - REPORT_DELAY_MS_MAX);
    },
  };
}
