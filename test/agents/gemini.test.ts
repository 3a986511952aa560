import { realAcp } from "./conformance/subjects.ts";
import { conformance } from "./conformance/suite.ts";

conformance(
  realAcp("gemini", {
    tellsCache: false,
    tellsOutput: false,
    // It destroys what it loads within a minute: then it is told what was said.
    keepsConversations: false,
    usesUs: ["write"],
    leavesWritingToUs: true,
    anotherModel: { id: "gemini-2.5-pro", asked: "gemini-2.5-pro" },
    refusesModels: false,
    titles: false,
    plans: false,
  }),
);
