// Worktrees, their changes and checkpoints in a repository of 50,000 files: `npm run bench -- worktrees [--write]`.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createCheckpointed } from "../test/support/checkpointed.ts";
import { type Files, openWorktreeWorld, writeAll } from "../test/support/worktree-world.ts";
import { type Row, report } from "./measure/report.ts";

const FILES = 50_000;
const ROUNDS = 5;
const CHANGED = 10;

const rows: Row[] = [];
async function measured(name: string, aim: string, work: () => Promise<unknown>): Promise<void> {
  const began = performance.now();
  await work();
  const row = rows.find((known) => known.name === name) ?? { name, unit: "ms", samples: [], aim };
  if (row.samples.length === 0) rows.push(row);
  (row.samples as number[]).push(performance.now() - began);
}

const files: Files = {};
for (let n = 0; n < FILES; n += 1)
  files[`d${Math.floor(n / 2500)}/e${Math.floor(n / 100)}/f${n}.ts`] = `file ${n}\n`.repeat(40);
const changed = Object.keys(files).filter((_, at) => at % (FILES / CHANGED) === 0);

const world = openWorktreeWorld(files);
try {
  for (let round = 0; round < ROUNDS; round += 1) {
    const sid = world.newSession();
    await measured("a worktree is made", "", () => world.ready(sid));
    await measured("a turn that changes nothing", "", () => world.turn(() => {}, "hearth", sid));
    await measured(`a turn that changes ${CHANGED} files, with its changes found`, "", () =>
      world.turn(
        (folder) => {
          for (const name of changed) writeFileSync(join(folder, name), `round ${round}\n`.repeat(41));
        },
        "hearth",
        sid,
      ),
    );
    let ids: Awaited<ReturnType<typeof world.list>>[number]["id"][] = [];
    await measured("the review opened", "", async () => {
      ids = (await world.list("pending", sid)).map(({ id }) => id);
    });
    await measured(`${CHANGED} files applied`, "", () => world.services.apply(world.wid, ids));
    await measured(`${CHANGED} files reverted`, "", () => world.services.revert(world.wid, ids));
  }
} finally {
  await world.close();
}

const at = await createCheckpointed();
try {
  writeAll(at.root, files);
  const never = new AbortController().signal;
  await measured("the first checkpoint of a folder", "", () => at.checkpoints.take(never));
  for (let round = 0; round < ROUNDS; round += 1)
    await measured("a checkpoint, nothing changed", "< 300", () => at.checkpoints.take(never));
  const write = (text: string) => {
    for (const name of changed) at.write(name, text);
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    write(`round ${round}\n`);
    await measured(`a checkpoint, ${CHANGED} files changed`, "", () => at.checkpoints.take(never));
    const turn = await at.turn(() => write(`turn ${round}\n`));
    await measured(`undo of ${CHANGED} files`, "", () => at.undo(at.checkpoints, turn));
  }
} finally {
  await at.end();
}
report("Worktrees and checkpoints, 50,000 files", rows, "bench-daemon.md");
