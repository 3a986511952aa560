import { conformance } from "./conformance.ts";
import { realAcp, realOpencode } from "./subjects.ts";

conformance(realOpencode());

conformance(
  realAcp("opencode", {
    tellsCache: true,
    thinks: true,
    counts: "last",
    goesOnWhenDenied: false,
    hearsCancelInSilence: true,
    titles: false,
    plans: true,
    modes: true,
    commands: true,
    askMode: null,
    env: { OPENCODE_PERMISSION: '{"edit":"ask","bash":"ask","webfetch":"ask"}' },
  }),
);
