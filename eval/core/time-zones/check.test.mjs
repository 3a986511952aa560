import assert from "node:assert/strict";
import { test } from "node:test";
import { spawnSync } from "node:child_process";
const days = (zone, from, to) =>
  Number(
    spawnSync(
      process.execPath,
      ["--input-type=module", "-e", `import { daysBetween } from "./src/days.js"; console.log(daysBetween("${from}", "${to}"))`],
      { encoding: "utf8", env: { ...process.env, TZ: zone } },
    ).stdout,
  );
test("counts calendar days everywhere", () => {
  for (const zone of ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"]) {
    assert.equal(days(zone, "2026-03-01", "2026-04-01"), 31, zone);
    assert.equal(days(zone, "2026-10-01", "2026-11-30"), 60, zone);
    assert.equal(days(zone, "2024-02-28", "2024-03-01"), 2, zone);
    assert.equal(days(zone, "2026-04-02", "2026-04-01"), -1, zone);
  }
});
