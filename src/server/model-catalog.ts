import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Catalog } from "../agent/native/models/catalog/catalog.ts";
import { savedCatalog } from "../agent/native/models/catalog/download.ts";
import { HearthError } from "../protocol/errors.ts";

export type ModelCatalog = ReturnType<typeof createModelCatalog>;

/** The list of models that `hearth models refresh` has read last, kept in the user's cache folder. */
export function createModelCatalog(file: string) {
  let saved: Catalog | undefined;
  return {
    /** Undefined: the list that hearth ships with is in force. */
    current: (): Catalog | undefined => saved,
    /** Reads the kept list. A broken or missing one is none. */
    async load(): Promise<void> {
      try {
        saved = savedCatalog(await readFile(file, "utf8"));
      } catch {
        saved = undefined; // nobody has refreshed it yet, or the folder cannot be read: the shipped one is used
      }
    },
    /** Throws store_unavailable if the cache folder cannot be written; the list then counts until the daemon ends. */
    async save(catalog: Catalog): Promise<void> {
      saved = catalog;
      const fresh = `${file}.${process.pid}`;
      try {
        await mkdir(dirname(file), { recursive: true, mode: 0o700 });
        await writeFile(fresh, `${JSON.stringify(catalog)}\n`, { mode: 0o600 });
        await rename(fresh, file);
      } catch (cause) {
        const why = cause instanceof Error ? cause.message : String(cause);
        throw new HearthError("store_unavailable", `The list of models cannot be kept in ${file}: ${why}.`, {
          cause,
        });
      }
    },
  };
}
