import type { Catalog } from "./catalog.ts";
import models from "./models.json" with { type: "json" };

/** The list of models that ships with hearth, made by scripts/make-catalog.ts. */
export const shippedCatalog: Catalog = models as unknown as Catalog;
