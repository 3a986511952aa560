/** Untrusted JSON from an agent. */
export type Wire = Readonly<Record<string, unknown>>;

export const isWire = (value: unknown): value is Wire =>
  typeof value === "object" && value !== null && !Array.isArray(value);
/** An empty object for anything else. */
export const wireOf = (value: unknown): Wire => (isWire(value) ? value : {});
export const wiresOf = (value: unknown): Wire[] => (Array.isArray(value) ? value.filter(isWire) : []);
export const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);
export const numberOf = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isFinite(value) ? value : undefined;
/** Follows keys into nested objects. */
export const at = (value: unknown, ...keys: string[]): unknown =>
  keys.reduce<unknown>((found, key) => wireOf(found)[key], value);
