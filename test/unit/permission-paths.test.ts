import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { Policy } from "../../src/agent/permission/judge.ts";
import { createFileLookup, plainGitConfig } from "../../src/agent/permission/paths/real-path.ts";
import {
  createPlace,
  inShort,
  judge,
  judgeLine,
  policyFor,
  reasonsOf,
  request,
} from "../support/permission.ts";
import { syncDisk } from "../support/sync-disk.ts";

const place = createPlace();
afterAll(() => place.remove());
const { root, home } = place;

const read = (path: string, policy: Policy) => judge(request({ type: "path", access: "read", path }), policy);
const write = (path: string, policy: Policy, unified = "+x") =>
  judge(request({ type: "path", access: "write", path, unified }), policy);
const inRoot = (path: string) => join(root, path);

describe("reading", () => {
  test.each(["ask", "accept_edits", "plan", "yolo"] as const)(
    "inside the workspace is free in mode %s",
    (mode) => {
      expect(inShort(read(inRoot("src/a.ts"), policyFor(place, { mode })))).toBe("allow");
      expect(inShort(read(inRoot(".git/config"), policyFor(place, { mode })))).toBe("allow");
    },
  );

  test.each([
    ["a neighbour whose name starts the same", join(home, "work-evil/x")],
    ["the folder above", home],
    ["through a link", inRoot("out/passwd")],
    ["by the way up", `${root}/src/../../work-evil/x`],
    ["by the way up through a link", `${root}/out/../etc/passwd`],
    ["through a dangling link", inRoot("dangling")],
    ["a path with a NUL", `${root}/a\0b`],
  ])("outside the workspace asks: %s", (_, path) => {
    expect(inShort(read(path, policyFor(place)))).toBe("ask");
    expect(inShort(read(path, policyFor(place, { mode: "accept_edits" })))).toBe("ask");
    expect(inShort(read(path, policyFor(place, { mode: "plan" })))).toBe("ask");
  });

  test("a question about a file says what is read and through which link", () => {
    const judgement = read(inRoot("out/passwd"), policyFor(place));
    expect(judgement).toMatchObject({
      detail: { type: "text", text: "read /etc/passwd" },
      reasons: ["reads outside the workspace: /etc/passwd (through out/passwd)"],
    });
  });

  test("hearth's own files ask in every mode", () => {
    expect(inShort(read(join(place.own, "hearth.db"), policyFor(place, { mode: "yolo" })))).toBe("ask!");
    expect(inShort(read(join(place.own, "hearth.db"), policyFor(place, { allow: ["read"] })))).toBe("ask!");
  });
});

describe("writing", () => {
  test("inside the workspace follows the mode", () => {
    const results = (["ask", "accept_edits", "plan", "yolo"] as const).map((mode) =>
      inShort(write(inRoot("src/new.ts"), policyFor(place, { mode }))),
    );
    expect(results).toEqual(["ask", "allow", "deny", "allow"]);
  });

  test("a question about an edit shows the diff and the path from the root", () => {
    expect(write(inRoot("src/a.ts"), policyFor(place), "-a\n+\u202eb")).toMatchObject({
      detail: { type: "edit", path: "src/a.ts", unified: "-a\n+\\u{202e}b", reasons: [] },
      protected: false,
    });
  });

  const protectedFiles = [
    ".git/config",
    ".git/hooks/pre-commit",
    ".git",
    "sub/.git/HEAD",
    ".GIT/config",
    ".g\u200cit/config",
    ".git./config",
    "GIT~1/config",
    ".hearth/hearth.jsonc",
    ".vscode/tasks.json",
    ".envrc",
    "sub/.envrc",
    ".mcp.json",
    ".claude/settings.json",
    ".Claude/settings.json",
    ".codex/config.toml",
    "opencode.json",
    ".husky/pre-commit",
    "rc",
    "up/.bashrc",
  ];
  test.each(protectedFiles)("%s is protected in every mode, also where it does not exist yet", (path) => {
    for (const mode of ["ask", "accept_edits", "yolo"] as const) {
      const policy = policyFor(place, { mode, allow: ["edit", "edit(/**)", "edit(**)"] });
      expect([mode, inShort(write(inRoot(path), policy))]).toEqual([mode, "ask!"]);
    }
  });

  test.each([
    ".bashrc",
    ".zshenv",
    ".profile",
    ".config/fish/config.fish",
    ".config/goose/config.yaml",
    ".claude.json",
    ".gitconfig",
    ".ssh/authorized_keys",
    ".config/autostart/x.desktop",
    "Library/LaunchAgents/x.plist",
  ])("~/%s is protected", (path) => {
    expect(inShort(write(join(home, path), policyFor(place, { mode: "yolo" })))).toBe("ask!");
  });

  test.each([".gitignore", ".github/workflows/ci.yml", "src/git/config", "claude/x", "profile", "AGENTS.md"])(
    "%s is an ordinary file",
    (path) => {
      expect(inShort(write(inRoot(path), policyFor(place, { mode: "accept_edits" })))).toBe("allow");
    },
  );

  test("outside the workspace asks, except in yolo", () => {
    for (const path of [join(home, "work-evil/x"), inRoot("dangling"), inRoot("out/x"), "/opt/new"]) {
      expect(inShort(write(path, policyFor(place, { mode: "accept_edits" })))).toBe("ask");
      expect(inShort(write(path, policyFor(place, { mode: "yolo" })))).toBe("allow");
    }
  });

  test("a protected question is not answered for longer than once", () => {
    const judgement = write(inRoot(".git/config"), policyFor(place));
    expect(judgement).toMatchObject({ options: [{ decision: "allow_once" }, { decision: "deny" }] });
  });

  test.each(["/dev/sda", "/sys/power/state", "/proc/sysrq-trigger"])(
    "%s is never written unasked",
    (path) => {
      expect(inShort(write(path, policyFor(place, { mode: "yolo" })))).toBe("ask!");
    },
  );
});

