import { HearthError } from "../../../../protocol/errors.ts";
import { networkCodeOf, networkCodes } from "../errors/network.ts";
import type { ModelFetch } from "../network/model-fetch.ts";
import { isRecord, textOf } from "../wire/loose.ts";
import type { Catalog } from "./catalog.ts";
import { knownProviders } from "./known-providers.ts";
import { readModelsDev } from "./models-dev.ts";

/** models.dev's list has 5 MB. */
const BYTES_MAX = 64 * 1024 * 1024;
const DOWNLOAD_MS_MAX = 60_000;

const unreachable = (url: string, why: string, cause?: unknown) =>
  new HearthError(
    "provider_unreachable",
    `The list of models cannot be read from ${url}: ${why}. The list that is there stays in use.`,
    { cause },
  );

async function bodyOf(response: Response, url: string): Promise<string> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of response.body ?? []) {
    bytes += piece.byteLength;
    if (bytes > BYTES_MAX) throw unreachable(url, "it is too large");
    pieces.push(piece);
  }
  return Buffer.concat(pieces).toString("utf8");
}

/** Reads a list of models in models.dev's format. Throws HearthError. */
export async function downloadCatalog(fetch: ModelFetch, url: string, now: Date): Promise<Catalog> {
  let text: string;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(DOWNLOAD_MS_MAX) });
    if (!response.ok) throw unreachable(url, `it answers ${response.status}`);
    text = await bodyOf(response, url);
  } catch (error) {
    if (error instanceof HearthError) throw error;
    const code = networkCodeOf(error);
    const why = error instanceof Error && error.name === "TimeoutError" ? "it takes too long" : undefined;
    throw unreachable(url, why ?? (code && networkCodes[code]) ?? code ?? "no answer", error);
  }
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (cause) {
    throw unreachable(url, "it is not JSON", cause);
  }
  const catalog = readModelsDev(
    raw,
    knownProviders.map(({ name }) => name),
    now,
  );
  if (catalog === undefined) throw unreachable(url, "it is not in models.dev's format");
  return { ...catalog, source: url };
}

/** A list that hearth wrote earlier; undefined: it is not one. */
export function savedCatalog(text: string): Catalog | undefined {
  try {
    const raw: unknown = JSON.parse(text);
    if (!isRecord(raw) || !isRecord(raw["providers"]) || textOf(raw["read_at"]) === "") return undefined;
    const models = Object.values(raw["providers"]).flatMap((each) =>
      isRecord(each) ? Object.values(each) : [],
    );
    const isWhole = models.every(
      (model) =>
        isRecord(model) && typeof model["context_window"] === "number" && Array.isArray(model["efforts"]),
    );
    // Its own writer made it, and what is read of it has been looked at.
    return isWhole ? (raw as unknown as Catalog) : undefined;
  } catch {
    return undefined;
  }
}
