import type { Services } from "../../src/server/services.ts";

type Parts = {
  [Noun in keyof Services]?: Services[Noun] extends (...args: never[]) => unknown
    ? Services[Noun]
    : Partial<Services[Noun]>;
};

/** The service layer with nothing behind it but what a test gives: the HTTP layer and the daemon alone. */
export function bareServices(given: Parts = {}): Services {
  const not = (name: string) => () => {
    throw new Error(`${name} is not part of this test`);
  };
  return {
    engines: () => ({}),
    health:
      given.health ??
      (() => ({
        status: "ok",
        version: "0.0.1",
        build: "bare",
        protocol: "1.0",
        pid: process.pid,
        started_at: "2026-01-02T03:04:05.006Z",
        clients: 0,
        active_runs: 0,
      })),
    checked: async () => {},
    shutdown: given.shutdown ?? not("shutdown"),
    files: not("files"),
    usage: not("usage"),
    away: not("away"),
    snapshot: given.snapshot ?? not("snapshot"),
    refresh: async () => {},
    warnings: () => [],
    requests: { list: not("list"), detail: not("detail"), context: not("context") },
    jobs: { list: not("list"), output: not("output"), cancel: not("cancel") },
    compactions: { compact: not("compact") },
    undo: { undo: not("undo"), redo: not("redo"), turns: not("turns") },
    children: { include: () => false, holdConnection: async () => false, holdTcp: async () => false },
    workspaces: {
      ...{ open: not("open"), list: not("list"), get: not("get"), close: not("close") },
      showSession: not("showSession"),
      ...given.workspaces,
    },
    sessions: {
      ...{ create: not("create"), list: not("list"), get: not("get"), update: not("update") },
      ...{ remove: not("remove"), messages: not("messages"), agentSessions: not("agentSessions") },
      ...{ fork: not("fork"), defaultMode: not("defaultMode"), checkIsolation: not("checkIsolation") },
      ...given.sessions,
    },
    search: not("search"),
    transfer: { exportPage: not("exportPage") },
    imports: { begin: not("begin"), add: not("add"), finish: not("finish"), cancel: not("cancel") },
    runs: {
      ...{ accept: not("accept"), cancel: not("cancel"), list: not("list"), get: not("get") },
      ...{ edit: not("edit"), withdraw: not("withdraw"), resume: not("resume") },
      ...given.runs,
    },
    changes: {
      ...{
        list: not("list"),
        patch: not("patch"),
        branch: not("branch"),
        text: not("text"),
        rootOf: not("rootOf"),
      },
      ...{ applyOne: not("applyOne"), rejectOne: not("rejectOne"), revertOne: not("revertOne") },
      ...{ apply: not("apply"), reject: not("reject"), revert: not("revert") },
      ...given.changes,
    },
    permissions: {
      ...{
        list: not("list"),
        answer: not("answer"),
        grants: not("grants"),
        log: not("log"),
        revoke: not("revoke"),
      },
      ...given.permissions,
    },
    mcp: {
      ...{ list: not("list"), give: not("give"), test: not("test"), logout: not("logout") },
      arguments: not("arguments"),
      ...{ beginLogin: not("beginLogin"), loginState: not("loginState") },
      ...given.mcp,
    },
    trust: { of: () => undefined, give: not("give"), revoke: not("revoke"), ...given.trust },
    tasks: {
      ...{ create: not("create"), list: not("list"), get: not("get"), cancel: not("cancel") },
      ...given.tasks,
    },
    keys: { keep: not("keep"), forget: not("forget"), ...given.keys },
    models: { list: not("list"), refresh: not("refresh"), ...given.models },
    agents: { list: not("list"), logins: not("logins"), login: not("login"), ...given.agents },
    events: { attach: not("attach"), isObserver: () => false, ...given.events },
  };
}
