import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmod, lstat, mkdir, readdir, realpath, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, normalize, sep } from "node:path";
import { promisify } from "node:util";
import { HearthError } from "../../protocol/errors.ts";
import { download, type Entry, type Env } from "./registry.ts";

const run = promisify(execFile);
const ARCHIVE_BYTES_MAX = 512 * 1024 * 1024;
const DOWNLOAD_MS_MAX = 15 * 60_000;

/** How an agent is started. `archive`: what has to be downloaded first. */
export type Plan = {
  command: string[];
  env: Record<string, string>;
  archive?: { url: string; sha256: string | undefined; cmd: string };
};

const refuse = (message: string) => new HearthError("invalid_request", message);

/** How this machine runs an entry, at exactly its version. Throws HearthError invalid_request. */
export function planOf(entry: Entry, platform: string): Plan {
  const { npx, uvx, binary } = entry.distribution;
  const target = binary?.[platform];
  for (const [name, value] of Object.entries({ ...npx?.env, ...uvx?.env, ...target?.env })) {
    // In a configuration this reads a variable of the user's, such as a provider's key.
    if (/^\s*env:/i.test(value))
      throw refuse(`${entry.id} is refused: its ${name} would read your variable ${value.trim().slice(4)}.`);
  }
  if (npx !== undefined) {
    const name = pinned(npx.package, /^((?:@[a-z0-9~][\w.~-]*\/)?[a-z0-9~][\w.~-]*)(?:@(.+))?$/, entry, "@");
    return { command: ["npx", "-y", name, ...(npx.args ?? [])], env: npx.env ?? {} };
  }
  if (uvx !== undefined) {
    const name = pinned(uvx.package, /^([A-Za-z0-9][\w.-]*(?:\[[\w,-]+\])?)(?:(?:==|@)(.+))?$/, entry, "==");
    return { command: ["uvx", name, ...(uvx.args ?? [])], env: uvx.env ?? {} };
  }
  if (target !== undefined) {
    const { archive: url, sha256, cmd, args = [], env = {} } = target;
    return { command: [cmd, ...args], env, archive: { url, sha256: sha256?.toLowerCase(), cmd } };
  }
  const known = Object.keys(binary ?? {}).join(", ");
  throw refuse(`${entry.id} does not run on ${platform}${known === "" ? "" : `: it is there for ${known}`}.`);
}

/** A package at one version: a moving tag would be another program tomorrow. */
function pinned(text: string, form: RegExp, { id, version }: Entry, joint: string): string {
  const found = form.exec(text);
  const name = found?.[1];
  if (name === undefined) throw refuse(`${id} names no package: ${text}.`);
  const said = found?.[2];
  const exact = said !== undefined && /^\d+\.\d+(\.\d+)*(?:[-+][\w.+-]+)?$/.test(said) ? said : version;
  return `${name}${joint}${exact}`;
}

export const platformHere = (): string =>
  `${process.platform}-${process.arch === "arm64" ? "aarch64" : process.arch === "x64" ? "x86_64" : process.arch}`;

/**
 * Downloads and unpacks into `folder`, which is there whole or not at all. Returns the program's path and the archive's
 * hash. Throws HearthError.
 */
export async function installArchive(
  { url, sha256, cmd }: NonNullable<Plan["archive"]>,
  folder: string,
  env: Env = {},
): Promise<{ program: string; sha256: string }> {
  const bytes = await download(url, { bytesMax: ARCHIVE_BYTES_MAX, msMax: DOWNLOAD_MS_MAX, env });
  const found = createHash("sha256").update(bytes).digest("hex");
  if (sha256 !== undefined && sha256 !== found)
    throw refuse(`${url} is not what the registry says: its SHA-256 is ${found}, not ${sha256}.`);
  const fresh = `${folder}.new-${process.pid}`;
  await rm(fresh, { recursive: true, force: true });
  await mkdir(fresh, { recursive: true, mode: 0o700 });
  try {
    await unpack(bytes, new URL(url).pathname, cmd, fresh);
    const program = join(fresh, cmd);
    await mustStayInside(fresh);
    if (!normalize(program).startsWith(fresh + sep)) throw refuse(`${cmd} leads out of the archive.`);
    if (!(await lstat(program).catch(() => undefined))?.isFile()) throw refuse(`The archive has no ${cmd}.`);
    await chmod(program, 0o700);
    await rm(folder, { recursive: true, force: true });
    await rename(fresh, folder);
    return { program: join(folder, cmd), sha256: found };
  } finally {
    await rm(fresh, { recursive: true, force: true });
  }
}

async function unpack(bytes: Buffer, path: string, cmd: string, into: string): Promise<void> {
  const tar = /\.(tar\.gz|tgz|tar\.bz2|tbz2)$/.test(path);
  if (!tar && !path.endsWith(".zip")) {
    const program = join(into, normalize(`/${cmd}`));
    await mkdir(dirname(program), { recursive: true });
    return writeFile(program, bytes, { mode: 0o700 });
  }
  const archive = join(into, ".archive");
  await writeFile(archive, bytes, { mode: 0o600 });
  const [program, list, take] = tar
    ? (["tar", ["-tf", archive], ["-xf", archive, "--no-same-owner", "-C", into]] as const)
    : (["unzip", ["-Z1", archive], ["-q", archive, "-d", into]] as const);
  const said = async (args: readonly string[]) => {
    try {
      return (await run(program, args, { maxBuffer: 64 * 1024 * 1024 })).stdout;
    } catch (cause) {
      const why =
        (cause as NodeJS.ErrnoException).code === "ENOENT" ? `${program} is missing here` : "it is broken";
      throw refuse(`The archive cannot be unpacked: ${why}.`);
    }
  };
  const names = (await said(list)).split("\n");
  const odd = names.find((name) => name.startsWith("/") || name.split("/").includes(".."));
  if (odd !== undefined) throw refuse(`The archive is refused: it writes outside of its folder (${odd}).`);
  await said(take);
  await rm(archive);
}

/** Links in an archive may lead anywhere, and a pipe or a device keeps whoever reads it waiting. */
async function mustStayInside(folder: string): Promise<void> {
  const root = await realpath(folder);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() || entry.isDirectory()) continue;
    if (!entry.isSymbolicLink()) throw refuse(`The archive is refused: ${entry.name} is no file.`);
    const path = join(entry.parentPath, entry.name);
    const at = await realpath(path).catch(() => "");
    if (!at.startsWith(root + sep)) throw refuse(`The archive is refused: ${entry.name} leads out of it.`);
  }
}
