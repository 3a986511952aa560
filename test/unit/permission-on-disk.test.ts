import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { createDiskJudge, type DiskLooks, diskLooks } from "../../src/agent/permission/judge-on-disk.ts";
import { createPlace, judge, policyFor, request } from "../support/permission.ts";

const place = createPlace();
afterAll(() => place.remove());
const policy = policyFor(place);
const read = (path: string) => request({ type: "path", access: "read", path });
const command = (line: string) => request({ type: "command", command: line, cwd: place.root });

/** The disk, but for what is below /hung: that does not answer. */
function openHungDisk() {
  const hung: string[] = [];
  const unless =
    <T>(look: (path: string) => Promise<T>) =>
    (path: string): Promise<T> => {
      if (!path.startsWith("/hung")) return look(path);
      hung.push(path);
      return new Promise(() => {});
    };
  const { link, stat, bytes, names, trueCase } = diskLooks;
  const looks: DiskLooks = {
    ...{ link: unless(link), stat: unless(stat), bytes: unless(bytes), names: unless(names) },
    trueCase: unless(trueCase),
  };
  return { looks, hung };
}

test("what is looked up beforehand leads to the same judgement as a disk that is asked at once", async () => {
  symlinkSync(join(place.root, "up"), join(place.root, "twice"));
  symlinkSync("loop", join(place.root, "loop"));
  const onDisk = createDiskJudge();
  const paths = [
    "src/a.ts",
    "out/passwd",
    "up/work/src/a.ts",
    "twice/.bashrc",
    "loop",
    "dangling/x",
    "rc",
    "new/x",
  ];
  const lines = [
    "git status",
    "cat src/*.ts",
    "cat up/*",
    "rm rc",
    "cd up && cat .bashrc",
    "echo x > dangling",
    "ls",
  ];
  const requests = [...paths.map((path) => read(join(place.root, path))), ...lines.map(command)];
  for (const asked of requests) expect(await onDisk(asked, () => policy)).toEqual(judge(asked, policy));
});

test("a path that does not answer is asked about, and nobody else waits for it", async () => {
  const { looks, hung } = openHungDisk();
  const onDisk = createDiskJudge(looks, 50);
  const stuck = [onDisk(read("/hung/a"), () => policy), onDisk(read("/hung/b/c"), () => policy)];
  expect((await createDiskJudge(looks)(read(join(place.root, "src/a.ts")), () => policy)).decision).toBe(
    "allow",
  );
  for (const judgement of await Promise.all(stuck))
    expect(judgement).toMatchObject({
      decision: "ask",
      reasons: [expect.stringContaining("cannot be looked up")],
    });
  expect(hung).toEqual(["/hung"]);
});

test("whoever does not want to wait for a judgement stops at once", async () => {
  const { looks } = openHungDisk();
  const stop = new AbortController();
  const waiting = createDiskJudge(looks, 1_000_000)(read("/hung/a"), () => policy, stop.signal);
  stop.abort(new Error("canceled"));
  await expect(waiting).rejects.toThrow("canceled");
});

test("the policy that counts is the one at the end", async () => {
  let mode: "ask" | "plan" = "ask";
  const asked = request({ type: "path", access: "write", path: join(place.root, "src/a.ts") });
  const judgement = createDiskJudge()(asked, () => ({ ...policy, mode }));
  mode = "plan";
  expect((await judgement).decision).toBe("deny");
});
