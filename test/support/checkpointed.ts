import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createCheckpoints } from "../../src/agent/checkpoint/checkpoints.ts";
import { createProcessSupervisor } from "../../src/agent/process/supervisor.ts";

const never = new AbortController().signal;

/** A folder with checkpoints, on a real disk with a real git. `end` removes all of it. */
export async function createCheckpointed(
  options: {
    git?: boolean;
    bytesMax?: number;
    inner?: string;
    in?: string;
    onRecovered?: (about: unknown) => void;
  } = {},
) {
  const top = realpathSync(mkdtempSync(join(options.in ?? tmpdir(), "hearth-checkpoints-")));
  const outer = join(top, "work");
  const root = options.inner === undefined ? outer : join(outer, options.inner);
  mkdirSync(root, { recursive: true });
  const env = { PATH: process.env["PATH"] ?? "", HOME: join(top, "home") };
  mkdirSync(env.HOME);
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@b", ...args], {
      cwd: outer,
      env,
      stdio: "pipe",
    }).toString();
  if (options.git) git("init", "-q");
  const processes = createProcessSupervisor({ recordDir: join(top, "run") });
  const open = () =>
    createCheckpoints({
      ...{ root, dir: join(top, "store"), processes, env },
      bytesMax: () => options.bytesMax ?? 1024 ** 3,
      newMark: () => randomBytes(4).toString("hex"),
      onRecovered: options.onRecovered ?? (() => {}),
    });
  const checkpoints = open();
  const path = (name: string | Buffer) =>
    Buffer.isBuffer(name) ? Buffer.concat([Buffer.from(`${root}/`), name]) : Buffer.from(join(root, name));

  return {
    ...{ top, root, outer, env, git, open, store: join(top, "store") },
    checkpoints,
    write(name: string | Buffer, text: string | Buffer, mode = 0o644) {
      const at = path(name);
      mkdirSync(dirname(at.toString("latin1")).length > 0 ? at.subarray(0, at.lastIndexOf(47)) : ".", {
        recursive: true,
      });
      writeFileSync(at, text);
      chmodSync(at, mode);
    },
    link(name: string, target: string) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      symlinkSync(target, join(root, name));
    },
    remove: (name: string) => rmSync(join(root, name), { recursive: true, force: true }),
    read: (name: string) => readFileSync(join(root, name), "utf8"),
    /** All files and links by path, with what they hold. */
    all(): Record<string, string> {
      const found: Record<string, string> = {};
      const walk = (folder: Buffer, prefix: string) => {
        for (const name of readdirSync(folder, { encoding: "buffer" })) {
          const at = Buffer.concat([folder, Buffer.from("/"), name]);
          const shown = prefix + name.toString("latin1");
          const stats = lstatSync(at);
          if (stats.isDirectory()) walk(at, `${shown}/`);
          else if (stats.isSymbolicLink()) found[shown] = `-> ${readlinkSync(at)}`;
          else
            found[shown] = `${(stats.mode & 0o100) === 0 ? "" : "x "}${readFileSync(at).toString("latin1")}`;
        }
      };
      walk(Buffer.from(root), "");
      return found;
    },
    /** One turn: what was before it, `work`, and what is after it. */
    async turn(work: () => unknown, of = checkpoints) {
      const before = await of.take(never);
      await work();
      const after = await of.take(never);
      return { before: before.tree, after: after.tree, left_out: after.left_out };
    },
    undo: (of: ReturnType<typeof open>, ...turns: { before: string; after: string }[]) =>
      of.undo(turns, { about: "undo", afterwards: () => {} }, never),
    async end() {
      await processes.close();
      rmSync(top, { recursive: true, force: true });
    },
  };
}
