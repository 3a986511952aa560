import { conformance } from "./conformance.ts";
import { realAcp } from "./subjects.ts";

conformance(
  realAcp("qwen", {
    tellsCache: true,
    thinks: true,
    counts: "turn",
    goesOnWhenDenied: false,
    hearsCancelInSilence: true,
    titles: false,
    plans: false,
    modes: true,
    commands: true,
    askMode: "default",
  }),
);
