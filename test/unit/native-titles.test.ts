// The small model names a session after its first answer, and is in nobody's way.
import { afterEach, beforeEach, expect, test } from "vitest";
import { titleIn } from "../../src/agent/native/titles.ts";
import type { Config } from "../../src/protocol/config.ts";
import { type ModelServer, say, startModelServer } from "../support/model-server.ts";
import { oneProvider, openNative } from "./native-host.ts";

let server: ModelServer;
beforeEach(async () => {
  server = await startModelServer();
});
afterEach(() => server.close());

const withSmall = (): Config => {
  const config = oneProvider(server.baseUrl);
  const local = config.providers?.["local"];
  if (local === undefined) throw new Error("there is no provider");
  const models = { ...local.models, small: { cost: { input: 1 } } };
  return {
    ...config,
    model: "local/big",
    small_model: "local/small",
    providers: { local: { ...local, models } },
  };
};

test("the first answer is given before the title is asked for, which then comes once, and is paid for", async () => {
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  server.script(({ body }) =>
    body.model === "small"
      ? { ...say('**"Cart total mended."**\n'), after: held, usage: { input: 30, output: 4 } }
      : say("Done."),
  );
  const { promise: titled, resolve: onTitle } = Promise.withResolvers<string>();
  const spent: number[] = [];
  const native = await openNative({
    config: withSmall(),
    onEvent(event) {
      if (event.type === "spent") spent.push(event.usage.input_tokens);
      if (event.type === "title") onTitle(event.title);
    },
  });
  expect(await native.start("Mend the cart's total").result).toEqual({ outcome: "end_turn" });
  const asked = await server.request(1);
  expect(JSON.stringify(asked.body)).toContain("Mend the cart's total");
  // It hangs, and the next prompt is answered all the same.
  expect(await native.start("And now?").result).toEqual({ outcome: "end_turn" });
  release();
  expect(await titled).toBe("Cart total mended");
  expect(spent).toEqual([30]);
  expect(server.requests.filter(({ body }) => body.model === "small")).toHaveLength(1);
  await native.close();
});

test("nobody is asked for a title that a person gave, or without a small model", async () => {
  const named = await openNative({ config: withSmall(), isNamed: true });
  await named.start("first").result;
  await named.close();
  const plain = await openNative({ config: oneProvider(server.baseUrl) });
  await plain.start("first").result;
  await plain.close();
  expect(server.requests.map(({ body }) => body.model)).toEqual(["big", "big"]);
});

test("a title is one line without marks", () => {
  expect(titleIn("# Fix the parser.\nIt was wrong")).toBe("Fix the parser");
  expect(titleIn("„Der Warenkorb“")).toBe("Der Warenkorb");
  expect(titleIn("  ")).toBeUndefined();
  expect(titleIn("x".repeat(200))).toBeUndefined();
});
