// A picture that is too large for a model is made smaller before it is sent, the same way every time.
import { createRequire } from "node:module";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { readImageHeader } from "../../src/agent/native/images/header.ts";
import { type ScaledImage, upright } from "../../src/agent/native/images/scale.ts";
import { createWorkerPool } from "../../src/agent/worker/pool.ts";
import type { FilePart } from "../../src/protocol/message.ts";
import { type ModelServer, say, startModelServer } from "../support/model-server.ts";
import { nativeWires, newId, onWire, openNative } from "./native-host.ts";

const require = createRequire(import.meta.url);
const program = require.resolve("@silvia-odwyer/photon-node");
const photon = require(program) as typeof import("@silvia-odwyer/photon-node");
const limits = { bytesMax: 3_900_000, edgeMax: 2000 };

/** Left half red, right half blue; with noise it is hard to compress. */
function draw(width: number, height: number, { noise = 0, alpha = 255 } = {}) {
  const pixels = new Uint8Array(width * height * 4);
  let seed = 1;
  for (let at = 0; at < pixels.length; at += 4) {
    const isLeft = (at / 4) % width < width / 2;
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    const speck = noise === 0 ? 0 : (seed >> 16) % noise;
    pixels.set([isLeft ? 255 - speck : speck, speck, isLeft ? speck : 255 - speck, alpha], at);
  }
  return new photon.PhotonImage(pixels, width, height);
}

/** One frame; every code is a byte, because the table is cleared before codes become longer. */
function gif(width: number, height: number): Uint8Array {
  const codes: number[] = [];
  for (let at = 0; at < width * height; at++) {
    if (at % 100 === 0) codes.push(128);
    codes.push(at % width < width / 2 ? 0 : 1);
  }
  codes.push(129);
  const blocks: number[] = [];
  for (let at = 0; at < codes.length; at += 255) {
    const block = codes.slice(at, at + 255);
    blocks.push(block.length, ...block);
  }
  const word = (value: number) => [value & 255, value >> 8];
  const palette = [255, 0, 0, 0, 0, 255, ...Array.from({ length: 126 * 3 }, () => 0)];
  return Uint8Array.from([
    ...[...Buffer.from("GIF89a"), ...word(width), ...word(height), 0xf6, 0, 0, ...palette],
    ...[0x2c, 0, 0, 0, 0, ...word(width), ...word(height), 0, 7, ...blocks, 0, 0x3b],
  ]);
}

/** As a camera writes it that was held otherwise. */
function turned(jpeg: Uint8Array, orientation: number): Uint8Array {
  const entry = [0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0];
  const tiff = [0x4d, 0x4d, 0, 42, 0, 0, 0, 8, 0, 1, ...entry, 0, 0, 0, 0];
  const body = [...Buffer.from("Exif\0\0", "latin1"), ...tiff];
  return Uint8Array.from([0xff, 0xd8, 0xff, 0xe1, 0, body.length + 2, ...body, ...jpeg.subarray(2)]);
}

const files: Record<string, Uint8Array> = {};
beforeAll(() => {
  const image = draw(2600, 40);
  files["png"] = image.get_bytes();
  files["jpeg"] = image.get_bytes_jpeg(80);
  files["webp"] = image.get_bytes_webp();
  files["gif"] = gif(2600, 40);
});

async function scale(bytes: Uint8Array, within = limits): Promise<ScaledImage> {
  const header = readImageHeader(bytes) ?? expect.unreachable("it has no header");
  const signal = new AbortController().signal;
  const made = await createWorkerPool(1, 0).run(
    "scale_image",
    { program, bytes, header, limits: within },
    signal,
  );
  return made ?? expect.unreachable("it was not made");
}

const colourAt = ({ bytes }: ScaledImage, x: number, y: number): "red" | "blue" => {
  const image = photon.PhotonImage.new_from_byteslice(bytes);
  const at = (y * image.get_width() + x) * 4;
  const [red = 0, , blue = 0] = image.get_raw_pixels().subarray(at, at + 4);
  return red > blue ? "red" : "blue";
};

