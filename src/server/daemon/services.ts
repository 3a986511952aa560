import type { Sandbox } from "../../agent/sandbox/sandbox.ts";
import type { DaemonStop } from "../../protocol/daemon-stop.ts";
import { HearthError } from "../../protocol/errors.ts";
import { plural } from "../../protocol/plural.ts";
import type { Services } from "../services.ts";

/** The default time that runs get to end. */
const GRACE_MS = 5000;

type Deps = {
  about: { version: string; build: string; protocol: string; started_at: string };
  clientCount(): number;
  activeRunCount(): number;
  /** Where a damaged store was moved to. */
  movedAside: string | null;
  sandbox: Pick<Sandbox, "state" | "known">;
  requestStop(graceMs: number, stop: DaemonStop): void;
};

/** Requests about the daemon itself. */
export function createDaemonServices(deps: Deps): Pick<Services, "health" | "checked" | "shutdown"> {
  const { about, clientCount, activeRunCount, movedAside, sandbox, requestStop } = deps;
  const sandboxShown = () => {
    const known = sandbox.known();
    if (known === undefined) return {};
    const reason = known.isWorking ? null : known.reason;
    return { sandbox: { state: known.isWorking ? "sandboxed" : "unsandboxed", reason } as const };
  };
  return {
    health: () => ({
      ...{ status: "ok", ...about, pid: process.pid },
      ...{ clients: clientCount(), active_runs: activeRunCount() },
      ...sandboxShown(),
      notices: movedAside
        ? [`The store was damaged. It was moved to ${movedAside}, and a new one was begun.`]
        : [],
    }),
    checked: async () => void (await sandbox.state()),
    shutdown({ grace_ms = GRACE_MS, only_if_idle, restart = false, by }, caller) {
      const count = activeRunCount();
      if (only_if_idle && count > 0) {
        const going = plural(count, "run");
        throw new HearthError("daemon_busy", `The daemon has ${going} going; it was not stopped.`);
      }
      requestStop(grace_ms, { reason: restart ? "restart" : "stop", by: by ?? caller });
    },
  };
}
