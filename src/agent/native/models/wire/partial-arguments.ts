import { isRecord, type Loose, textOf } from "./loose.ts";

type Node = { [key: string]: unknown } | unknown[];

/** Splits `$.recipe.steps[9]` or `$['a b'].c` into keys. */
function keysOf(path: string): (string | number)[] {
  const keys: (string | number)[] = [];
  for (const [, dotted, index, quoted] of path.matchAll(/\.([^.[\]]+)|\[(\d+)\]|\[(?:'|")(.*?)(?:'|")\]/g))
    keys.push(index === undefined ? (dotted ?? quoted ?? "") : Number(index));
  return keys;
}

function childOf(node: Node, key: string | number, next: string | number): Node {
  const known: unknown = Array.isArray(node) ? node[Number(key)] : node[key];
  if (Array.isArray(known) || isRecord(known)) return known as Node;
  const made: Node = typeof next === "number" ? [] : {};
  put(node, key, made);
  return made;
}

/** More than any call has: a wrong index must not create an array of millions. */
const INDEX_MAX = 100_000;

function put(node: Node, key: string | number, value: unknown) {
  if (Array.isArray(node)) {
    if (typeof key === "number" && key <= INDEX_MAX) node[key] = value;
  } else Object.defineProperty(node, key, { value, enumerable: true, configurable: true, writable: true });
}

/** Collects a call's arguments that arrive as values at paths, long strings in pieces. */
export function createPartialArguments() {
  const root: Node = {};
  /** Unfinished strings by path, joined once at the end. */
  const strings = new Map<string, string[]>();

  function set(path: string, value: unknown) {
    const keys = keysOf(path);
    let node: Node = root;
    for (const [at, key] of keys.entries()) {
      const next = keys[at + 1];
      if (next === undefined) put(node, key, value);
      else node = childOf(node, key, next);
    }
  }

  return {
    merge(args: Loose) {
      for (const [key, value] of Object.entries(args)) put(root, key, value);
    },
    take(piece: Loose) {
      const path = textOf(piece["jsonPath"]);
      if ("stringValue" in piece) {
        const known = strings.get(path);
        const text = textOf(piece["stringValue"]);
        if (known === undefined) {
          strings.set(path, [text]);
          set(path, text); // keeps the order of keys
        } else known.push(text);
      } else if ("numberValue" in piece) set(path, Number(piece["numberValue"]));
      else if ("boolValue" in piece) set(path, piece["boolValue"] === true);
      else if ("nullValue" in piece) set(path, null);
    },
    /** The arguments as JSON. */
    text(): string {
      for (const [path, pieces] of strings) if (pieces.length > 1) set(path, pieces.join(""));
      return JSON.stringify(root);
    },
  };
}
