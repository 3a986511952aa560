import { spawn } from "node:child_process";
import type { Socket } from "node:net";
import { inTime } from "../../async/wait.ts";

const HELPER_MS_MAX = 5_000;
/** Only the system's own folders: a program that an agent has put into another one must not answer here. */
const env = { PATH: "/usr/bin:/bin:/usr/local/bin" };

/** Node cannot ask the kernel who is at the other end (SO_PEERCRED, LOCAL_PEERPID), so one of these asks, on fd 3. */
const [level, option] = process.platform === "darwin" ? [0, 2] : [1, 17];
const helpers: readonly (readonly [string, ...string[]])[] = [
  ["perl", "-e", `open(my $s, "+<&=", 3); print unpack("i", getsockopt($s, ${level}, ${option}))`],
  [
    "python3",
    ...["-I", "-c"],
    `import socket,struct;print(struct.unpack("i",socket.socket(fileno=3).getsockopt(${level},${option},12)[:4])[0])`,
  ],
];

/** The process that made this connection, as the kernel says; undefined when nothing here can ask it. */
export async function peerProcess(socket: Socket): Promise<number | undefined> {
  const fd = descriptorOf(socket);
  if (fd === undefined) return undefined;
  for (const helper of helpers) {
    const pid = await ask(helper, fd);
    if (pid !== undefined) return pid;
  }
  return undefined;
}

function descriptorOf(socket: Socket): number | undefined {
  const handle = "_handle" in socket ? socket._handle : undefined; // Node offers no public way
  if (typeof handle !== "object" || handle === null || !("fd" in handle)) return undefined;
  return typeof handle.fd === "number" && handle.fd >= 0 ? handle.fd : undefined;
}

async function ask([program, ...args]: readonly [string, ...string[]], fd: number) {
  const { promise, resolve } = Promise.withResolvers<string>();
  const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "ignore", fd] });
  let text = "";
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  child.once("error", () => resolve("")).once("close", () => resolve(text));
  const said = await inTime(promise, HELPER_MS_MAX, program).catch(() => {
    child.kill("SIGKILL");
    return "";
  });
  const pid = Number(said.trim() || Number.NaN);
  return Number.isInteger(pid) && pid > 0 ? pid : undefined;
}
