// A git that is missing, too old or broken (issue: where edits land): each request is refused with a sentence, and no file
// has changed. What such a git says is never taken for an answer.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createCheckpointed } from "../support/checkpointed.ts";
import { openWorktreeWorld, writeAll } from "../support/worktree-world.ts";

const never = new AbortController().signal;

const broken: { [kind: string]: { script: string | null; says: RegExp } } = {
  missing: { script: null, says: /git was not found/ },
  "without its libraries": {
    script: "echo 'git: error while loading shared libraries: libz.so.1' >&2; exit 127",
    says: /error while loading shared libraries/,
  },
  killed: { script: "kill -9 $$", says: /ended with a signal/ },
  "too old": { script: "echo 'error: unknown option `x`' >&2; exit 129", says: /unknown option/ },
  silent: { script: "exit 0", says: /makes sense|names no object|gone from|two trees that differ/ },
  "noisy and not git": {
    script: "echo warning: this is not git",
    says: /makes sense|names no object|cut off|gone from|two trees that differ/,
  },
  "cut off in the middle of its answer": {
    script: "printf 'ce013625030ba8dba906f756967f9e9ca394464a blob 6'",
    says: /makes sense|names no object|cut off|two trees that differ/,
  },
};

test("decisions about a worktree, with a git that is not what it should be", async () => {
  const world = openWorktreeWorld({ "a.txt": "a\n" });
  onTestFinished(world.close);
  await world.turn((folder) => writeAll(folder, { "a.txt": "A\n" }));
  const ids = (await world.list()).map(({ id }) => id);
  for (const { script, says } of Object.values(broken)) {
    world.replaceGit(script);
    const requests = [
      () => world.services.apply(world.wid, ids),
      () => world.services.reject(world.wid, ids),
      () => world.services.branch(world.wid, world.sid),
      () => world.worktrees.check(world.wid, never),
    ];
    for (const request of requests)
      await expect(request()).rejects.toMatchObject({
        code: expect.stringMatching(/^(git_failed|isolation_unavailable)$/),
        message: expect.stringMatching(says),
      });
    expect(world.read("a.txt")).toBe("a\n");
  }
  world.replaceGit(undefined);
  await world.services.apply(world.wid, ids);
  expect(world.read("a.txt")).toBe("A\n");
});

test("checkpoints and undo, with a git that is not what it should be", async () => {
  const at = await createCheckpointed();
  onTestFinished(() => at.end());
  at.write("a", "A");
  const turn = await at.turn(() => at.write("a", "1"));
  const { PATH } = at.env;
  for (const { script, says } of Object.values(broken)) {
    const bin = join(at.top, "bin");
    at.env.PATH = bin;
    mkdirSync(bin, { recursive: true });
    if (script !== null) writeFileSync(join(bin, "git"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const refused = { code: "files_unavailable", message: expect.stringMatching(says) };
    await expect(at.open().take(never)).rejects.toMatchObject(refused);
    await expect(at.undo(at.open(), turn)).rejects.toMatchObject(refused);
    expect(at.read("a")).toBe("1");
  }
  at.env.PATH = PATH;
  await at.undo(at.open(), turn);
  expect(at.read("a")).toBe("A");
});
