import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import type { KeptKey } from "../agent/native/models/choice/settings.ts";
import { HearthError } from "../protocol/errors.ts";

export type KeyStore = ReturnType<typeof createKeyStore>;

/** The keys of `hearth login`, in a file that only its user may read. They are in no event, log or table. */
export function createKeyStore(file: string) {
  let keys: Readonly<Record<string, KeptKey>> = {};

  async function write(next: Readonly<Record<string, KeptKey>>) {
    const fresh = `${file}.${process.pid}`;
    try {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      {
        await using handle = await open(fresh, "w", 0o600);
        await handle.chmod(0o600); // the file may be left from a crash, with another mode
        await handle.writeFile(`${JSON.stringify(next, null, 2)}\n`);
        await handle.sync();
      }
      await rename(fresh, file);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new HearthError("store_unavailable", `The key cannot be kept in ${file}: ${why}.`, { cause });
    }
    keys = next;
  }

  return {
    current: () => keys,
    async load(): Promise<void> {
      try {
        const raw: unknown = JSON.parse(await readFile(file, "utf8"));
        const entries = Object.entries(typeof raw === "object" && raw !== null ? raw : {});
        keys = Object.fromEntries(entries.filter((entry): entry is [string, KeptKey] => isKept(entry[1])));
      } catch {
        keys = {}; // nobody has logged in yet, or the file is broken: the run that lacks a key says so
      }
    },
    keep: (provider: string, kept: KeptKey) => write({ ...keys, [provider]: kept }),
    /** Returns whether there was one. */
    async forget(provider: string): Promise<boolean> {
      const { [provider]: found, ...others } = keys;
      if (found !== undefined) await write(others);
      return found !== undefined;
    },
  };
}

const isKept = (value: unknown): value is KeptKey =>
  typeof value === "object" &&
  value !== null &&
  "key" in value &&
  typeof value.key === "string" &&
  "host" in value;
