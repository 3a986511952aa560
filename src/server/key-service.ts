import { hostOf, providersOf } from "../agent/native/models/choice/providers.ts";
import type { NativeSettings } from "../agent/native/models/choice/settings.ts";
import type { KeyPlace } from "../agent/native/models/keys/check-key.ts";
import { HearthError } from "../protocol/errors.ts";
import type { WorkspaceId } from "../protocol/ids.ts";
import type { KeyStore } from "./key-store.ts";
import type { Services } from "./services.ts";

type KeyServiceDeps = {
  store: KeyStore;
  file: string;
  settings(wid: WorkspaceId): NativeSettings;
  /** Throws provider_auth for a refused key, provider_unreachable. */
  check(wid: WorkspaceId, place: KeyPlace, key: string): Promise<boolean>;
  /** Tells the terminals which models can be used now. */
  changed(wid: WorkspaceId): Promise<unknown>;
};

/** Keeps and forgets the keys of `hearth login`. */
export function createKeyService({
  store,
  file,
  settings,
  check,
  changed,
}: KeyServiceDeps): Services["keys"] {
  function placeOf(wid: WorkspaceId, name: string): KeyPlace {
    const all = providersOf(settings(wid));
    const found = all.find((provider) => provider.name === name);
    if (found?.baseUrl === undefined)
      throw new HearthError(
        "model_unavailable",
        `There is no provider named ${name}; there are ${all.map((provider) => provider.name).join(", ")}. Others are named in hearth.jsonc first.`,
      );
    const { label, type, baseUrl, addressFrom } = found;
    return { name, label, type, baseUrl, addressFrom };
  }

  return {
    async keep(wid, provider, key) {
      const place = placeOf(wid, provider);
      const tested = await check(wid, place, key);
      await store.keep(provider, { key, host: hostOf(place.baseUrl) ?? "" });
      await changed(wid);
      const kept = `kept in ${file}, for its user only`;
      const text = tested
        ? `${place.label} accepts the key; it is ${kept}.`
        : `${place.label} cannot say whether the key is good, the first prompt will; it is ${kept}.`;
      return { provider, tested, text };
    },
    async forget(wid, provider) {
      settings(wid); // there has to be such a workspace
      const removed = await store.forget(provider);
      if (removed) await changed(wid);
      const text = removed ? `The key for ${provider} is forgotten.` : `No key was kept for ${provider}.`;
      return { provider, removed, text };
    },
  };
}
