// The command lines for podman and docker (issue: containers), and what a person is told when they fail.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import {
  endLine,
  execLine,
  holdLine,
  runLine,
  whyNotStarted,
} from "../../src/agent/container/command-lines.ts";
import { pinnedDevContainer, readUp, upLine, whyNotUp } from "../../src/agent/container/dev-container.ts";
import { mountsOf } from "../../src/agent/container/mounts.ts";
import { isAlive, readProcess, signal } from "../support/processes.ts";

const plan = {
  ...{ name: "hearth-ses-1", image: "node:22", root: "/work/api", args: ["--network=none"] },
  mounts: [
    { path: "/work/api", isReadOnly: false },
    { path: "/work/api/.git", isReadOnly: true },
  ],
  user: { uid: 1000, gid: 100 },
};

test("podman: files belong to the user as they are, nothing is fetched, the person's own options come last", () => {
  expect(runLine("/usr/bin/podman", plan).slice(0, -2).join(" ")).toBe(
    "/usr/bin/podman run --interactive --rm --pull=never --sig-proxy=false --name hearth-ses-1 --label hearth=session --workdir /work/api --security-opt=no-new-privileges --security-opt=label=disable --mount type=bind,source=/work/api,target=/work/api --mount type=bind,source=/work/api/.git,target=/work/api/.git,readonly --network=none --entrypoint sh node:22",
  );
});

test("docker: its daemon is root, so commands run as the user", () => {
  const line = runLine("/usr/bin/docker", plan).join(" ");
  expect(line).toContain("--user 1000:100 --env HOME=/tmp");
  expect(line).not.toContain("label=disable");
  expect(runLine("/usr/bin/docker", { ...plan, user: { uid: 0, gid: 0 } }).join(" ")).not.toContain("--user");
});

test("a command gets variables by name, so that no value stands in the process table", () => {
  const place = { runtime: "podman", name: "box" };
  const inside = { id: "i1", cwd: "/work/api/src", variables: ["TERM", "NPM_TOKEN"] };
  expect(execLine(place, inside, ["bash", "-c", "make -j 2"])).toEqual([
    ...["podman", "exec", "--workdir", "/work/api/src", "--env", "HEARTH_COMMAND=i1"],
    ...["--env", "TERM", "--env", "NPM_TOKEN", "box", "bash", "-c", "make -j 2"],
  ]);
});

test("ending a command asks what it started to end, also what left its group, and nothing else", () => {
  const start = (id: string) =>
    Number(
      execFileSync("sh", ["-c", "setsid sleep 300 >/dev/null 2>&1 & echo $!"], {
        env: { PATH: process.env["PATH"], HEARTH_COMMAND: id },
        encoding: "utf8",
      }),
    );
  const [one, other] = [start("test-one"), start("test-one-more")].map(readProcess);
  onTestFinished(() => void (other && signal(other, "SIGKILL")));
  const [, , , , ...shell] = endLine({ runtime: "podman", name: "box" }, ["test-none", "test-one"]);
  execFileSync("sh", shell);
  expect([one, other].map((found) => found && isAlive(found))).toEqual([false, true]);
});

test("what the runtime said becomes a sentence that says what to do", () => {
  const podman = (said: string) => whyNotStarted("/usr/bin/podman", "node:22", said);
  expect(podman("Error: node:22: image not known\n")).toBe(
    "The image node:22 is not on this machine: `podman pull node:22` fetches it.",
  );
  expect(whyNotStarted("docker", "node:22", "docker: Error response: No such image: node:22.")).toContain(
    "`docker pull node:22`",
  );
  expect(podman('Error: exec: "sh": executable file not found in $PATH: not found')).toContain("no shell");
  expect(podman("warning\nError: no space left on device\n")).toBe(
    "A container of node:22 could not be started with podman: no space left on device",
  );
});

test("git's own folder is mounted to read only: of the root, of a repository above it, of a worktree", async () => {
  const base = realpathSync(mkdtempSync(join(tmpdir(), "mounts-")));
  onTestFinished(() => rmSync(base, { recursive: true, force: true }));
  const paths = async (root: string) =>
    (await mountsOf(root)).map(
      ({ path, isReadOnly }) => `${isReadOnly ? "ro" : "rw"} ${path.slice(base.length + 1)}`,
    );
  mkdirSync(join(base, "plain"));
  expect(await paths(join(base, "plain"))).toEqual(["rw plain"]);

  const git = (...args: string[]) => execFileSync("git", ["-C", join(base, "api"), ...args]);
  mkdirSync(join(base, "api/src"), { recursive: true });
  git("init", "-q");
  writeFileSync(join(base, "api/a"), "");
  git("add", "-A");
  git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "first");
  git("worktree", "add", "-q", join(base, "copy"));
  expect(await paths(join(base, "api"))).toEqual(["rw api", "ro api/.git"]);
  expect(await paths(join(base, "api/src"))).toEqual(["rw api/src", "ro api/.git"]);
  expect(await paths(join(base, "copy"))).toEqual([
    "rw copy",
    "ro copy/.git",
    "ro api/.git/worktrees/copy",
    "ro api/.git",
  ]);
  mkdirSync(join(base, "a,b"));
  await expect(mountsOf(join(base, "a,b"))).rejects.toThrow("has a comma");
});

test("a dev container is brought up by its own program, held by an input, and entered as the user it names", () => {
  expect(upLine("devcontainer", { runtime: "podman", root: "/work/api", key: "ses_1" }).join(" ")).toBe(
    "devcontainer up --workspace-folder /work/api --docker-path podman --id-label hearth.session=ses_1 --mount type=bind,source=/work/api,target=/work/api",
  );
  expect(readUp('[1 ms] log\n{"outcome":"success","containerId":"c1","remoteUser":"node"}\n')).toEqual({
    ...{ name: "c1", user: "node" },
  });
  expect(readUp('{"outcome":"error","message":"no such image"}')).toBeUndefined();
  expect(whyNotUp('{"outcome":"error","message":"no such image"}', "")).toContain(": no such image");
  const place = { runtime: "podman", name: "c1", user: "node" };
  expect(execLine(place, { id: "i", cwd: "/w", variables: [] }, ["ls"]).slice(0, 4)).toEqual([
    ...["podman", "exec", "--user", "node"],
  ]);
  expect(holdLine("podman", "c1").at(-1)).toMatch(/cat >\/dev\/null; kill -TERM 1$/);
});

test("what a dev container is, is told apart by every file of it", async () => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "dev-")));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  await expect(pinnedDevContainer(root)).rejects.toThrow("There is no dev container in");
  mkdirSync(join(root, ".devcontainer/more"), { recursive: true });
  const names: string[] = [];
  for (const [file, text] of [
    ...[
      [".devcontainer/devcontainer.json", "{}"],
      [".devcontainer/more/Dockerfile", "FROM a"],
    ],
    ...[
      [".devcontainer/more/Dockerfile", "FROM b"],
      [".devcontainer.json", "{}"],
    ],
  ] as [string, string][]) {
    writeFileSync(join(root, file), text);
    names.push(await pinnedDevContainer(root));
  }
  expect(new Set(names).size).toBe(4);
  expect(await pinnedDevContainer(root)).toBe(names.at(-1));
});
