/** A call's arguments as a model wrote them. */
export type Arguments = Record<string, unknown>;

type Meaning = {
  /** Our name of an argument, and what other agents' tools call it. */
  names?: Readonly<Record<string, readonly string[]>>;
  /** Numbers are brought within these, never refused: a model that asks for more gets what there is. */
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

/** What a model means that has learned the names and numbers of other agents' tools. */
export function meaningOf({ names = {}, bounds = {} }: Meaning): (given: Arguments) => Arguments {
  const named = Object.entries(names);
  return (given) => {
    const meant: Arguments = { ...given };
    for (const [name, others] of named) {
      const other = others.find((known) => meant[known] !== undefined && meant[known] !== null);
      if (other === undefined) continue;
      if (meant[name] === undefined || meant[name] === null) meant[name] = meant[other];
      for (const known of others) delete meant[known];
    }
    for (const [name, [min, max]] of Object.entries(bounds)) {
      const value = numberOf(meant[name]);
      if (value !== undefined) meant[name] = Math.min(max, Math.max(min, Math.round(value)));
    }
    return meant;
  };
}

/** A number, or what can only mean one. */
export function numberOf(value: unknown): number | undefined {
  const number = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  return typeof number === "number" && Number.isFinite(number) ? number : undefined;
}
