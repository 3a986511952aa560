// Makes the list of models that ships with hearth: node scripts/make-catalog.ts [FILE|URL], default models.dev itself.
import { readFileSync, writeFileSync } from "node:fs";
import { knownProviders } from "../src/agent/native/models/catalog/known-providers.ts";
import { MODELS_DEV_URL, readModelsDev } from "../src/agent/native/models/catalog/models-dev.ts";

const [from = MODELS_DEV_URL] = process.argv.slice(2);
/** Older ones are not worth their bytes; who uses one still gets its family's figures. */
const OLDEST = "2025-04";

const text = /^https?:/.test(from) ? await (await fetch(from)).text() : readFileSync(from, "utf8");
const names = knownProviders.map(({ name }) => name);
const catalog = readModelsDev(JSON.parse(text), names, new Date());
if (catalog === undefined) throw new Error(`${from} is not a list in models.dev's format`);
const providers = Object.entries(catalog.providers).map(([provider, models]) => {
  const kept = Object.entries(models)
    .filter(([, { released, abilities }]) => abilities.includes("tools") && released >= OLDEST)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  return `${JSON.stringify(provider)}: {\n${kept.map(([name, model]) => `${JSON.stringify(name)}: ${JSON.stringify(model)}`).join(",\n")}\n}`;
});
const file = new URL("../src/agent/native/models/catalog/models.json", import.meta.url);
const { source, read_at } = catalog;
writeFileSync(
  file,
  `{ "source": "${source}", "read_at": "${read_at}", "providers": {\n${providers.join(",\n")}\n} }\n`,
);
