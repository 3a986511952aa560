import { basename } from "node:path";

/** A folder or file of this machine, at the same path in the container. */
export type Mount = { path: string; isReadOnly: boolean };

export type ContainerPlan = {
  name: string;
  image: string;
  root: string;
  mounts: readonly Mount[];
  /** The person's own options for `run`; the last of two that contradict each other counts. */
  args: readonly string[];
  user: { uid: number; gid: number };
};

/** In the environment of every command in a container: what the command starts carries it, too. */
const COMMAND_VARIABLE = "HEARTH_COMMAND";

/** Says which shell there is, then stays until its input ends, which it does however the daemon ends. */
const STAY =
  "if command -v bash >/dev/null 2>&1; then echo ready bash; else echo ready sh; fi; cat >/dev/null";

/**
 * Starts a container that lasts as long as this command's input. Nothing is fetched: a prompt would wait for a download
 * of which nobody sees anything.
 */
export function runLine(
  runtime: string,
  { name, image, root, mounts, args, user }: ContainerPlan,
): [string, ...string[]] {
  return [
    runtime,
    ...["run", "--interactive", "--rm", "--pull=never", "--sig-proxy=false"],
    ...["--name", name, "--label", "hearth=session", "--workdir", root],
    "--security-opt=no-new-privileges",
    ...(isDocker(runtime)
      ? // Its daemon is root: files would belong to root. No home folder is known for the number.
        user.uid === 0
        ? []
        : ["--user", `${user.uid}:${user.gid}`, "--env", "HOME=/tmp"]
      : // Root in a container of podman is the user outside. Relabelling the user's files is not ours to do.
        ["--security-opt=label=disable"]),
    ...mounts.flatMap(({ path, isReadOnly }) => [
      "--mount",
      `type=bind,source=${path},target=${path}${isReadOnly ? ",readonly" : ""}`,
    ]),
    ...args,
    ...["--entrypoint", "sh", image, "-c", STAY],
  ];
}

/** Holds a container that something else has started: when the input ends, its first process is asked to end. */
export const holdLine = (runtime: string, name: string): [string, ...string[]] => [
  runtime,
  ...["exec", "--interactive", "--user", "0", name, "sh", "-c", `${STAY}; kill -TERM 1`],
];

export const removeLine = (runtime: string, name: string): [string, ...string[]] => [
  runtime,
  ...["rm", "--force", name],
];

/** A container that runs. `user`: who commands in it are; undefined: whoever its image says. */
export type Place = { runtime: string; name: string; user?: string | undefined };

const asUser = ({ user }: Place) => (user === undefined ? [] : ["--user", user]);

/** Runs a command in it. `variables` are taken from the environment of this line. */
export const execLine = (
  place: Place,
  { id, cwd, variables }: { id: string; cwd: string; variables: readonly string[] },
  command: readonly string[],
): [string, ...string[]] => [
  place.runtime,
  ...["exec", ...asUser(place), "--workdir", cwd, "--env", `${COMMAND_VARIABLE}=${id}`],
  ...variables.flatMap((variable) => ["--env", variable]),
  place.name,
  ...command,
];

/** Ends what carries one of the ids: asks first, and makes sure two seconds later. Only what every image with a shell has. */
const END = `found() {
  for at in /proc/[0-9]*; do
    for id; do
      if tr '\\0' '\\n' 2>/dev/null <"$at/environ" | grep -qx "${COMMAND_VARIABLE}=$id"; then echo "\${at#/proc/}"; break; fi
    done
  done 2>/dev/null
}
pids=$(found "$@"); [ -n "$pids" ] || exit 0
kill -TERM $pids 2>/dev/null
left=20
while [ "$left" -gt 0 ]; do
  pids=$(found "$@"); [ -n "$pids" ] || exit 0
  sleep 0.1; left=$((left - 1))
done
kill -KILL $pids 2>/dev/null`;

/** Ends the commands with these ids and all that they started. */
export const endLine = (place: Place, ids: readonly string[]): [string, ...string[]] => [
  place.runtime,
  ...["exec", ...asUser(place), place.name, "sh", "-c", END, "hearth", ...ids],
];

const isDocker = (runtime: string): boolean => basename(runtime).startsWith("docker");

/** One sentence for a person: why no container of that image came up. `said` is what the runtime printed. */
export function whyNotStarted(runtime: string, image: string, said: string): string {
  const program = basename(runtime);
  if (/image not known|no such image|unable to find image|image .*not.*found/i.test(said))
    return `The image ${image} is not on this machine: \`${program} pull ${image}\` fetches it.`;
  if (/cannot connect to the docker daemon|permission denied .*docker\.sock/i.test(said))
    return `${program} does not answer: ${lastLine(said)}`;
  if (/"sh":.*not found|sh.*no such file/i.test(said))
    return `The image ${image} has no shell (sh), which commands need.`;
  return `A container of ${image} could not be started with ${program}: ${lastLine(said) || "it said nothing"}`;
}

const lastLine = (said: string): string =>
  said
    .trim()
    .split("\n")
    .at(-1)
    ?.replace(/^Error: /, "") ?? "";
