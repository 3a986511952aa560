import { randomBytes, randomUUID } from "node:crypto";
import type { Readable } from "node:stream";
import { ignoreError, inBackground } from "../../async/in-background.ts";
import { createQueueByKey } from "../../async/one-at-a-time.ts";
import { orAborted, settlesWithin } from "../../async/wait.ts";
import { isDevContainer } from "../../protocol/container.ts";
import { HearthError } from "../../protocol/errors.ts";
import type { FolderGate } from "../files/folder-gate.ts";
import { findCommand } from "../process/find-command.ts";
import type { GroupProcess, ProcessSupervisor, SpawnRequest } from "../process/types.ts";
import { unattendedVariables } from "../tools/command/environment.ts";
import {
  endLine,
  execLine,
  holdLine,
  type Place,
  removeLine,
  runLine,
  whyNotStarted,
} from "./command-lines.ts";
import { readUp, upLine, whyNotUp } from "./dev-container.ts";
import { mountsOf } from "./mounts.ts";

/** Reading an image from a slow disk is done by then. */
const START_MS_MAX = 2 * 60_000;
/** A dev container may be built first. */
const BUILD_MS_MAX = 60 * 60_000;
/** A container whose input has ended is gone by then. */
const END_MS_MAX = 3_000;
const SAID_CHARS_MAX = 4_000;

export type ContainerSettings = {
  /** podman or docker, or the path of a program that takes the same options. */
  runtime?: string | undefined;
  args?: readonly string[] | undefined;
};

export type ContainerRequest = {
  image: string;
  /** The folder that it sees, at the same path. */
  root: string;
  settings: ContainerSettings;
  /** What commands in it get, besides what every command does. */
  variables: Readonly<Record<string, string>>;
  /** Of the client; where the runtime is looked for. */
  env: Readonly<Record<string, string>>;
};

/** `child`: the command whose input keeps it alive. */
type Container = ContainerRequest & Place & { shell: "bash" | "sh"; child: GroupProcess; isGone: boolean };

export type Containers = {
  /** Starts what names a container in it, and everything else here. */
  processes: ProcessSupervisor;
  /** Starts the container of that key unless it runs. Throws container_unavailable, or the signal's reason. */
  ready(key: string, request: ContainerRequest, signal: AbortSignal): Promise<void>;
  isRunning(key: string): boolean;
  /** Ends the container of that key, if there is one. `unlessUsed`: not while a command runs in it. */
  end(key: string, unlessUsed?: boolean): Promise<void>;
};