describe("the header", () => {
  test.each(["png", "jpeg", "webp", "gif"])(
    "of a %s says its size, and cut anywhere it says nothing wrong",
    (type) => {
      const bytes = files[type] ?? new Uint8Array();
      const header = { type, width: 2600, height: 40, orientation: 1 };
      expect(readImageHeader(bytes)).toEqual(header);
      for (let length = 0; length < Math.min(bytes.length, 1000); length++) {
        const found = readImageHeader(bytes.subarray(0, length));
        if (found !== undefined) expect(found).toEqual(header);
      }
    },
  );

  test("of a JPEG says how the camera was held", () => {
    const jpeg = files["jpeg"] ?? new Uint8Array();
    for (const orientation of [1, 3, 6, 8])
      expect(readImageHeader(turned(jpeg, orientation))).toMatchObject({
        width: 2600,
        height: 40,
        orientation,
      });
  });
});

describe("a picture that is too large", () => {
  test.each(["png", "jpeg", "webp", "gif"])("is made smaller: %s", async (type) => {
    const made = await scale(files[type] ?? new Uint8Array());
    expect(made).toMatchObject({ width: 2000, height: 31 });
    expect(made.mediaType).toBe(type === "jpeg" ? "image/jpeg" : "image/png");
    expect(readImageHeader(made.bytes)).toMatchObject({ width: 2000, height: 31 });
    expect([colourAt(made, 10, 15), colourAt(made, 1990, 15)]).toEqual(["red", "blue"]);
  });

  test("keeps to the bytes, too, by being a photograph and then smaller; the same bytes each time", async () => {
    const noisy = draw(900, 900, { noise: 200 }).get_bytes();
    const within = { bytesMax: 120_000, edgeMax: 2000 };
    const [made, again] = [await scale(noisy, within), await scale(noisy, within)];
    expect(made.bytes.length).toBeLessThanOrEqual(within.bytesMax);
    expect(made.mediaType).toBe("image/jpeg");
    expect(Buffer.from(again.bytes).equals(made.bytes)).toBe(true);
  });

  test("is upright afterwards, and what was transparent is white", async () => {
    const made = await scale(turned(files["jpeg"] ?? new Uint8Array(), 6));
    expect(made).toMatchObject({ width: 31, height: 2000 });
    expect([colourAt(made, 15, 10), colourAt(made, 15, 1990)]).toEqual(["red", "blue"]);
    const clear = await scale(draw(500, 500, { noise: 250, alpha: 0 }).get_bytes(), {
      bytesMax: 9000,
      edgeMax: 2000,
    });
    expect(clear.mediaType).toBe("image/jpeg");
    const image = photon.PhotonImage.new_from_byteslice(clear.bytes);
    expect([...image.get_raw_pixels().subarray(0, 4)]).toEqual([255, 255, 255, 255]);
  });

  test("turns and mirrors as EXIF counts", () => {
    // a b    each letter is a pixel
    // c d
    // e f
    const stored = {
      width: 2,
      height: 3,
      pixels: Uint8Array.from([..."abcdef"].flatMap((letter) => [letter.charCodeAt(0), 0, 0, 255])),
    };
    const seen = [1, 2, 3, 4, 5, 6, 7, 8].map((orientation) => {
      const { pixels, width } = upright(stored, orientation);
      const letters = String.fromCharCode(...pixels.filter((_, at) => at % 4 === 0));
      return `${letters.slice(0, width)} ${letters.slice(width, 2 * width)} ${letters.slice(2 * width)}`.trim();
    });
    expect(seen).toEqual([
      "ab cd ef",
      "ba dc fe",
      "fe dc ba",
      "ef cd ab",
      "ace bdf",
      "eca fdb",
      "fdb eca",
      "bdf ace",
    ]);
  });
});

