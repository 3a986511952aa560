import { HearthError } from "../../protocol/errors.ts";
import type { Model } from "./models/model.ts";

/**
 * The models to fall back on in one turn, in their order. A failed one is not tried again, and one that cannot be used
 * (no key, no such provider) is passed over: what counts for the person is why the first one failed.
 */
export function createFallbacks(names: readonly string[], open: (name: string) => Promise<Model>) {
  const left = [...names];
  const failed = new Set<string>();
  return async (model: Model): Promise<Model | undefined> => {
    failed.add(model.id);
    for (let name = left.shift(); name !== undefined; name = left.shift()) {
      try {
        const next = await open(name);
        if (!failed.has(next.id)) return next;
      } catch (error) {
        if (!(error instanceof HearthError)) throw error;
      }
    }
    return undefined;
  };
}
