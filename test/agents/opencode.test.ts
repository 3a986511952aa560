import { realAcp, realOpencode } from "./conformance/subjects.ts";
import { conformance } from "./conformance/suite.ts";

conformance(realOpencode());

conformance(
  realAcp("opencode", {
    counts: "last",
    goesOnWhenDenied: false,
    usesUs: ["write"],
    anotherModel: { id: "fake/other-model", asked: "other-model" },
    titles: false,
    env: { OPENCODE_PERMISSION: '{"edit":"ask","bash":"ask","webfetch":"ask"}' },
  }),
);
