import { describe, expect, test } from "vitest";
import { benchFor } from "./conformance/bench.ts";
import { realAcp } from "./conformance/subjects.ts";
import { conformance } from "./conformance/suite.ts";

const goose = realAcp("goose", {
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
  env: { GOOSE_MODE: "approve" },
});

conformance(goose);

describe.skipIf("missing" in goose)("goose", { timeout: 120_000 }, () => {
  test("asks again when the mode that was chosen for it is given up, also behind a restart", async () => {
    if ("missing" in goose) return expect.unreachable();
    const { prepare, expectCleanTurn } = benchFor(goose);
    const ground = await prepare();
    const before = await ground.start();
    before.world.chooseMode("auto");
    await expectCleanTurn(before, "one");
    await ground.stop();

    const { world, ...rest } = await ground.start();
    world.chooseMode(null);
    await expectCleanTurn({ world, ...rest }, "two");
    const modes = world.sessionEvents.filter((event) => event.type === "modes");
    expect(modes.map(({ current }) => current)).toEqual(["auto", "approve"]);
  });
});
