import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { z } from "zod";
import { DEV_CONTAINER } from "../../protocol/container.ts";
import { HearthError } from "../../protocol/errors.ts";

/** More than people put into the folder, and less than takes long to read. */
const FILES_MAX = 500;

/**
 * The name with a hash of the project's files that say what the dev container is. They may run commands on this machine,
 * so what was asked for once does not hold for files that an agent has changed since. Throws container_unavailable.
 */
export async function pinnedDevContainer(root: string): Promise<string> {
  const files = await filesOf(root);
  if (files.length === 0)
    throw new HearthError(
      "container_unavailable",
      `There is no dev container in ${root}: it would be in .devcontainer/devcontainer.json.`,
    );
  const hash = createHash("sha256");
  for (const path of files.slice(0, FILES_MAX)) {
    const content = await readFile(path);
    hash.update(`${relative(root, path)}\n${content.length}\n`).update(content);
  }
  return `${DEV_CONTAINER}@${hash.digest("hex").slice(0, 16)}`;
}

async function filesOf(root: string): Promise<string[]> {
  const entries = await readdir(join(root, ".devcontainer"), { recursive: true, withFileTypes: true }).catch(
    () => [],
  );
  const inside = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  const alone = join(root, ".devcontainer.json");
  const isThere = await readFile(alone).then(
    () => true,
    () => false,
  );
  return [...inside, ...(isThere ? [alone] : [])].sort();
}

/** Builds and starts it, or finds the one of that session; with the project at the same path as on this machine, too. */
export const upLine = (
  program: string,
  { runtime, root, key }: { runtime: string; root: string; key: string },
): [string, ...string[]] => [
  program,
  ...["up", "--workspace-folder", root, "--docker-path", runtime, "--id-label", `hearth.session=${key}`],
  ...["--mount", `type=bind,source=${root},target=${root}`],
];

const Up = z.object({ containerId: z.string().min(1), remoteUser: z.string().optional() });

/** What `up` printed: its last line says which container it is. Undefined if there is none. */
export function readUp(stdout: string): { name: string; user: string | undefined } | undefined {
  try {
    const { containerId, remoteUser } = Up.parse(JSON.parse(stdout.trim().split("\n").at(-1) ?? ""));
    return { name: containerId, user: remoteUser };
  } catch {
    return undefined;
  }
}

/** Why `up` brought none up, as it says it itself. */
export function whyNotUp(stdout: string, stderr: string): string {
  try {
    const said = z.object({ message: z.string() }).parse(JSON.parse(stdout.trim().split("\n").at(-1) ?? ""));
    return `The dev container could not be started: ${said.message}`;
  } catch {
    return `The dev container could not be started: ${stderr.trim().split("\n").at(-1) ?? "it said nothing"}`;
  }
}
