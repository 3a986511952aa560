import type { RouteKey } from "../../protocol/routes.ts";

/** The route keys of a path by method, in the table's order, and its decoded parameters. */
export type Found = {
  keys: ReadonlyMap<string, RouteKey>;
  params: Readonly<Record<string, string>>;
};

type Pattern = { segments: readonly string[]; keys: Map<string, RouteKey> };

/** Matches paths against the route table. A fixed segment wins over a parameter. */
export function createRouter(keys: readonly RouteKey[]): (path: string) => Found | undefined {
  const patterns = new Map<string, Pattern>();
  for (const key of keys) {
    const [method = "", path = ""] = key.split(" ");
    const pattern = patterns.get(path) ?? { segments: path.split("/"), keys: new Map() };
    pattern.keys.set(method, key);
    patterns.set(path, pattern);
  }
  // "{" sorts after every letter, so fixed segments come first.
  const sorted = [...patterns].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, pattern]) => pattern);
  return (path) => {
    const segments = path.split("/");
    for (const pattern of sorted) {
      const params = match(pattern.segments, segments);
      if (params !== undefined) return { keys: pattern.keys, params };
    }
    return undefined;
  };
}

function match(pattern: readonly string[], segments: readonly string[]): Record<string, string> | undefined {
  if (pattern.length !== segments.length) return undefined;
  const params: Record<string, string> = {};
  for (const [index, wanted] of pattern.entries()) {
    const found = segments[index] ?? "";
    const name = /^\{(\w+)\}$/.exec(wanted)?.[1];
    if (name !== undefined && found !== "") params[name] = decoded(found);
    else if (wanted !== found) return undefined;
  }
  return params;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment; // an invalid escape matches no id, so the answer is "not found"
  }
}
