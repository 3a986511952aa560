import { conformance } from "./conformance.ts";
import { realAcp } from "./subjects.ts";

conformance(
  realAcp("goose", {
    tellsCache: false,
    thinks: true,
    // Of its last request alone.
    counts: "last",
    goesOnWhenDenied: true,
    hearsCancelInSilence: false,
    titles: true,
    plans: false,
    modes: true,
    commands: false,
    askMode: null,
    env: { GOOSE_MODE: "approve" },
  }),
);
