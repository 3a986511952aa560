// The list of models: what ships, how models.dev's format is read, and what is guessed for unknown ones.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { findModel } from "../../src/agent/native/models/catalog/catalog.ts";
import { downloadCatalog } from "../../src/agent/native/models/catalog/download.ts";
import { knownProviders } from "../../src/agent/native/models/catalog/known-providers.ts";
import { readModelsDev } from "../../src/agent/native/models/catalog/models-dev.ts";
import { shippedCatalog } from "../../src/agent/native/models/catalog/shipped.ts";
import { figuresOf, providersOf } from "../../src/agent/native/models/choice/providers.ts";
import { costOf } from "../../src/agent/native/models/model.ts";
import { type Config, limitDefaults } from "../../src/protocol/config.ts";
import { noUsage } from "../../src/protocol/usage.ts";
import { createModelCatalog } from "../../src/server/model-catalog.ts";
import { modelsDevList, serveText } from "../support/models-dev.ts";

const read = () => {
  const catalog = readModelsDev(JSON.parse(modelsDevList), ["anthropic", "openai"], new Date("2027-02-03"));
  if (catalog === undefined) throw new Error("it was not read");
  return catalog;
};
const figures = (config: Config, id: string) => {
  const [name = "", ...rest] = id.split("/");
  const settings = { config, providerEnv: {}, limits: limitDefaults };
  const provider = providersOf(settings).find((each) => each.name === name);
  if (provider === undefined) throw new Error(`no provider ${name}`);
  return figuresOf(provider, rest.join("/"), shippedCatalog);
};

test("models.dev's list is read: windows, price tiers, abilities, efforts; what is no model is left out", () => {
  const { anthropic, ...others } = read().providers;
  expect(others).toEqual({});
  expect(Object.keys(anthropic ?? {})).toEqual(["claude-next-9", "claude-budget-1"]);
  expect(anthropic?.["claude-next-9"]).toEqual({
    name: "Claude Next 9",
    released: "2027-01-01",
    context_window: 2_000_000,
    max_output_tokens: 128_000,
    abilities: ["images", "pdf", "reasoning", "tools"],
    efforts: ["none", "low", "high"],
    cost: {
      ...{ input: 3, output: 15, cache_read: 0.3 },
      tiers: [{ above: 200_000, input: 6, output: 22.5, cache_read: 0.6 }],
    },
  });
  expect(anthropic?.["claude-budget-1"]).toMatchObject({
    efforts: ["low", "medium", "high", "max"],
    thinking_budget: { min: 1024 },
  });
  for (const wrong of [[], "x", { anthropic: { models: 3 } }, null])
    expect(readModelsDev(wrong, ["anthropic"], new Date())).toBeUndefined();
});

test("every model that hearth offers by itself has its figures in the list that ships", () => {
  const lacking = knownProviders.flatMap(({ name, models }) =>
    models.filter((model) => findModel(shippedCatalog, name, model)?.context_window === undefined),
  );
  expect(lacking).toEqual([]);
  expect(findModel(shippedCatalog, "anthropic", "claude-sonnet-5-5")).toMatchObject({
    ...{ isGuess: false, context_window: 1_000_000 },
    cost: { input: 2, output: 10, cache_read: 0.1, cache_write: 2.5 },
  });
});

test.for([
  ["anthropic/claude-opus-7", { contextWindow: 1_000_000, isGuess: true }],
  ["openrouter/anthropic/claude-opus-4.8:beta", { contextWindow: 1_000_000, isGuess: true }],
  [
    "openai/gpt-5.5-2026-04-23",
    { contextWindow: 1_050_000, efforts: ["none", "low", "medium", "high", "xhigh"] },
  ],
  ["xai/nobody-knows", { contextWindow: null, efforts: [], isGuess: false }],
  // A server of the user's own decides about its window.
  ["mine/qwen3-coder-30b", { contextWindow: null, abilities: null }],
  ["work/claude-sonnet-5-5", { contextWindow: 1_000_000, isGuess: true }],
] as const)("%s has sensible figures and no invented price", ([id, expected]) => {
  const config: Config = {
    providers: {
      mine: { type: "openai-compatible", base_url: "http://127.0.0.1:8080/v1" },
      work: { type: "anthropic", base_url: "https://gateway.example.com/v1" },
    },
  };
  const found = figures(config, id);
  expect(found).toMatchObject(expected);
  if (found.isGuess) expect(found.cost.input).toBe(0);
});

test("the configuration overrides every figure", () => {
  const tiers = [{ above: 10, input: 2, output: 3 }];
  const config: Config = {
    providers: {
      anthropic: {
        type: "anthropic",
        models: {
          "claude-sonnet-5-5": {
            ...{ context_window: 7, max_output_tokens: 5, abilities: ["tools"], efforts: ["low"] },
            cost: { input: 1, tiers },
          },
        },
      },
    },
  };
  expect(figures(config, "anthropic/claude-sonnet-5-5")).toMatchObject({
    ...{ contextWindow: 7, maxOutputTokens: 5, abilities: ["tools"], efforts: ["low"] },
    cost: { input: 1, output: 0, cache_read: 1, tiers: [{ above: 10, input: 2, cache_read: 2 }] },
  });
});

test("a request above a tier's size is charged at that tier, all of it", () => {
  const cost = findModel(shippedCatalog, "openai", "gpt-5.5")?.cost;
  if (cost == null) throw new Error("gpt-5.5 has no price");
  const asked = (input_tokens: number) => costOf({ ...noUsage, input_tokens }, cost);
  expect(asked(272_000)).toBeCloseTo(0.272 * 5);
  expect(asked(272_001)).toBeCloseTo(0.272001 * 10);
});

test("a refreshed list is kept and read again; a broken one is not used", async () => {
  const dir = mkdtempSync(join(tmpdir(), "hearth-catalog-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const file = join(dir, "cache", "models.json");
  const first = createModelCatalog(file);
  await first.load();
  expect(first.current()).toBeUndefined();
  const found = await downloadCatalog(fetch, await serveText(modelsDevList), new Date("2027-02-03"));
  await first.save(found);
  const second = createModelCatalog(file);
  await second.load();
  expect(second.current()).toEqual(found);
  writeFileSync(file, readFileSync(file, "utf8").slice(0, 200));
  await second.load();
  expect(second.current()).toBeUndefined();
});

test.for([
  ["<html>", 200, "it is not JSON"],
  ["[]", 200, "it is not in models.dev's format"],
  ["gone", 410, "it answers 410"],
] as const)("a list that cannot be used (%s) is refused with a sentence", async ([text, status, why]) => {
  const url = await serveText(text, status);
  await expect(downloadCatalog(fetch, url, new Date())).rejects.toMatchObject({
    code: "provider_unreachable",
    message: `The list of models cannot be read from ${url}: ${why}. The list that is there stays in use.`,
  });
});