describe("in a conversation", () => {
  let server: ModelServer;
  afterEach(() => server.close());
  const picture = (bytes: Uint8Array, media_type = "image/png"): FilePart => ({
    ...{ id: newId("prt"), type: "file", name: "shot.png", media_type, size: bytes.length },
    data: Buffer.from(bytes).toString("base64"),
  });
  const sent = async (wire: (typeof nativeWires)[number], files: FilePart[], prompts = ["Look"]) => {
    server = await startModelServer({ isStrict: false });
    const { config, env } = onWire(server, wire);
    const native = await openNative({ config });
    for (const [at, prompt] of prompts.entries()) {
      server.enqueue(say("Seen."));
      expect(await native.start(prompt, { env, files: at === 0 ? files : [] }).result).toEqual({
        outcome: "end_turn",
      });
    }
    await native.close();
    return server.requests.map(({ body }) => JSON.stringify(body));
  };
  /** Of the pictures in a request, in order: type, width. */
  const shown = (body = "") => {
    const found = body.matchAll(/"(?:data:[^,"]*,)?((?:iVBOR|\/9j\/|R0lGOD|UklGR)[A-Za-z0-9+/=]+)"/g);
    // The server of the test keeps a second copy of what it understood.
    return [...new Set([...found].map(([, base64 = ""]) => base64))].map((base64) => {
      const header = readImageHeader(Buffer.from(base64, "base64"));
      return `${header?.type} ${header?.width}`;
    });
  };

  test.each(nativeWires)(
    "a large one is shown smaller and said to be, a small one as it is: %s",
    async (wire) => {
      const small = picture(draw(30, 20).get_bytes());
      const large = picture(files["png"] ?? new Uint8Array());
      const [first = "", second = ""] = await sent(wire, [small, large], ["Look", "Again"]);
      const edge = { anthropic: 2000, openai: 2048, google: 2600, "openai-compatible": 2000 }[wire];
      expect(shown(first)).toEqual(["png 30", `png ${edge}`]);
      expect(shown(second)).toEqual(shown(first));
      const isScaled = edge < 2600;
      expect(first.includes("The image shot.png has 2600×40 pixels")).toBe(isScaled);
    },
  );

  test("one that says that it is something else is sent as what it is", async () => {
    const jpeg = draw(30, 20).get_bytes_jpeg(80);
    const [body = ""] = await sent("anthropic", [picture(jpeg, "image/png")]);
    expect(body).toContain('"media_type":"image/jpeg"');
  });

  test("one that cannot be read, or has more pixels than there is memory for, is told of by name", async () => {
    const broken = Uint8Array.from(files["png"] ?? []);
    broken.fill(7, 40);
    const bomb = Uint8Array.from(broken);
    new DataView(bomb.buffer).setUint32(16, 60_000);
    new DataView(bomb.buffer).setUint32(20, 60_000);
    const [body = ""] = await sent("anthropic", [picture(broken), picture(bomb)]);
    expect(shown(body)).toEqual([]);
    expect(body.match(/shot\.png .{0,60}too large to be shown/g)).toHaveLength(2);
  });

  test("a canceled turn waits for no picture, and the next one has it", async () => {
    server = await startModelServer({ isStrict: false });
    const { config, env } = onWire(server, "anthropic");
    const native = await openNative({ config });
    const files = [picture(draw(2600, 300, { noise: 30 }).get_bytes())];
    const stop = new AbortController();
    const turn = native.start("Look", { env, files, signal: stop.signal });
    setImmediate(() => stop.abort());
    expect(await turn.result).toEqual({ outcome: "canceled" });
    server.enqueue(say("Seen."));
    expect(await native.start("Now?", { env }).result).toEqual({ outcome: "end_turn" });
    expect(shown(JSON.stringify(server.requests.at(-1)?.body))).toEqual(["png 2000"]);
    await native.close();
  });
});
