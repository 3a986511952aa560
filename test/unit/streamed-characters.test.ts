// A server that streams token by token cuts characters that are written as a pair of code units: neither what is stored
// nor what is told ever has half of one.
import fc from "fast-check";
import { afterEach, describe, expect, test } from "vitest";
import { createPieceJoiner } from "../../src/protocol/cut-text.ts";
import { type ModelServer, say, startModelServer } from "../support/model-server.ts";
import { nativeWires, onWire, openNative, partsOf } from "./native-host.ts";

let server: ModelServer;
afterEach(() => server?.close());

describe("pieces of a text that is cut anywhere", () => {
  test("make the whole text again, each of them well-formed", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.array(fc.nat(20)), (whole, cuts) => {
        const pieces = createPieceJoiner();
        let told = "";
        let rest = whole.toWellFormed();
        for (const cut of [...cuts, rest.length]) {
          const joined = pieces.join("text", rest.slice(0, cut));
          if (!joined.isWellFormed()) return false;
          told += joined;
          rest = rest.slice(cut);
        }
        return told + pieces.join("text", rest) === whole.toWellFormed();
      }),
    );
  });

  test("of two texts do not meet", () => {
    const pieces = createPieceJoiner();
    expect(pieces.join("text", "a\ud83d")).toBe("a");
    expect(pieces.join("reasoning", "\ude00b")).toBe("\ufffdb");
    expect(pieces.join("text", "")).toBe("");
    expect(pieces.join("text", "\ude00")).toBe("😀");
  });
});

test.each(nativeWires)("a character that comes in halves is whole on the wire of %s", async (type) => {
  server = await startModelServer({ isStrict: type !== "google" && type !== "openai" });
  const { config, env } = onWire(server, type);
  const native = await openNative({ config });
  server.enqueue(
    say(
      { reasoning: "Hm \ud83d" },
      { reasoning: "\ude00." },
      "One \ud83d",
      "\ude00\ud83d",
      "\ude80 two \ud83d",
    ),
    say("Fine."),
  );
  const turn = native.start("Go", { env });
  expect(await turn.result).toEqual({ outcome: "end_turn" });
  const said = (kind: string) =>
    partsOf(native.transcript).flatMap((part) => (part.type === kind && "text" in part ? [part.text] : []));
  expect(said("reasoning").join("")).toBe("Hm 😀.");
  expect(said("text")).toEqual(["Go", "One 😀🚀 two "]);
  await native.start("And?", { env }).result;
  const again = JSON.stringify(server.requests.at(-1)?.body);
  expect(again).toContain("One 😀🚀 two ");
  expect(again).not.toMatch(/\\ud83d|\ufffd/i);
  await native.close();
});
