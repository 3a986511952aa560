// A picture that is refused ends no session, whatever the words: it is left out and the model told, on every wire.
import { afterEach, describe, expect, test } from "vitest";
import { limitDefaults } from "../../src/protocol/config.ts";
import type { FilePart } from "../../src/protocol/message.ts";
import {
  type ModelRequest,
  type ModelServer,
  refuse,
  say,
  startModelServer,
} from "../support/model-server.ts";
import { nativeWires, newId, onWire, openNative } from "./native-host.ts";

let server: ModelServer;
afterEach(() => server?.close());

const picture = (name: string, data: string): FilePart => ({
  ...{ id: newId("prt"), type: "file", name, media_type: "image/png", size: 5 },
  data: Buffer.from(data).toString("base64"),
});
const good = () => picture("good.png", "good picture");
const bad = () => picture("bad.png", "wrong picture");
const sent = ({ body }: ModelRequest): string => JSON.stringify(body);
const has = (request: ModelRequest, data: string) =>
  sent(request).includes(Buffer.from(data).toString("base64"));

const openOn = async (type: (typeof nativeWires)[number]) => {
  server = await startModelServer({ isStrict: false });
  const { config, env } = onWire(server, type);
  return { native: await openNative({ config, limits: { ...limitDefaults, max_retries: 1 } }), env };
};

/** One picture is wrong. */
const oneIsWrong: [number, string][] = [
  [413, "Request Entity Too Large"],
  [
    400,
    "messages.0.content.1.image.source.base64: image exceeds 5 MB maximum: 6000000 bytes > 5242880 bytes",
  ],
  [400, "Request payload size exceeds the limit: 20971520 bytes."],
  [400, "Unable to process input image. Please retry or report in Google AI Studio"],
  [400, "Could not process image"],
  [400, "You uploaded an unsupported image. Please make sure your image is valid."],
  [422, "Could not decode base64 data of image_url"],
];
/** The model sees nothing, or its server takes no lists. */
const seesNothing: [number, string][] = [
  [400, "Invalid type for 'messages[1].content': expected a string, got an array."],
  [400, "Invalid content type. image_url is only supported by certain models."],
  [500, "image input is not supported - hint: if this is unexpected, you may need to provide the mmproj"],
  [500, "Failed to create new sequence: this model is missing data required for image input"],
  [404, "No endpoints found that support image input"],
  [400, "messages[1]: unknown variant `image_url`, expected `text`"],
];

describe.each(nativeWires)("on the wire of %s", (type) => {
  test.each(oneIsWrong)("one picture that is refused with %i %s is left out alone", async (status, words) => {
    const { native, env } = await openOn(type);
    server.script((request) => (has(request, "wrong picture") ? refuse(status, words) : say("Seen.")));
    expect(await native.start("Look", { env, files: [good()] }).result).toEqual({ outcome: "end_turn" });
    expect(await native.start("And this", { env, files: [good(), bad()] }).result).toEqual({
      outcome: "end_turn",
    });
    expect(await native.start("And now?", { env, files: [good()] }).result).toEqual({ outcome: "end_turn" });
    const last = server.requests.at(-1) as ModelRequest;
    expect(sent(last)).toContain("bad.png (image/png, 5 bytes); the provider refused it, so it is left out");
    expect(sent(last)).not.toContain("good.png");
    expect(server.requests).toHaveLength(4);
    await native.close();
  });

  test.each(seesNothing)(
    "a model that refuses all pictures with %i %s is told of them by name",
    async (status, words) => {
      const { native, env } = await openOn(type);
      server.script((request) => (has(request, "good picture") ? refuse(status, words) : say("Words only.")));
      expect(await native.start("Look", { env, files: [good()] }).result).toEqual({ outcome: "end_turn" });
      expect(await native.start("And this", { env, files: [good()] }).result).toEqual({
        outcome: "end_turn",
      });
      expect(server.requests).toHaveLength(3);
      expect(sent(server.requests.at(-1) as ModelRequest)).toContain("this model cannot see images");
      await native.close();
    },
  );
});

test("a request that is too large for the minute's limit loses no picture", async () => {
  const { native, env } = await openOn("openai-compatible");
  const words = "Request too large for model on tokens per minute (TPM): Limit 8000, Requested 12815";
  server.script(() => refuse(413, words));
  expect(await native.start("Look", { env, files: [good()] }).result).toMatchObject({
    error: { code: "provider_rate_limited" },
  });
  expect(server.requests).toHaveLength(1);
  await native.close();
});
