// The built program makes a picture smaller that is too large for its model.
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readImageHeader } from "../../src/agent/native/images/header.ts";
import { say } from "../support/model-server.ts";
import { connectTestPty } from "../support/test-pty.ts";
import { openWorld } from "../support/world.ts";

const photon = createRequire(import.meta.url)(
  "@silvia-odwyer/photon-node",
) as typeof import("@silvia-odwyer/photon-node");

test("a large image that was dragged reaches the model in the size that it takes", async () => {
  const world = await openWorld();
  const path = join(world.home.dir, "cat.png");
  writeFileSync(path, new photon.PhotonImage(new Uint8Array(2600 * 40 * 4), 2600, 40).get_bytes());
  const pty = await connectTestPty(world, { columns: 100 });
  pty.type(`\x1b[200~${path}\x1b[201~`);
  await pty.until((text) => text.includes("image #1"), "the image");
  world.model.enqueue(say("A cat.\n"));
  pty.type("What is it?\r");
  await pty.until((text) => text.includes("A cat."), "the answer");
  const [base64 = ""] = /iVBOR[A-Za-z0-9+/=]+/.exec(JSON.stringify(world.model.requests[0]?.body)) ?? [];
  expect(readImageHeader(Buffer.from(base64, "base64"))).toMatchObject({ width: 2000, height: 31 });
});
