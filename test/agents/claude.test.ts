import { realAcp } from "./conformance/subjects.ts";
import { conformance } from "./conformance/suite.ts";

conformance(
  realAcp("claude", {
    anotherModel: { id: "haiku", asked: "claude-haiku-5-5" },
    plans: false,
  }),
);
