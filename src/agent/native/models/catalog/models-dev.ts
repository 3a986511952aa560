import { efforts as allEfforts } from "../../../../protocol/model-effort.ts";
import { countOf, isRecord, type Loose, recordOf, recordsOf, textOf } from "../wire/loose.ts";
import type { Ability, Catalog, CatalogCost, CatalogModel } from "./catalog.ts";

/** Where the community's list of models is published (github.com/anomalyco/models.dev, MIT). */
export const MODELS_DEV_URL = "https://models.dev/api.json";

const price = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : undefined;

function pricesOf(raw: Loose): Omit<CatalogCost, "tiers"> | undefined {
  const input = price(raw["input"]);
  const output = price(raw["output"]);
  if (input === undefined || output === undefined) return undefined;
  const cache_read = price(raw["cache_read"]);
  const cache_write = price(raw["cache_write"]);
  return {
    input,
    output,
    ...(cache_read === undefined ? {} : { cache_read }),
    ...(cache_write === undefined ? {} : { cache_write }),
  };
}

function costOf(raw: unknown): CatalogCost | undefined {
  const cost = recordOf(raw);
  const prices = pricesOf(cost);
  if (prices === undefined) return undefined;
  const tiers = recordsOf(cost["tiers"]).flatMap((tier) => {
    const above = countOf(recordOf(tier["tier"])["size"]);
    const higher = pricesOf(tier);
    return higher === undefined || above === 0 ? [] : [{ above, ...higher }];
  });
  tiers.sort((a, b) => a.above - b.above);
  return tiers.length === 0 ? prices : { ...prices, tiers };
}

/** For a model that takes a number of tokens, these words stand for parts of it. */
const budgetEfforts = ["low", "medium", "high", "max"];

function thinkingOf(raw: Loose): Pick<CatalogModel, "efforts" | "thinking_budget"> {
  const options = recordsOf(raw["reasoning_options"]);
  const of = (type: string) => options.find((option) => option["type"] === type);
  const values = of("effort")?.["values"];
  const named = Array.isArray(values) ? values.map(String) : [];
  const canBeOff = of("toggle") !== undefined;
  const budget = named.length > 0 ? undefined : of("budget_tokens");
  const min = countOf(budget?.["min"]);
  const max = countOf(budget?.["max"]);
  const words = budget === undefined ? named : [...(budget["min"] === 0 ? ["none"] : []), ...budgetEfforts];
  const all = new Set(canBeOff ? ["none", ...(words.length > 0 ? words : ["high"])] : words);
  return {
    efforts: allEfforts.filter((effort) => all.has(effort)),
    ...(budget === undefined ? {} : { thinking_budget: { min, ...(max === 0 ? {} : { max }) } }),
  };
}

function modelOf(id: string, raw: Loose): CatalogModel | undefined {
  const limit = recordOf(raw["limit"]);
  const modalities = recordOf(raw["modalities"]);
  const takes = (kind: string) => Array.isArray(modalities["input"]) && modalities["input"].includes(kind);
  const writes = modalities["output"];
  const context_window = countOf(limit["context"]);
  if (context_window === 0 || raw["status"] === "deprecated") return undefined;
  if (Array.isArray(writes) && !(writes.length === 1 && writes[0] === "text")) return undefined;
  const found: [Ability, boolean][] = [
    ["images", takes("image")],
    ["pdf", takes("pdf")],
    ["reasoning", raw["reasoning"] === true],
    ["tools", raw["tool_call"] === true],
  ];
  const cost = costOf(raw["cost"]);
  return {
    name: textOf(raw["name"]) || id,
    released: textOf(raw["release_date"]),
    context_window,
    max_output_tokens: Math.min(countOf(limit["output"]) || context_window, context_window),
    abilities: found.flatMap(([ability, has]) => (has ? [ability] : [])),
    ...thinkingOf(raw),
    ...(cost === undefined ? {} : { cost }),
  };
}

/**
 * Reads models.dev's api.json, of the providers in `wanted`. What cannot be read of it is left out. Undefined: it is
 * something else.
 */
export function readModelsDev(raw: unknown, wanted: readonly string[], readAt: Date): Catalog | undefined {
  if (!isRecord(raw)) return undefined;
  const providers: Catalog["providers"] = {};
  for (const name of wanted) {
    const models = Object.entries(recordOf(recordOf(raw[name])["models"])).flatMap(([id, each]) => {
      const model = isRecord(each) ? modelOf(id, each) : undefined;
      return model === undefined ? [] : [[id, model] as const];
    });
    if (models.length > 0) providers[name] = Object.fromEntries(models);
  }
  if (Object.keys(providers).length === 0) return undefined;
  return { source: "models.dev", read_at: readAt.toISOString().slice(0, 10), providers };
}
