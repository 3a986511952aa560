import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { access, constants, lstat, mkdir, readFile, realpath, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { sharedOutputFolder } from "../tools/command/output-folder.ts";
import { contains } from "../workspace-path.ts";
import { type HiddenPath, sandboxArguments, shellLine } from "./arguments.ts";

/** `isReadOnly`: it may change nothing but its temp folder. */
export type Confinement = { isReadOnly: boolean };

export type SandboxState = { isWorking: true } | { isWorking: false; reason: string };

export type SandboxedCommand = {
  command: string;
  root: string;
  cwd: string;
  env: Readonly<Record<string, string>>;
};

/** Runs commands in bubblewrap. One per daemon. */
export type Sandbox = {
  /** Whether it works on this machine: tried once. */
  state(): Promise<SandboxState>;
  /** What `state` has found; undefined before. */
  known(): SandboxState | undefined;
  /** The command for a shell that runs it in the sandbox. */
  wrap(command: SandboxedCommand, confinement: Confinement): Promise<string>;
};

/** What the setting `permissions.sandbox` means on this machine. */
export function sandboxUse(
  setting: "auto" | "off" | "require" | undefined,
  state: SandboxState | undefined,
): "off" | "on" | "unasked" | "missing" {
  if (setting === "off") return "off";
  if (state?.isWorking === true) return setting === undefined ? "on" : "unasked";
  return setting === "require" ? "missing" : "off";
}

/** A program of that name elsewhere on PATH may be an agent's. */
const programs = ["/usr/bin/bwrap", "/usr/local/bin/bwrap", "/bin/bwrap", "/run/current-system/sw/bin/bwrap"];
const TRY_MS_MAX = 10_000;

/** Below the home folder: keys, logins, and what browsers and password managers keep. */
const secretNames =
  `.ssh .aws .azure .gnupg .kube .docker .netrc .npmrc .pypirc .git-credentials .pgpass .my.cnf .vault-token
  .password-store .mozilla .thunderbird .terraform.d .oci .boto .s3cfg .config/gh .config/hub .config/gcloud .config/git/credentials
  .config/rclone .config/op .config/doctl .config/google-chrome .config/chromium .config/BraveSoftware .config/Bitwarden
  .config/hearth .local/share/hearth .local/state/hearth .local/share/keyrings .cargo/credentials .cargo/credentials.toml
  .gem/credentials .m2/settings.xml .gradle/gradle.properties .composer/auth.json .claude .claude.json .codex .gemini .qwen
  .config/goose .local/share/goose .local/share/opencode .config/github-copilot .bash_history .zsh_history .python_history
  .node_repl_history .psql_history .local/share/fish/fish_history`.split(/\s+/);

type SandboxOptions = {
  home: string;
  /** hearth's own folders and socket. */
  ownPaths: readonly string[];
  platform: string;
};

export function createSandbox({ home, ownPaths, platform }: SandboxOptions): Sandbox {
  let tried: Promise<{ program: string } | { reason: string }> | undefined;
  let known: SandboxState | undefined;

  async function find(): Promise<{ program: string } | { reason: string }> {
    if (platform !== "linux") return { reason: "there is none for this system yet" };
    const found = await Promise.all(programs.map((path) => isProgram(path)));
    const program = programs.find((_, index) => found[index]);
    if (program === undefined) return { reason: "bubblewrap (bwrap) is not installed" };
    try {
      const root = await realpath(home);
      const args = await argumentsFor({ root, cwd: root, env: {} }, { isReadOnly: true });
      await promisify(execFile)(program, [...args, "true"], { timeout: TRY_MS_MAX });
      return { program };
    } catch (error) {
      const said = error instanceof Error && "stderr" in error ? String(error.stderr) : String(error);
      return { reason: `bubblewrap does not work here: ${said.trim().split("\n")[0]}` };
    }
  }
  const findOnce = () => {
    tried ??= find();
    return tried;
  };

  async function argumentsFor(
    { root, cwd, env }: Omit<SandboxedCommand, "command">,
    { isReadOnly }: Confinement,
  ): Promise<string[]> {
    const tempDirs = await existing(["/tmp", "/var/tmp", tmpdir(), env["TMPDIR"] ?? ""]);
    const secrets = secretNames.map((name) => join(home, name));
    const found = await Promise.all([...secrets, ...ownPaths].map(whatIsThere));
    const hidden = found.flatMap((each) => each ?? []);
    return sandboxArguments({
      root,
      cwd,
      home,
      privateTemp: await privateTempOf(root),
      // A root inside a temp folder is mounted over it later.
      tempDirs: tempDirs.filter((path) => !contains(root, path)),
      outputFolder: sharedOutputFolder(),
      hidden: hidden.filter(
        ({ path }) => !hidden.some((other) => other.path !== path && contains(other.path, path)),
      ),
      gitFolders: await gitFoldersOf(root),
      isReadOnly,
    });
  }

  return {
    async state() {
      const found = await findOnce();
      known ??= "program" in found ? { isWorking: true } : { isWorking: false, reason: found.reason };
      return known;
    },
    known: () => known,
    async wrap({ command, ...place }, confinement) {
      const found = await findOnce();
      if ("reason" in found) throw new Error(`There is no sandbox: ${found.reason}`);
      const args = await argumentsFor(place, confinement);
      return `exec ${shellLine([found.program, ...args, "bash", "-c", command])}`;
    },
  };
}

const isProgram = (path: string): Promise<boolean> =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );

