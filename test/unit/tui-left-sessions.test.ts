import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openLeftSessions } from "../../src/tui/files/left-sessions.ts";

test("what was left in a directory is found by every path that leads to it", () => {
  const base = mkdtempSync(join(tmpdir(), "hearth-left-"));
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  const real = join(base, "real");
  const link = join(base, "link");
  mkdirSync(real);
  symlinkSync(real, link);
  const open = (cwd: string) => openLeftSessions({ stateDir: base }, { cwd, terminal: "pts/1" });
  open(link).show("ses_1", ["run_1"]);
  expect(open(real).read()).toEqual([{ session: "ses_1", terminal: "pts/1", runs: ["run_1"] }]);
  // A directory that is gone is no reason to fail.
  expect(open(join(base, "gone")).read()).toEqual([]);
});