/** A container for each key, which ends with the daemon, however that ends: it lives as long as its input is open. */
export function createContainers(base: ProcessSupervisor, folders: FolderGate): Containers {
  const containers = new Map<string, Container>();
  const inTurn = createQueueByKey();
  /** The ids of commands that were started in containers and may still run something, by owner. */
  const started = new Map<string, Map<string, Container>>();

  const ownerOf = (key: string) => `container ${key}`;

  async function start(key: string, request: ContainerRequest, signal: AbortSignal): Promise<void> {
    const { image, root, settings, env } = request;
    const runtime = await findProgram(settings.runtime, env);
    const isDev = isDevContainer(image);
    const place = isDev ? await bringUp(key, runtime, request, signal) : { runtime, name: nameOf(key) };
    const plan = { image, root, name: place.name, args: settings.args ?? [], user: userHere() };
    const command = isDev
      ? holdLine(runtime, place.name)
      : runLine(runtime, { ...plan, mounts: await mountsOf(root) });
    const child = await base.spawn({ command, cwd: root, env, owner: ownerOf(key) });
    const shell = await shellSaid(child, runtime, image, signal).catch(async (error) => {
      await letEnd(child);
      throw error;
    });
    const container: Container = { ...request, ...place, shell, child, isGone: false };
    containers.set(key, container);
    inBackground(async () => {
      await child.exited;
      container.isGone = true;
      if (containers.get(key) === container) containers.delete(key);
    }, ignoreError);
  }

  /** Starts the project's dev container with its own program. */
  async function bringUp(
    key: string,
    runtime: string,
    { root, env }: ContainerRequest,
    signal: AbortSignal,
  ): Promise<Place> {
    const { found } = await findCommand("devcontainer", env, folders);
    if (found === undefined)
      throw unavailable(
        "A dev container needs the program `devcontainer`, which is not on PATH: `npm install -g @devcontainers/cli`.",
      );
    const command = upLine(found.path, { runtime, root, key });
    const child = await base.spawn({ command, cwd: root, env, owner: ownerOf(key) });
    child.stdin.end();
    const said = Promise.all([textOf(child.stdout), textOf(child.stderr)]);
    try {
      const [stdout, stderr] = await orAborted(
        said,
        AbortSignal.any([signal, AbortSignal.timeout(BUILD_MS_MAX)]),
      );
      const up = readUp(stdout);
      if (up === undefined) throw unavailable(whyNotUp(stdout, stderr));
      return { runtime, ...up };
    } finally {
      await child.stop();
    }
  }

  async function findProgram(named: string | undefined, env: ContainerRequest["env"]): Promise<string> {
    for (const program of named === undefined ? ["podman", "docker"] : [named]) {
      const { found } = await findCommand(program, env, folders);
      if (found !== undefined) return found.path;
    }
    throw unavailable(
      named === undefined
        ? "Containers need podman or docker, and neither is on PATH."
        : `Containers need ${named} (containers.runtime), which is not there.`,
    );
  }

  async function end(key: string, how: "unless_used" | "for_good" | "for_now"): Promise<void> {
    const container = containers.get(key);
    if (container === undefined) return;
    const isUsed = [...started.values()].some((ids) => [...ids.values()].includes(container));
    if (how === "unless_used" && isUsed) return;
    containers.delete(key);
    await letEnd(container.child);
    // Any other has removed itself; one that was built is kept until its session is deleted.
    if (!isDevContainer(container.image) || how !== "for_good") return;
    const { runtime, name, root, env } = container;
    const command = removeLine(runtime, name);
    const removal = await base.spawn({ command, cwd: root, env, owner: ownerOf(key), stdio: "command" });
    await removal.exited;
  }

  async function spawnInside(container: Container, request: SpawnRequest): Promise<GroupProcess> {
    const { shell } = container;
    const id = randomUUID();
    const variables = [...unattendedVariables, ...Object.keys(container.variables)];
    const [program, ...args] = request.command;
    const inside = [program === "bash" ? shell : program, ...args];
    const command = execLine(container, { id, cwd: request.cwd, variables }, inside);
    let owner = request.owner;
    noteStart(owner, id, container);
    const env = { ...request.env, ...container.variables };
    const child = await base.spawn({ ...request, command, env }).catch((error) => {
      started.get(owner)?.delete(id);
      throw error;
    });
    return {
      ...child,
      async stop() {
        await endInside(container, [id]);
        await child.stop();
      },
      handOver(next) {
        started.get(owner)?.delete(id);
        owner = next;
        noteStart(owner, id, container);
        child.handOver(next);
      },
    };
  }

  function noteStart(owner: string, id: string, container: Container) {
    const ids = started.get(owner) ?? new Map<string, Container>();
    ids.set(id, container);
    started.set(owner, ids);
  }

  /** The runtime's own command ends without what it has started in the container. */
  async function endInside(container: Container, ids: readonly string[]) {
    const { name, root, env, child, isGone } = container;
    if (isGone || ids.length === 0) return;
    const command = endLine(container, ids);
    const ending = await base
      .spawn({ command, cwd: root, env, owner: `end ${name}`, stdio: "command" })
      .catch(ignoreError);
    await Promise.race([ending?.exited, child.exited]);
  }

  async function stopOwner(owner: string): Promise<void> {
    const ids = started.get(owner);
    started.delete(owner);
    const byContainer = Map.groupBy(ids ?? [], ([, container]) => container);
    await Promise.all(
      [...byContainer].map(([container, of]) =>
        endInside(
          container,
          of.map(([id]) => id),
        ),
      ),
    );
    await base.stopOwner(owner);
  }

  return {
    processes: {
      ...base,
      async spawn(request) {
        if (request.container === undefined) return base.spawn(request);
        const container = containers.get(request.container);
        if (container === undefined)
          throw unavailable("The session's container has ended; the next prompt starts it again.");
        return spawnInside(container, request);
      },
      stopOwner,
      async close() {
        await Promise.all([...containers.keys()].map((key) => end(key, "for_now")));
        await base.close();
      },
    },
    ready: (key, request, signal) =>
      inTurn(key, async () => {
        const now = containers.get(key);
        if (now !== undefined && now.image === request.image && now.root === request.root) return;
        await end(key, "for_now");
        await start(key, request, signal);
      }),
    isRunning: (key) => containers.has(key),
    end: (key, unlessUsed = false) => inTurn(key, () => end(key, unlessUsed ? "unless_used" : "for_good")),
  };
}

const unavailable = (message: string) => new HearthError("container_unavailable", message);

/** Waits until the container says that it is there. Throws container_unavailable with what the runtime said instead. */
async function shellSaid(child: GroupProcess, runtime: string, image: string, signal: AbortSignal) {
  let said = "";
  let out = "";
  const ready = Promise.withResolvers<"bash" | "sh">();
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-SAID_CHARS_MAX);
  });
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out = (out + text).slice(0, SAID_CHARS_MAX);
    const shell = /^ready (bash|sh)$/m.exec(out)?.[1];
    if (shell !== undefined) ready.resolve(shell === "bash" ? "bash" : "sh");
  });
  const gone = async (): Promise<never> => {
    await child.exited;
    // What it said last may still be on its way.
    if (!child.stderr.readableEnded) await settlesWithin(onceEnded(child), 500);
    throw unavailable(whyNotStarted(runtime, image, said));
  };
  const late = AbortSignal.timeout(START_MS_MAX);
  try {
    return await orAborted(Promise.race([ready.promise, gone()]), AbortSignal.any([signal, late]));
  } catch (error) {
    if (signal.aborted || !late.aborted) throw error;
    throw unavailable(`A container of ${image} did not start within ${START_MS_MAX / 1000} s.`);
  }
}

const nameOf = (key: string) => `hearth-${key.replace(/\W/g, "-")}-${randomBytes(4).toString("hex")}`;

const userHere = () => ({ uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 });

/** The end of what a stream says. */
async function textOf(stream: Readable): Promise<string> {
  let text = "";
  for await (const chunk of stream.setEncoding("utf8")) text = (text + chunk).slice(-SAID_CHARS_MAX);
  return text;
}

const onceEnded = ({ stderr }: GroupProcess) => new Promise((resolve) => stderr.once("end", resolve));

/** Its input ends, so it ends and removes itself; what does not is ended from here. */
async function letEnd(child: GroupProcess): Promise<void> {
  child.stdin.end();
  if (!(await settlesWithin(child.exited, END_MS_MAX))) await child.stop();
}
