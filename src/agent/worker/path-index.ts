import fuzzysort from "fuzzysort";

/** Paths end in NUL, as ripgrep writes them. */
const END = 0;
const SLASH = 0x2f;
/** The best candidates of the quick ranking, which fuzzysort then ranks exactly. */
const COMPARED_MAX = 1000;
/** Shorter paths rank higher, up to this many bytes. */
const LENGTH_MAX = 255;
const RANKS = 5;

/**
 * The paths of a workspace and their folders, stored as bytes: 350,000 paths take 20 MB instead of 400. A search reads
 * each byte once, and makes strings only of the best matches.
 */
export function createPathIndex() {
  const chunks: Uint8Array[] = [];
  const folders = new Set<string>();
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let lastFolder: Uint8Array = new Uint8Array(0);

  /** The folder and its parents, as far as they are new. */
  function newFolders(folder: Uint8Array): string[] {
    const made: string[] = [];
    let path = decoder.decode(folder);
    while (path !== "" && !folders.has(path)) {
      folders.add(path);
      made.push(path);
      path = path.slice(0, path.lastIndexOf("/", path.length - 2) + 1);
    }
    return made;
  }
  const textAt = (chunk: Uint8Array, start: number) =>
    decoder.decode(chunk.subarray(start, chunk.indexOf(END, start)));

  return {
    /** Whole paths, each ending in NUL, with or without a leading `./`. */
    add(chunk: Uint8Array): void {
      const made: string[] = [];
      for (let start = 0; start < chunk.length; ) {
        const end = chunk.indexOf(END, start);
        const from = chunk[start] === 0x2e && chunk[start + 1] === SLASH ? start + 2 : start;
        const slash = chunk.lastIndexOf(SLASH, end);
        if (slash >= from) {
          const folder = chunk.subarray(from, slash + 1);
          if (!areSame(folder, lastFolder)) {
            made.push(...newFolders(folder));
            lastFolder = folder;
          }
        }
        start = end + 1;
      }
      chunks.push(chunk);
      if (made.length > 0) chunks.push(encoder.encode(made.map((path) => `${path}\0`).join("")));
    },
    /** Best first. Without a query: the least deep paths first, in alphabetical order. */
    find(query: string, limit: number): string[] {
      const wanted = folded(query);
      const found = wanted === "" ? byDepth(limit) : byRank(wanted);
      if (wanted === "") return found;
      return fuzzysort.go(query, found, { limit }).map(({ target }) => target);
    },
  };

  function byDepth(limit: number): string[] {
    const levels: { chunk: Uint8Array; start: number }[][] = [];
    each((chunk, start, end) => {
      let depth = 0;
      for (let at = start; at < end - 1; at++) if (chunk[at] === SLASH) depth++;
      const level = levels[depth];
      if (level === undefined) levels[depth] = [{ chunk, start }];
      else level.push({ chunk, start });
    });
    const found: string[] = [];
    for (const level of levels) {
      if (found.length >= limit) break;
      const paths = (level ?? []).map(({ chunk, start }) => textAt(chunk, start)).sort();
      found.push(...paths.slice(0, limit - found.length));
    }
    return found;
  }

  function byRank(wanted: string): string[] {
    const letters = encoder.encode(wanted);
    const text = wanted.includes("/") ? wanted : undefined;
    const buckets: { chunk: Uint8Array; start: number }[][] = [];
    each((chunk, start, end) => {
      const rank = rankOf(chunk, start, end, letters, wanted, text !== undefined);
      if (rank === undefined) return;
      const bucket = rank * (LENGTH_MAX + 1) + Math.min(LENGTH_MAX, end - start);
      const entries = buckets[bucket];
      if (entries === undefined) buckets[bucket] = [{ chunk, start }];
      else if (entries.length < COMPARED_MAX) entries.push({ chunk, start });
    });
    const found: string[] = [];
    for (let bucket = 0; bucket < RANKS * (LENGTH_MAX + 1) && found.length < COMPARED_MAX; bucket++)
      for (const { chunk, start } of buckets[bucket] ?? []) found.push(textAt(chunk, start));
    return found;
  }

  function each(visit: (chunk: Uint8Array, start: number, end: number) => void): void {
    for (const chunk of chunks) {
      for (let start = 0; start < chunk.length; ) {
        const end = chunk.indexOf(END, start);
        const from = chunk[start] === 0x2e && chunk[start + 1] === SLASH ? start + 2 : start;
        visit(chunk, from, end);
        start = end + 1;
      }
    }
  }

  /** 0 is best: the whole name, its beginning, a part of it, a part of the path, the letters in this order. */
  function rankOf(
    chunk: Uint8Array,
    start: number,
    end: number,
    letters: Uint8Array,
    wanted: string,
    isPath: boolean,
  ): number | undefined {
    let at = 0;
    let isPlain = true;
    for (let index = start; index < end; index++) {
      const byte = lower(chunk[index] ?? 0);
      if (byte >= 0x80) isPlain = false;
      if (byte === letters[at]) at++;
    }
    if (isPlain && at < letters.length) return undefined;
    const path = isPlain ? "" : folded(decoder.decode(chunk.subarray(start, end)));
    if (!isPlain && at < letters.length && !holdsInOrder(path, wanted)) return undefined;
    const nameStart = chunk.lastIndexOf(SLASH, end - 2) + 1;
    const from = isPath ? start : Math.max(start, nameStart);
    const place = placeOf(chunk, from, end, letters);
    if (place === from) return end - from === letters.length ? 0 : 1;
    if (place !== -1) return 2;
    return !isPath && placeOf(chunk, start, end, letters) !== -1 ? 3 : 4;
  }
}
export type PathIndex = ReturnType<typeof createPathIndex>;

const lower = (byte: number): number => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte);

/** Normalizes as fuzzysort does: no case, accents or spaces. */
const folded = (text: string): string =>
  text
    .normalize("NFD")
    .replace(/\p{M}|\s/gu, "")
    .toLowerCase();

function holdsInOrder(text: string, wanted: string): boolean {
  let from = 0;
  for (const letter of wanted) {
    from = text.indexOf(letter, from) + 1;
    if (from === 0) return false;
  }
  return true;
}

function placeOf(chunk: Uint8Array, start: number, end: number, letters: Uint8Array): number {
  const last = end - letters.length;
  for (let place = start; place <= last; place++) {
    let at = 0;
    while (at < letters.length && lower(chunk[place + at] ?? 0) === letters[at]) at++;
    if (at === letters.length) return place;
  }
  return -1;
}

function areSame(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let at = a.length - 1; at >= 0; at--) if (a[at] !== b[at]) return false;
  return true;
}