describe("rules about paths", () => {
  test.each([
    ["edit(src/**)", "src/a.ts", "allow"],
    ["edit(src/**)", "src/deep/x", "allow"],
    ["edit(src/**)", "src", "allow"],
    ["edit(src/*)", "src/deep/x", "ask"],
    ["edit(src/*.{ts,tsx})", "src/a.ts", "allow"],
    ["edit(src/*.{ts,tsx})", "src/a.js", "ask"],
    ["edit(src)", "src/a.ts", "ask"],
    ["edit(./src/)", "src/a.ts", "allow"],
    ["edit(a.ts)", "src/a.ts", "ask"],
    ["edit(**/a.ts)", "src/a.ts", "allow"],
    ["edit(SRC/**)", "src/a.ts", "ask"],
    ["edit(/**)", "src/a.ts", "allow"],
    ["edit", "src/a.ts", "allow"],
    ["*", "src/a.ts", "allow"],
    ["read(src/**)", "src/a.ts", "ask"],
    ["edit(**)", "out/x", "ask"],
    ["edit(out/**)", "out/x", "ask"],
    ["edit(/etc/**)", "out/x", "allow"],
    ["edit(~/not-there-*)", "dangling", "allow"],
    ["edit(../work-evil/**)", "../work-evil/x", "allow"],
  ])("allow %s makes writing %s: %s", (rule, path, expected) => {
    expect(inShort(write(`${root}/${path}`, policyFor(place, { allow: [rule] })))).toBe(expected);
  });

  test.each([
    ["read(.env)", ".env", "deny"],
    ["read(.env)", "src/.env", "deny"],
    ["read(.env)", ".ENV", "deny"],
    ["read(.env*)", ".env.local", "deny"],
    ["read(src)", "src/deep/x", "deny"],
    ["read(src/deep/)", "src/deep/x", "deny"],
    ["read(/etc/**)", "out/passwd", "deny"],
    ["read(out/**)", "out/passwd", "deny"],
    ["read(~/**)", "up/x", "deny"],
    ["read(src/*.js)", "src/a.ts", "allow"],
    ["*(src/**)", "src/a.ts", "deny"],
  ])("deny %s makes reading %s: %s", (rule, path, expected) => {
    expect(inShort(read(`${root}/${path}`, policyFor(place, { deny: [rule], mode: "yolo" })))).toBe(expected);
  });

  test("deny wins over ask, ask over allow", () => {
    const rules = { deny: ["edit(src/a.ts)"], ask: ["edit(src/**)"], allow: ["edit(**)"] };
    expect(inShort(write(inRoot("src/a.ts"), policyFor(place, rules)))).toBe("deny");
    expect(inShort(write(inRoot("src/b.ts"), policyFor(place, { ...rules, mode: "yolo" })))).toBe("ask");
    expect(inShort(write(inRoot("build/x"), policyFor(place, rules)))).toBe("allow");
  });

  test("they hold for what commands read and write", () => {
    const policy = policyFor(place, { deny: ["read(.env)", "edit(build/**)"], mode: "yolo" });
    expect(inShort(judgeLine("cat .env", policy))).toBe("deny");
    expect(inShort(judgeLine("cat < .env", policy))).toBe("deny");
    expect(inShort(judgeLine("cat .e*", policy))).toBe("deny");
    expect(inShort(judgeLine("some-program --file=.env", policy))).toBe("deny");
    expect(inShort(judgeLine("echo x > build/y", policy))).toBe("deny");
    expect(inShort(judgeLine("cp src/a.ts build", policy))).toBe("deny");
    expect(inShort(judgeLine("some-program build/y", policy))).toBe("ask");
    expect(inShort(judgeLine("cat build/y", policy))).toBe("allow");
  });
});

