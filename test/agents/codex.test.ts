import { realAcp } from "./conformance/subjects.ts";
import { conformance } from "./conformance/suite.ts";

conformance(
  realAcp("codex", {
    goesOnWhenDenied: false,
    anotherModel: { id: "gpt-6-sol", asked: "gpt-6-sol" },
    plans: false,
    askMode: "read-only",
  }),
);