async function existing(paths: readonly string[]): Promise<string[]> {
  const real = await Promise.all(
    paths.filter((path) => path.startsWith("/")).map((path) => realpath(path).catch(() => undefined)),
  );
  return [...new Set(real.flatMap((path) => path ?? []))];
}

async function whatIsThere(path: string): Promise<HiddenPath | undefined> {
  try {
    const real = await realpath(path);
    return { path: real, isFolder: (await stat(real)).isDirectory() };
  } catch {
    return undefined; // nothing to hide
  }
}

/** One folder a root, kept between commands; only its user can enter it. */
async function privateTempOf(root: string): Promise<string> {
  const uid = process.getuid?.() ?? 0;
  const shared = join(tmpdir(), `hearth-sandbox-${uid}`);
  const folder = join(shared, createHash("sha256").update(root).digest("hex").slice(0, 16));
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const stats = await lstat(shared);
  if (!stats.isDirectory() || stats.uid !== uid || (stats.mode & 0o077) !== 0)
    throw new Error(`${shared} is not a private folder of yours: remove it and try again`);
  return folder;
}

/** The repository's own folders where they lie outside the root: in a subfolder of a repository, or in a worktree. */
async function gitFoldersOf(root: string): Promise<string[]> {
  for (let folder = root; ; folder = dirname(folder)) {
    const at = join(folder, ".git");
    const stats = await lstat(at).catch(() => undefined);
    if (stats?.isDirectory()) return folder === root ? [] : [at];
    if (stats?.isFile()) return linkedGitFolders(at);
    if (folder === dirname(folder)) return [];
  }
}

async function linkedGitFolders(file: string): Promise<string[]> {
  try {
    const named = /^gitdir: (.*)$/m.exec(await readFile(file, "utf8"))?.[1];
    if (named === undefined) return [];
    const own = await realpath(resolve(dirname(file), named.trim()));
    const common = await readFile(join(own, "commondir"), "utf8").catch(() => ".");
    const folders = [own, await realpath(resolve(own, common.trim()))];
    // A file of the repository's names these: only what looks like git's own is bound.
    const heads = await Promise.all(folders.map((path) => lstat(join(path, "HEAD")).catch(() => undefined)));
    return [...new Set(folders.filter((_, index) => heads[index]?.isFile()))];
  } catch {
    return []; // not a repository after all
  }
}
