/** A call's arguments, as the model wrote them. */
export type Arguments = Record<string, unknown>;

type NormalizerOptions = {
  /** hearth's name of an argument, and its names in other agents' tools. */
  names?: Readonly<Record<string, readonly string[]>>;
  /** Numbers are clamped to these, never rejected. */
  bounds?: Readonly<Record<string, readonly [min: number, max: number]>>;
};

export const pathNames = [
  "file_path",
  "filePath",
  "filepath",
  "file_name",
  "filename",
  "file",
  "absolute_path",
];
export const folderNames = ["directory", "dir", "folder", "dir_path", "directory_path", "search_path"];

/** Makes a function that maps arguments in the style of other agents' tools to hearth's. */
export function argumentNormalizer({
  names = {},
  bounds = {},
}: NormalizerOptions): (given: Arguments) => Arguments {
  const named = Object.entries(names);
  return (given) => {
    const normalized: Arguments = { ...given };
    for (const [name, others] of named) {
      const other = others.find((known) => normalized[known] !== undefined && normalized[known] !== null);
      if (other === undefined) continue;
      if (normalized[name] === undefined || normalized[name] === null) normalized[name] = normalized[other];
      for (const known of others) delete normalized[known];
    }
    for (const [name, [min, max]] of Object.entries(bounds)) {
      const value = numberOf(normalized[name]);
      if (value !== undefined) normalized[name] = Math.min(max, Math.max(min, Math.round(value)));
    }
    return normalized;
  };
}

/** A number, or a string that contains one. */
export function numberOf(value: unknown): number | undefined {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}