describe("roots in odd places", () => {
  test("a root inside hearth's own folder, as a worktree is, is not protected itself", () => {
    const worktree = join(place.own, "worktrees", "one");
    mkdirSync(worktree, { recursive: true });
    const policy = policyFor(place, { root: worktree, mode: "accept_edits" });
    expect(inShort(write(join(worktree, "a.ts"), policy))).toBe("allow");
    expect(inShort(judgeLine(`cat ${worktree}/a.ts`, policy))).toBe("allow");
    expect(inShort(write(join(worktree, ".git"), policy))).toBe("ask!");
    expect(inShort(read(join(place.own, "hearth.db"), policy))).toBe("ask!");
    expect(inShort(read(join(place.own, "worktrees", "two", "a.ts"), policy))).toBe("ask!");
  });

  test("hearth's own folder inside the root stays protected", () => {
    const own = inRoot("state/hearth");
    const policy = policyFor(place, { protectedPaths: [own], mode: "yolo" });
    expect(inShort(read(join(own, "x"), policy))).toBe("ask!");
    expect(inShort(judgeLine("cat state/hearth/x", policy))).toBe("ask!");
    expect(inShort(read(inRoot("state/other"), policy))).toBe("allow");
  });

  test("a root that is reached by a link is the folder it leads to", () => {
    const link = join(place.base, "link-to-work");
    symlinkSync(root, link);
    const policy = policyFor(place, { root: link, mode: "accept_edits" });
    expect(inShort(write(join(link, "src/a.ts"), policy))).toBe("allow");
    expect(inShort(write(inRoot("src/a.ts"), policy))).toBe("allow");
    expect(inShort(write(join(place.base, "link-to-x"), policy))).toBe("ask");
    rmSync(link);
  });

  test("a shared folder counts as inside for commands, unless the root lies in it", () => {
    const temp = join(place.base, "tmp");
    mkdirSync(temp);
    const apart = policyFor(place, { mode: "accept_edits", tempDirs: [temp] });
    expect(inShort(judgeLine(`echo x > ${temp}/x`, apart))).toBe("allow");
    expect(inShort(write(join(temp, "x"), apart))).toBe("ask");
    const around = policyFor(place, { mode: "accept_edits", tempDirs: [place.base] });
    expect(inShort(judgeLine(`echo x > ${place.base}/x`, around))).toBe("ask");
  });
});

describe("what the disk is asked", () => {
  test("a loop of links is nowhere, and asks", () => {
    symlinkSync(inRoot("loop-b"), inRoot("loop-a"));
    symlinkSync(inRoot("loop-a"), inRoot("loop-b"));
    expect(createFileLookup(syncDisk).realPath(inRoot("loop-a"))).toBeUndefined();
    expect(inShort(read(inRoot("loop-a"), policyFor(place)))).toBe("ask");
    rmSync(inRoot("loop-a"));
    rmSync(inRoot("loop-b"));
  });

  test("what is not there yet is where its folder is", () => {
    expect(createFileLookup(syncDisk).realPath(inRoot("up/new/file"))).toBe(join(home, "new/file"));
    expect(createFileLookup(syncDisk).realPath(inRoot("dangling/deeper"))).toBe(
      join(home, "not-there-yet/deeper"),
    );
  });

  test("git reads freely only where the repository names no program", () => {
    const config = inRoot(".git/config");
    const status = () => judgeLine("git status", policyFor(place));
    expect(inShort(status())).toBe("allow");
    for (const text of [
      "[core]\n\tfsmonitor = ./x\n",
      "[core] fsmonitor = ./x\n",
      "[core]\n\tbare = false\\\n\tfsmonitor = x\n",
      "[include]\n\tpath = ../x\n",
      '[diff "x"]\n\ttextconv = y\n',
      "[alias]\n\tstatus = !x\n",
    ]) {
      writeFileSync(config, text);
      expect([text, inShort(status())]).toEqual([text, "ask"]);
      expect(reasonsOf(status())).toEqual(["the repository's git configuration may run programs"]);
    }
    writeFileSync(config, "[core]\n\tbare = false\n");
    writeFileSync(inRoot(".git/hooks/post-index-change"), "");
    expect(inShort(status())).toBe("ask");
    rmSync(inRoot(".git/hooks/post-index-change"));
    expect(inShort(status())).toBe("allow");
  });

  test("a bare repository made of files of the workspace is not believed", () => {
    mkdirSync(inRoot("fake/objects"), { recursive: true });
    writeFileSync(inRoot("fake/HEAD"), "ref: refs/heads/main\n");
    expect(inShort(judgeLine("cd fake && git status", policyFor(place)))).toBe("ask");
  });

  test("an ordinary configuration is plain, and its hook folder is told", () => {
    const text = `[core]
	repositoryformatversion = 0
	hooksPath = .husky/_
[remote "origin"]
	url = git@example.com:a/b.git
	fetch = +refs/heads/*:refs/remotes/origin/*
[branch "main"]
	remote = origin
	merge = refs/heads/main
`;
    expect(plainGitConfig(text)).toEqual([".husky/_"]);
    expect(plainGitConfig('[filter "x"]\n\tclean = y\n')).toBeUndefined();
  });
});
