import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";

/** An image that the scripted podman does not have. */
export const MISSING_IMAGE = "example.org/missing:1";

/**
 * A program that takes the options of podman which hearth gives, writes each call to `calls` and runs the commands on
 * this machine: a container without walls. Its commands get only the variables that are named.
 */
export function writeScriptedPodman(folder: string): { podman: string; calls: string } {
  const podman = join(folder, "podman");
  const calls = join(folder, "calls");
  writeFileSync(
    podman,
    `#!/bin/bash
printf '%s\\n' "$*" >>'${calls}'
verb=$1; shift
cd_to=/; keep=(PATH="$PATH" IN_CONTAINER=yes)
while [ $# -gt 0 ]; do
  case $1 in
    --workdir) cd_to=$2; shift 2;;
    --env) case $2 in *=*) keep+=("$2");; *) keep+=("$2=\${!2}");; esac; shift 2;;
    --name|--label|--mount|--user) shift 2;;
    --entrypoint) entry=$2; shift 2;;
    -*) shift;;
    *) break;;
  esac
done
name=$1; shift
if [ "$name" = '${MISSING_IMAGE}' ]; then echo "Error: $name: image not known" >&2; exit 125; fi
cd "$cd_to" || exit 126
if [ "$verb" = run ]; then
  env -i "\${keep[@]}" "$entry" "$@"
  echo "ended" >>'${calls}'
  exit
fi
# The first process of this machine is nobody's to end.
set -- "\${@//kill -TERM 1/echo held until now >>'${calls}'}"
# As with the real one, the command goes on when this client ends.
env -i "\${keep[@]}" setsid --wait "$@"
`,
    { mode: 0o755 },
  );
  return { podman, calls };
}

/** A program that takes `up` of the dev containers' own, and says that a container is there. */
export function writeScriptedDevContainer(folder: string): void {
  writeFileSync(
    join(folder, "devcontainer"),
    `#!/bin/sh
printf 'devcontainer %s\\n' "$*" >>'${join(folder, "calls")}'
echo '[1 ms] starting' >&2
echo '{"outcome":"success","containerId":"c0ffee","remoteUser":"node","remoteWorkspaceFolder":"/workspaces/p"}'
`,
    { mode: 0o755 },
  );
}

/** A real podman with a small image of this machine's own programs; undefined where there is none that works. */
export function importImage(): { podman: string; image: string } | undefined {
  const podman = "podman";
  const image = "hearth-test-image:1";
  const folder = mkdtempSync(join(tmpdir(), "image-"));
  try {
    for (const name of ["proc", "dev", "tmp", "etc", "bin"]) mkdirSync(join(folder, name));
    for (const program of ["bash", "sh", "cat", "sleep", "tr", "grep", "touch", "setsid"]) {
      const path = run("which", program).trim();
      copyFileSync(path, join(folder, "bin", program));
      for (const [library = ""] of run("ldd", path).matchAll(/\/\S+/g)) {
        mkdirSync(dirname(join(folder, library)), { recursive: true });
        copyFileSync(library, join(folder, library));
      }
    }
    run("tar", "-C", folder, "-cf", join(folder, "..", `${basename(folder)}.tar`), ".");
    run(podman, "import", join(folder, "..", `${basename(folder)}.tar`), image);
    run(podman, "run", "--rm", "--pull=never", image, "sh", "-c", ":");
    return { podman, image };
  } catch {
    return undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
    rmSync(`${folder}.tar`, { force: true });
  }
}

const run = (program: string, ...args: string[]): string =>
  execFileSync(program, args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
