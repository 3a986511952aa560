import { createRequire } from "node:module";
import type { ImageHeader } from "./header.ts";

/** How large an image may be. */
export type ImageLimits = {
  /** Bytes of the encoded image. */
  bytesMax: number;
  /** Pixels of the longer side. */
  edgeMax: number;
};

export type ScaleRequest = {
  /** The path of photon. The caller finds it, because a worker thread's code is not in a file. */
  program: string;
  bytes: Uint8Array;
  header: ImageHeader;
  limits: ImageLimits;
};
export type ScaledImage = { bytes: Uint8Array; mediaType: string; width: number; height: number };

/** The part of photon that is used. */
type Photon = {
  PhotonImage: {
    new (pixels: Uint8Array, width: number, height: number): PhotonImage;
    new_from_byteslice(bytes: Uint8Array): PhotonImage;
  };
  resize(image: PhotonImage, width: number, height: number, filter: number): PhotonImage;
  SamplingFilter: { Triangle: number };
};
type PhotonImage = {
  get_width(): number;
  get_height(): number;
  get_raw_pixels(): Uint8Array;
  /** Encodes as PNG. */
  get_bytes(): Uint8Array;
  get_bytes_jpeg(quality: number): Uint8Array;
  free(): void;
};

type Pixels = { pixels: Uint8Array; width: number; height: number };

/** From good to just legible; below that the image is scaled down. */
const QUALITIES = [85, 70, 50];
const SMALLER = 0.7;
const EDGE_MIN = 100;

/**
 * Scales an image to the limits; null if that is impossible. The result is upright, and always the same for the same
 * image, because what was sent once is sent again byte for byte. Throws photon's error for unreadable bytes. Takes
 * seconds: call it in a worker thread.
 */
export function scaleImage({ program, bytes, header, limits }: ScaleRequest): ScaledImage | null {
  const photon = createRequire(program)(program) as Photon;
  const whole = photon.PhotonImage.new_from_byteslice(bytes);
  const longest = Math.max(whole.get_width(), whole.get_height());
  try {
    for (let edge = Math.min(longest, limits.edgeMax); edge >= Math.min(EDGE_MIN, longest); edge *= SMALLER) {
      const pixels = upright(shrink(photon, whole, edge / longest), header.orientation);
      const made = encode(photon, pixels, header.type === "jpeg", limits.bytesMax);
      if (made !== null) return made;
    }
    return null;
  } finally {
    whole.free();
  }
}

function shrink({ resize, SamplingFilter }: Photon, whole: PhotonImage, by: number): Pixels {
  const width = Math.max(1, Math.round(whole.get_width() * by));
  const height = Math.max(1, Math.round(whole.get_height() * by));
  const small = by === 1 ? whole : resize(whole, width, height, SamplingFilter.Triangle);
  const pixels = small.get_raw_pixels();
  if (small !== whole) small.free();
  return { pixels, width, height };
}

/** Lossless if the source was and the result is small enough, as with screenshots; else as JPEG. */
function encode(photon: Photon, made: Pixels, isPhotograph: boolean, bytesMax: number): ScaledImage | null {
  const { width, height } = made;
  const encoded = (pixels: Uint8Array, as: (image: PhotonImage) => Uint8Array) => {
    const image = new photon.PhotonImage(pixels, width, height);
    const bytes = as(image);
    image.free();
    return bytes.length <= bytesMax ? bytes : undefined;
  };
  const exact = isPhotograph ? undefined : encoded(made.pixels, (image) => image.get_bytes());
  if (exact !== undefined) return { bytes: exact, mediaType: "image/png", width, height };
  const opaque = onWhite(made.pixels);
  for (const quality of QUALITIES) {
    const bytes = encoded(opaque, (image) => image.get_bytes_jpeg(quality));
    if (bytes !== undefined) return { bytes, mediaType: "image/jpeg", width, height };
  }
  return null;
}

/** JPEG has no transparency; transparent pixels would turn black. */
function onWhite(pixels: Uint8Array): Uint8Array {
  const opaque = Uint8Array.from(pixels);
  for (let at = 0; at < opaque.length; at += 4) {
    const alpha = opaque[at + 3] ?? 255;
    if (alpha === 255) continue;
    for (let channel = at; channel < at + 3; channel++)
      opaque[channel] = Math.round(((opaque[channel] ?? 0) * alpha + 255 * (255 - alpha)) / 255);
    opaque[at + 3] = 255;
  }
  return opaque;
}

/** The stored pixel for a displayed position, by orientation; from 5 on width and height are swapped. */
const placeFrom: Record<number, (x: number, y: number, width: number, height: number) => [number, number]> = {
  2: (x, y, width) => [width - 1 - x, y],
  3: (x, y, width, height) => [width - 1 - x, height - 1 - y],
  4: (x, y, _, height) => [x, height - 1 - y],
  5: (x, y) => [y, x],
  6: (x, y, _, height) => [y, height - 1 - x],
  7: (x, y, width, height) => [width - 1 - y, height - 1 - x],
  8: (x, y, width) => [width - 1 - y, x],
};

/** Rotates the pixels: cameras store the orientation as metadata, which a copy loses. */
export function upright(stored: Pixels, orientation: number): Pixels {
  const from = placeFrom[orientation];
  if (from === undefined) return stored;
  const isTurned = orientation >= 5;
  const width = isTurned ? stored.height : stored.width;
  const height = isTurned ? stored.width : stored.height;
  const pixels = new Uint8Array(stored.pixels.length);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [fromX, fromY] = from(x, y, stored.width, stored.height);
      const source = (fromY * stored.width + fromX) * 4;
      pixels.set(stored.pixels.subarray(source, source + 4), (y * width + x) * 4);
    }
  return { pixels, width, height };
}
