import type { ModelAbility } from "../../../../protocol/choices.ts";
import type { ModelCost } from "../model.ts";

export type Ability = ModelAbility;

/** Prices in USD per million tokens. A price that is not known is left out. */
export type CatalogCost = {
  input: number;
  output: number;
  cache_read?: number | undefined;
  cache_write?: number | undefined;
  /** Higher prices for requests with more input tokens than `above`, in rising order. */
  tiers?:
    | readonly {
        above: number;
        input: number;
        output: number;
        cache_read?: number | undefined;
        cache_write?: number | undefined;
      }[]
    | undefined;
};

export type CatalogModel = {
  name: string;
  /** Empty if its publisher does not tell. */
  released: string;
  context_window: number;
  max_output_tokens: number;
  abilities: Ability[];
  /** How hard it can be told to think, from little to much; empty: it cannot be told. */
  efforts: string[];
  /** It is told a number of tokens to think with, not a word. */
  thinking_budget?: { min: number; max?: number };
  cost?: CatalogCost;
};

/** Models by provider and name. */
export type Catalog = {
  source: string;
  /** ISO date on which the data was read. */
  read_at: string;
  providers: Record<string, Record<string, CatalogModel>>;
};

/** What is known of a model. `isGuess`: from its relatives, so without a price. */
export type KnownModel = Omit<CatalogModel, "cost" | "released"> & {
  cost: ModelCost | null;
  isGuess: boolean;
};

const withCacheDefaults = ({ input, output, ...rest }: CatalogCost) => ({
  input,
  output,
  // Without a price of its own, cached input costs what input costs.
  cache_read: rest.cache_read ?? input,
  cache_write: rest.cache_write ?? input,
});

/** The prices as they are used: every one filled in. */
export function costOfCatalog(cost: CatalogCost): ModelCost {
  const tiers = [...(cost.tiers ?? [])]
    .sort((a, b) => a.above - b.above)
    .map(({ above, ...tier }) => ({ above, ...withCacheDefaults(tier) }));
  return { ...withCacheDefaults(cost), ...(tiers.length === 0 ? {} : { tiers }) };
}

const known = ({ cost, released: _, ...model }: CatalogModel, isGuess: boolean): KnownModel => ({
  ...model,
  cost: cost === undefined || isGuess ? null : costOfCatalog(cost),
  isGuess,
});

/** A name without its maker, date and variant: "anthropic/claude-opus-4.5-20251101:beta" gives "claude-opus-4-5". */
export const bareName = (name: string): string =>
  name
    .toLowerCase()
    .slice(name.lastIndexOf("/") + 1)
    .replace(/[:@].*$/, "")
    .replace(/-(latest|preview|\d{4}-?\d{2}-?\d{2})$/, "")
    .replaceAll(".", "-");

/** The words before the first number: "claude-opus-4-5" gives "claude-opus". */
const familyIn = (bare: string): string => /^[a-z]+(-[a-z]+)*/.exec(bare)?.[0] ?? "";

/**
 * A model's figures: the provider's own entry, else the same model at another provider, else the newest one of its
 * family. Undefined if nobody is related.
 */
export function findModel(catalog: Catalog, provider: string, name: string): KnownModel | undefined {
  const own = catalog.providers[provider]?.[name];
  if (own !== undefined) return known(own, false);
  const bare = bareName(name);
  const family = familyIn(bare);
  if (family.length < 3) return undefined;
  let relative: CatalogModel | undefined;
  for (const models of Object.values(catalog.providers)) {
    for (const [other, model] of Object.entries(models)) {
      const otherBare = bareName(other);
      if (otherBare === bare) return known(model, true);
      if (familyIn(otherBare) !== family) continue;
      if (relative === undefined || model.released > relative.released) relative = model;
    }
  }
  return relative && known(relative, true);
}
