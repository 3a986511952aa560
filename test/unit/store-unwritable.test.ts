import { expect, test } from "vitest";
import { exitCodeOf } from "../../src/cli/exit.ts";
import { HearthError } from "../../src/protocol/errors.ts";
import { whyUnwritable } from "../../src/server/store/unwritable.ts";

const refusing = (codes: Record<string, string>) => ({
  access(path: string) {
    const code = codes[path];
    if (code !== undefined) throw Object.assign(new Error(code), { code });
  },
  stat: () => ({ uid: 12, mode: 0o100444 }) as never,
});

test("a read-only file system and missing rights are named, with what to do", () => {
  expect(whyUnwritable("/d/hearth.db", refusing({ "/d": "EROFS" }))).toMatchObject({
    why: "/d is on a file system that is mounted read-only",
    advice: expect.stringContaining("HEARTH_HOME"),
  });
  const rights = whyUnwritable("/d/hearth.db", refusing({ "/d/hearth.db": "EACCES" }));
  expect(rights.why).toBe("this user may not write to /d/hearth.db (owner 12, mode 0444)");
  expect(rights.advice).toContain("chmod u+w /d/hearth.db");
});

test("a daemon that could not start for its store is no daemon; a store that fails later is a failure", () => {
  const at = (details: Record<string, unknown>) => new HearthError("store_unavailable", "x", { details });
  expect([exitCodeOf(at({ is_start: true })), exitCodeOf(at({}))]).toEqual([5, 1]);
});
