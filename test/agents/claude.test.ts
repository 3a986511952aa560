import { realAcp } from "./conformance/subjects.ts";
import { conformance } from "./conformance/suite.ts";

conformance(realAcp("claude", { askMode: "default", plans: false }));
