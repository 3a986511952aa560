/** Reads data from others: any field may be missing, null or of another type. */
export type Loose = { readonly [key: string]: unknown };

export const isRecord = (value: unknown): value is Loose =>
  typeof value === "object" && value !== null && !Array.isArray(value);
export const recordOf = (value: unknown): Loose => (isRecord(value) ? value : {});
export const recordsOf = (value: unknown): Loose[] => (Array.isArray(value) ? value.filter(isRecord) : []);
export const textOf = (value: unknown): string => (typeof value === "string" ? value : "");
export const stringOf = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;
/** A token count: a whole number, not negative, whatever was sent. */
export const countOf = (value: unknown): number =>
  typeof value === "number" && Number.isFinite(value) && value > 0 ? Math.round(value) : 0;
