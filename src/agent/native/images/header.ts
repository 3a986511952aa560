/** What an image's first bytes say about it. */
export type ImageHeader = {
  type: "png" | "gif" | "webp" | "jpeg";
  /** Size of the stored pixels, before rotation. */
  width: number;
  height: number;
  /** EXIF orientation: 1 is upright, 6 needs a quarter turn clockwise. */
  orientation: number;
};

/** Undefined for any other format, or if the header is cut off. */
export function readImageHeader(bytes: Uint8Array): ImageHeader | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  try {
    const read = readers.find(({ begins }) => begins(view));
    return read?.header(view);
  } catch (error) {
    if (error instanceof RangeError) return undefined; // the header is cut off
    throw error;
  }
}

type Reader = { begins(view: DataView): boolean; header(view: DataView): ImageHeader | undefined };

/** Four letters as the number stored in a file. */
const letters = (text: string): number => Buffer.from(text, "latin1").readUInt32BE();

const upright = { orientation: 1 };

const readers: readonly Reader[] = [
  {
    begins: (view) => view.byteLength > 4 && view.getUint32(0) === letters("\x89PNG"),
    header: (view) => ({ type: "png", width: view.getUint32(16), height: view.getUint32(20), ...upright }),
  },
  {
    begins: (view) => view.byteLength > 4 && view.getUint32(0) === letters("GIF8"),
    header: (view) => ({
      ...{ type: "gif", width: view.getUint16(6, true), height: view.getUint16(8, true) },
      ...upright,
    }),
  },
  {
    begins: (view) =>
      view.byteLength > 12 && view.getUint32(0) === letters("RIFF") && view.getUint32(8) === letters("WEBP"),
    header: readWebp,
  },
  { begins: (view) => view.byteLength > 2 && view.getUint16(0) === 0xffd8, header: readJpeg },
];

function readWebp(view: DataView): ImageHeader | undefined {
  const sized = (width: number, height: number): ImageHeader => ({ type: "webp", width, height, ...upright });
  const threeBytes = (at: number) => view.getUint16(at, true) + view.getUint8(at + 2) * 0x10000;
  switch (view.getUint32(12)) {
    case letters("VP8 "):
      return sized(view.getUint16(26, true) & 0x3fff, view.getUint16(28, true) & 0x3fff);
    case letters("VP8L"): {
      const packed = view.getUint32(21, true);
      return sized((packed & 0x3fff) + 1, ((packed >>> 14) & 0x3fff) + 1);
    }
    case letters("VP8X"):
      return sized(threeBytes(24) + 1, threeBytes(27) + 1);
  }
  return undefined;
}

/** Goes from segment to segment until the one with the size. */
function readJpeg(view: DataView): ImageHeader | undefined {
  let orientation = 1;
  for (let at = 2; ; ) {
    if (view.getUint8(at) !== 0xff) return undefined;
    const marker = view.getUint8(at + 1);
    if (marker === 0xff) {
      at += 1; // a fill byte
      continue;
    }
    const isFrame = marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
    if (isFrame)
      return { type: "jpeg", width: view.getUint16(at + 7), height: view.getUint16(at + 5), orientation };
    if (marker === 0xe1) orientation = orientationIn(view, at + 4) ?? orientation;
    at += 2 + view.getUint16(at + 2);
  }
}

/** The orientation in an APP1 segment with EXIF, which uses TIFF's directory format. */
function orientationIn(view: DataView, at: number): number | undefined {
  if (view.getUint32(at) !== letters("Exif")) return undefined;
  const tiff = at + 6;
  const isLittle = view.getUint16(tiff) === 0x4949;
  const directory = tiff + view.getUint32(tiff + 4, isLittle);
  const entries = view.getUint16(directory, isLittle);
  for (let entry = 0; entry < entries; entry++) {
    const place = directory + 2 + entry * 12;
    if (view.getUint16(place, isLittle) !== 0x0112) continue;
    const value = view.getUint16(place + 8, isLittle);
    return value >= 1 && value <= 8 ? value : undefined;
  }
  return undefined;
}
