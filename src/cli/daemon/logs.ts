import { closeSync, existsSync, fstatSync, openSync, readSync, statSync, watch } from "node:fs";
import { dirname } from "node:path";
import type { Context } from "../context.ts";
import { exitCodes, UsageError } from "../exit.ts";
import type { Parsed } from "../line/spec.ts";

const LINES_DEFAULT = 100;
const CHUNK_BYTES = 64 * 1024;

/** `hearth daemon logs`: the end of the log. With --follow also new lines, including those of the next daemon. */
export async function daemonLogs({ options }: Parsed, { paths, out, err }: Context): Promise<number> {
  const lines = options["lines"] === undefined ? LINES_DEFAULT : Number(options["lines"]);
  if (!Number.isInteger(lines) || lines < 0) throw new UsageError("--lines takes a whole number.");
  const follow = options["follow"] === true;
  // Programs get the raw lines.
  const shown = (text: string) => (out.isTerminal() ? text.replace(/^.+$/gm, readable) : text);
  if (!existsSync(paths.log)) {
    await err.line(`hearth: There is no log yet: ${paths.log} is written by the first daemon.`);
    if (!follow || !existsSync(dirname(paths.log))) return exitCodes.failed;
  } else await out.exact(shown(lastLines(paths.log, lines)));
  if (follow) await followFile(paths.log, (text) => out.exact(shown(text)));
  return exitCodes.done;
}

/** Reads backwards from the end until it has enough lines. */
function lastLines(path: string, count: number): string {
  const file = openSync(path, "r");
  try {
    let start = fstatSync(file).size;
    let tail = Buffer.alloc(0);
    const isEnough = () => tail.filter((byte) => byte === 10).length > count;
    while (start > 0 && !isEnough()) {
      const length = Math.min(CHUNK_BYTES, start);
      start -= length;
      const chunk = Buffer.alloc(length);
      readSync(file, chunk, 0, length, start);
      tail = Buffer.concat([chunk, tail]);
    }
    const all = tail.toString("utf8").split("\n");
    const whole = all.at(-1) === "" ? all.slice(0, -1) : all;
    return whole
      .slice(Math.max(0, whole.length - count))
      .map((line) => `${line}\n`)
      .join("");
  } finally {
    closeSync(file);
  }
}

/** Passes on what is added to a file until the process ends. A replaced file is read from its start. */
async function followFile(path: string, write: (text: string) => Promise<void>): Promise<never> {
  let at = existsSync(path) ? statSync(path).size : 0;
  let inode = existsSync(path) ? statSync(path).ino : 0;
  let reading = Promise.resolve();
  const read = async () => {
    if (!existsSync(path)) return;
    const file = openSync(path, "r");
    try {
      const { ino, size } = fstatSync(file);
      if (ino !== inode || size < at) at = 0;
      inode = ino;
      const chunk = Buffer.alloc(Math.max(0, size - at));
      at += readSync(file, chunk, 0, chunk.length, at);
      await write(chunk.toString("utf8"));
    } finally {
      closeSync(file);
    }
  };
  return new Promise<never>((_, reject) => {
    watch(dirname(path), () => {
      reading = reading.then(read).catch(reject);
    }).on("error", reject);
  });
}

/** A line of JSON as a person reads it: time, level, message, and the rest as name=value. */
function readable(line: string): string {
  try {
    const { time, level, message, ...rest } = JSON.parse(line) as Record<string, unknown>;
    const fields = Object.entries(rest).map(([name, value]) => `${name}=${textOf(value)}`);
    const at = String(time)
      .replace("T", " ")
      .replace(/\.\d+Z$/, "");
    return [at, String(level).padEnd(5), message, ...fields].join(" ");
  } catch {
    return line; // not JSON, for example from a crashing process
  }
}

const textOf = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));
