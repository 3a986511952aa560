import { realAcp } from "./conformance/subjects.ts";
import { conformance } from "./conformance/suite.ts";

conformance(
  realAcp("qwen", {
    goesOnWhenDenied: false,
    usesUs: ["read", "write"],
    leavesWritingToUs: true,
    titles: false,
  }),
);
