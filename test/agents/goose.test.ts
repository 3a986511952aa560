import { realAcp } from "./conformance/subjects.ts";
import { conformance } from "./conformance/suite.ts";

conformance(
  realAcp("goose", {
    tellsCache: false,
    // Of its last request alone.
    counts: "last",
    hearsCancelInSilence: false,
    usesUs: ["read", "write", "terminal"],
    leavesWritingToUs: true,
    anotherModel: { id: "other-model", asked: "other-model" },
    refusesModels: false,
    plans: false,
    commands: false,
    askMode: null,
    env: { GOOSE_MODE: "approve" },
  }),
);
